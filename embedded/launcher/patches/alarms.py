"""Upstream: alarms are evaluated only at PutMetricData, with one value over their whole time.

Here alarms are evaluated as on AWS (embedded/launcher/alarms.py): by period, with metric math, and
with missing data treated as configured. An evaluation runs half a second after a point was written,
and each minute while an alarm has data. A change of state is recorded in the history and sent to
EventBridge, and to SNS as cloudwatch.amazonaws.com: the topic's policy and its key's policy must
allow that. An idle lake checks its queues every ten seconds.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import cloudwatch, sns, sqs
from ministack.services.cloudformation import provisioners

from embedded.launcher import alarms, metric_points, start_up
from embedded.launcher.alarms import Evaluation
from embedded.launcher.authority import as_account
from embedded.launcher.bus import put_event
from embedded.launcher.environment import ACCOUNT_ID, REGION
from embedded.launcher.metric_math import MathError
from embedded.launcher.patches import key_deliveries, snapshots

EXPECTS = {
    "services.cloudwatch:_evaluate_alarm": "a0b0acd3d432",
    "services.cloudwatch:_evaluate_all_alarms": "f83f88e57f1c",
    "services.cloudwatch:_evaluate_parent_alarms": "24a65a9e43d5",
    "services.cloudwatch:_dispatch_alarm_actions": "fcf47c0d1e6e",
    "services.cloudwatch:_record_history": "c5890b06e5c8",
    "services.cloudwatch:_put_metric_alarm": "953a67ff4bb1",
    "services.cloudwatch:_put_composite_alarm": "d1c8174c3d5b",
    "services.cloudwatch:_delete_alarms": "5f8a0651d976",
    "services.cloudwatch:_set_alarm_state": "0fa9fef3bd18",
    "services.cloudwatch:_transition_composite": "b990e25bf465",
    "services.cloudwatch:cloudformation_put_metric_alarm": "8cb1178b326d",
    "services.cloudformation.provisioners:_cw_metric_alarm_record": "4565fcede1eb",
    "services.sns:topic_policy_allows": "2c5001e5af7e",
    "services.sns:publish_internal": "f979fc53e1eb",
    "services.eventbridge:_put_events": "ebcda0f38061",
}

Response = tuple[int, dict[str, str], bytes]
Alarm = dict[str, Any]

TICK_SECONDS = 10.0
GATHER_SECONDS = 0.5
MAX_HISTORY = 1_000
REGION_NAME = "US East (N. Virginia)"
_PRINCIPAL = "cloudwatch.amazonaws.com"
_ACTIONS = {
    alarms.ALARM: "AlarmActions",
    alarms.OK: "OKActions",
    alarms.INSUFFICIENT_DATA: "InsufficientDataActions",
}
# An alarm on Metrics has neither, but upstream needs both to create one.
_PLACE = {"MetricName": "-", "Namespace": "-"}
_PLAIN = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period")

logger = logging.getLogger("lake.alarms")

_due = threading.Event()
# Held by an evaluation, or by a request that creates, changes or deletes an alarm.
_lock = threading.RLock()
# Copies of changed alarms, with the previous state and reason. Notifications are sent without the
# lock, because a receiver may call CloudWatch.
_changed: deque[tuple[Alarm, str, str]] = deque()
# Counts of visible and of other messages of each queue, and the minute of their publication.
_queues: dict[str, tuple[int, int, int]] = {}


def _evaluate_soon(*_: Any) -> None:
    _due.set()


def _watch() -> None:
    """Evaluate due alarms while the process lives."""
    as_account(ACCOUNT_ID)
    live, minute = True, 0
    while True:
        asked = _due.wait(TICK_SECONDS)
        try:
            if asked:
                time.sleep(GATHER_SECONDS)
            if snapshots.deploying():
                # A deployment creates a topic, its policy and its alarms one after the other.
                continue
            _due.clear()
            _look_at_queues()
            now = time.time()
            if asked or (live and now // 60 != minute):
                live, minute = _evaluate_all(now), int(now // 60)
                while _changed:
                    _tell(*_changed.popleft())
                # Limits this thread to a tenth of a core when there are many points.
                time.sleep(9 * (time.time() - now))
        except Exception:
            logger.exception("The alarms could not be evaluated; the next try is in ten seconds")
            time.sleep(TICK_SECONDS)


def _look_at_queues() -> None:
    """Publish the number of messages of each queue that has some, or has just become empty.

    SQS publishes for queues that were active in the last six hours, once a minute.
    """
    now = time.time()
    for queue in list(sqs._queues.values()):
        name = queue["attributes"]["QueueArn"].rsplit(":", 1)[-1]
        times = [message.get("visible_at", 0) for message in list(queue["messages"])]
        visible = sum(at <= now for at in times)
        found = (visible, len(times) - visible, int(now // 60))
        before = _queues.get(name, (0, 0, 0))
        if found[:2] == before[:2] and (found[2] == before[2] or not times):
            continue
        _queues[name] = found
        metric_points.publish(
            "AWS/SQS",
            {"QueueName": name},
            ApproximateNumberOfMessagesVisible=(found[0], "Count"),
            ApproximateNumberOfMessagesNotVisible=(found[1], "Count"),
        )


def _evaluate_all(now: float) -> bool:
    """Update each alarm's state; returns whether one has data that must be evaluated again."""
    live = False
    for name in list(cloudwatch._alarms.keys()):
        with _lock:
            alarm = cloudwatch._alarms.get(name)
            if alarm is None or not (alarm.get("Metrics") or alarm.get("Namespace")):
                continue
            try:
                found = alarms.evaluate(alarm, metric_points.fetch, now)
            except (MathError, KeyError) as wrong:
                logger.warning("The alarm %s cannot be evaluated: %s", name, wrong)
                continue
            if found is None:
                continue
            live = live or found.has_data
            if found.state != alarm["StateValue"]:
                _change(alarm, found, now)
    return live


def _change(alarm: Alarm, found: Evaluation, now: float) -> None:
    old, old_reason = alarm["StateValue"], alarm["StateReason"]
    alarm.update(
        StateValue=found.state,
        StateReason=found.reason,
        StateReasonData=json.dumps(found.data),
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    cloudwatch._record_history(
        alarm["AlarmName"], old, found.state, found.reason, reason_data=found.data
    )
    _to_be_told(alarm, old, old_reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _to_be_told(alarm: Alarm, old: str, old_reason: str = "") -> None:
    _changed.append((dict(alarm), old, old_reason))
    _due.set()
    snapshots.changed("cloudwatch")


def _tell(alarm: Alarm, old: str, old_reason: str) -> None:
    """Send the alarm's new state to EventBridge and to the alarm's topics."""
    name = alarm["AlarmName"]
    try:
        detail = alarms.event_detail(alarm, old, old_reason)
        put_event("aws.cloudwatch", "CloudWatch Alarm State Change", alarm["AlarmArn"], detail)
    except Exception:
        logger.exception("The change of the alarm %s could not be sent to the event bus", name)
    if alarm.get("ActionsEnabled", True):
        for action in alarm.get(_ACTIONS[alarm["StateValue"]]) or []:
            _act(alarm, action, old)
    entries = cloudwatch._history_entries()
    del entries[:-MAX_HISTORY]
    snapshots.changed("cloudwatch")


def _act(alarm: Alarm, action: str, old: str) -> None:
    try:
        refused = _published(alarm, action, old)
    except Exception as failed:
        logger.exception("The action %s of the alarm %s failed", action, alarm["AlarmName"])
        refused = f"{type(failed).__name__}: {failed}"
    if refused:
        logger.warning(
            "The alarm %s could not notify %s of the state %s: %s",
            alarm["AlarmName"],
            action,
            alarm["StateValue"],
            refused,
        )
    summary = (
        f'Failed to execute action {action}. Received error: "{refused}"'
        if refused
        else f"Successfully executed action {action}"
    )
    cloudwatch._history_entries().append(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
            "Timestamp": cloudwatch._ts_iso(time.time()),
            "HistoryItemType": "Action",
            "HistorySummary": summary,
            "HistoryData": json.dumps(
                {
                    "actionState": "Failed" if refused else "Succeeded",
                    "notificationResource": action,
                    "stateUpdateTimestamp": int(alarm["StateUpdatedTimestamp"] * 1000),
                    **({"error": refused} if refused else {}),
                }
            ),
        }
    )


def _published(alarm: Alarm, action: str, old: str) -> str:
    """Publish the alarm's state to a topic; returns the reason for a failure, or an empty string.

    Both texts are from AWS's knowledge center: "Why didn't I receive an SNS notification for my
    CloudWatch alarm trigger?"
    """
    if not cloudwatch._is_sns_action_arn(action):
        return "the embedded cloud supports only actions on SNS topics of this account"
    if sns._topic_by_arn_any_scope(action) is None:
        return "Topic does not exist"
    # Requests do not leave this machine, so aws:SecureTransport counts as true.
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    # Checked before the topic's policy, whose check includes the key and hides which refused.
    if not key_deliveries.may_send(action, _PRINCIPAL, alarm["AlarmArn"]):
        return (
            "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
        )
    if not sns.topic_policy_allows(action, _PRINCIPAL, alarm["AlarmArn"], ACCOUNT_ID):
        return (
            f"Resource: {alarm['AlarmArn']} is not authorized to perform: SNS:Publish on "
            f"resource: {action}"
        )
    subject = f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {REGION_NAME}'
    sns.publish_internal(
        action, alarms.message(alarm, old, REGION_NAME, ACCOUNT_ID), subject=subject[:100]
    )
    return ""


def _replaced_dispatch(alarm: Alarm, old: str, _new: str, _reason: str) -> None:
    _to_be_told(alarm, old)


def apply() -> None:
    metric_points.listeners.append(_evaluate_soon)
    cloudwatch._evaluate_alarm = _evaluate_soon
    cloudwatch._evaluate_all_alarms = _evaluate_soon
    cloudwatch._dispatch_alarm_actions = _replaced_dispatch
    cloudwatch._put_metric_alarm = _with_metrics(cloudwatch._put_metric_alarm)
    for name in ("_put_composite_alarm", "_delete_alarms", "_set_alarm_state"):
        setattr(cloudwatch, name, _one_at_a_time(getattr(cloudwatch, name)))
    _patch_templates()
    # Actions can invoke Lambdas, which call the gateway.
    start_up.when_gateway_is_there(_watch)


def _one_at_a_time(handler: Callable[..., Response]) -> Callable[..., Response]:
    def handled(*arguments: Any) -> Response:
        with _lock:
            response = handler(*arguments)
        # As on AWS, the next evaluation corrects a state that was set by hand.
        _due.set()
        return response

    return handled


def _with_metrics(put: Callable[..., Response]) -> Callable[..., Response]:
    """PutMetricAlarm that also supports Metrics, and checks what the alarm watches."""

    def handler(
        params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Response:
        def refuse(reason: str) -> Response:
            return cloudwatch._error("ValidationError", reason, 400, is_json, is_cbor)

        if any(str(name).startswith("Metrics.member.") for name in params):
            return refuse("the embedded cloud accepts Metrics only as JSON or CBOR")
        metrics = data.get("Metrics")
        name = data.get("AlarmName") or cloudwatch._p(params, "AlarmName")
        with _lock:
            before = cloudwatch._alarms.get(name)
            response = put(params, {**data, **_PLACE} if metrics else data, is_cbor, is_json)
            if response[0] != 200:
                return response
            alarm = cloudwatch._alarms[name]
            if metrics:
                _on_metrics(alarm, metrics)
            problem = alarms.problem_of(alarm)
            if problem:
                if before is None:
                    del cloudwatch._alarms[name]
                else:
                    cloudwatch._alarms[name] = before
                return refuse(problem)
        return response

    return handler


def _on_metrics(alarm: Alarm, metrics: Any) -> None:
    for key in _PLAIN:
        alarm.pop(key, None)
    alarm["Metrics"] = metrics


def _patch_templates() -> None:
    record = provisioners._cw_metric_alarm_record
    handlers = provisioners._RESOURCE_HANDLERS

    def record_of(name: str, properties: dict[str, Any]) -> Alarm:
        metrics = properties.get("Metrics")
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = record(name, {**plain, **_PLACE} if metrics else properties)
        if metrics:
            _on_metrics(alarm, metrics)
        problem = alarms.problem_of(alarm)
        if problem:
            raise ValueError(f"the alarm {name}: {problem}")
        return alarm

    provisioners._cw_metric_alarm_record = record_of
    handlers["AWS::CloudWatch::CompositeAlarm"] = {
        "create": _create_composite,
        "update": _update_composite,
        "update_with_logical_id": True,
        "delete": _delete_composite,
    }


def _answered(response: Response) -> None:
    if response[0] >= 400:
        raise ValueError(json.loads(response[2]).get("message", str(response[2])))


def _create_composite(
    logical_id: str, properties: Mapping[str, Any], stack: str
) -> tuple[str, dict[str, str]]:
    if properties.get("ActionsSuppressor"):
        raise ValueError("the embedded cloud has no ActionsSuppressor of composite alarms")
    name = properties.get("AlarmName") or provisioners._physical_name(
        stack, logical_id, max_len=255
    )
    enabled = str(properties.get("ActionsEnabled", True)).lower() != "false"
    asked = {**properties, "AlarmName": name, "ActionsEnabled": enabled}
    _answered(cloudwatch._put_composite_alarm({}, asked, False, True))
    return name, {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:{name}"}


def _update_composite(
    physical_id: str, _old: Mapping[str, Any], new: Mapping[str, Any], stack: str, logical_id: str
) -> tuple[str, dict[str, str]]:
    made = _create_composite(logical_id, new, stack)
    if made[0] != physical_id:
        _delete_composite(physical_id, new)
    return made


def _delete_composite(physical_id: str, _properties: Mapping[str, Any]) -> None:
    _answered(cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, False, True))
