"""Upstream: no metrics from log lines, and AWS's own metrics only for Invoke.

Here log lines in the embedded metric format become data points. Each run of a function, however
invoked, writes Invocations, Errors, Duration and Throttles, and for a stream's batch IteratorAge.
Each status change of an execution is counted. docs/embedded-cloud.md lists the metrics that are not
published. The number of points is limited (embedded/launcher/metric_points.py).
"""

import logging
import time
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc, stepfunctions

from embedded.launcher import authority, metric_points
from embedded.launcher.embedded_metrics import extract
from embedded.launcher.environment import ACCOUNT_ID, REGION

EXPECTS = {
    "services.cloudwatch:_evict_old_metrics": "cf47bc1522ad",
    "services.cloudwatch:_store_datum": "e0194e701d56",
    "services.cloudwatch:_metric_bucket": "be62c5f1548d",
    "services.cloudwatch:_calc_stats": "889e1bfc89dc",
    "services.cloudwatch:_stat_value": "cfaad9598233",
    "services.cloudwatch:record_metric": "7f777bfbe523",
    "services.cloudwatch_logs:_put_log_events": "acd4fda33a38",
    "services.lambda_svc:_emit_lambda_metrics": "3b6689d77cf6",
    "services.lambda_svc:_emit_lambda_logs": "111efbf06968",
    "services.lambda_svc:_execute_function": "3ceb16d6480a",
    "services.lambda_svc:_execute_function_dispatch": "f62cd259213e",
    "services.stepfunctions:_emit_execution_status_event": "9c89e45693e3",
}

logger = logging.getLogger("lake.metrics")

# Functions that may not write their log, for which that was already logged.
_silent: set[str] = set()

# Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
_ENDED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def _of_lines(lines: list[str], group: str) -> None:
    """Store the metrics in log lines. Never raises, because a line must not fail its writer."""
    try:
        for line in lines:
            found = extract(line)
            if found is None:
                continue
            for problem in found.problems:
                logger.warning("%s: a metric is left out: %s: %.300s", group, problem, line)
            metric_points.record(found.points)
    except Exception:
        logger.exception("%s: its lines could not be made metrics", group)


def _of_run(
    config: dict[str, Any], event: Any, started: float, result: dict[str, Any] | None
) -> None:
    failed = result is None or bool(result.get("error"))
    values = {
        "Invocations": (1, "Count"),
        "Errors": (int(failed), "Count"),
        "Duration": ((time.time() - started) * 1000, "Milliseconds"),
        "Throttles": (0, "Count"),
    }
    records = event.get("Records") if isinstance(event, dict) else None
    last = records[-1] if isinstance(records, list) and records else None
    if isinstance(last, dict) and isinstance(last.get("kinesis"), dict):
        # The age of the batch's last record when the function receives it.
        arrived = float(last["kinesis"]["approximateArrivalTimestamp"])
        values["IteratorAge"] = (max(0.0, started - arrived) * 1000, "Milliseconds")
    metric_points.publish("AWS/Lambda", {"FunctionName": config["FunctionName"]}, **values)


def _of_status(execution: dict[str, Any]) -> None:
    values: dict[str, tuple[float, str]] = {}
    if execution["status"] == "RUNNING":
        redriven = execution.get("redriveCount", 0) > 0
        values["ExecutionsRedriven" if redriven else "ExecutionsStarted"] = (1, "Count")
    else:
        values[_ENDED[execution["status"]]] = (1, "Count")
        begun = stepfunctions._iso_to_epoch_ms(
            execution.get("redriveDate") or execution["startDate"]
        )
        ended = stepfunctions._iso_to_epoch_ms(execution["stopDate"])
        values["ExecutionTime"] = (ended - begun, "Milliseconds")
    metric_points.publish("AWS/States", {"StateMachineArn": execution["stateMachineArn"]}, **values)


def apply() -> None:
    _patch_store()
    _patch_logs()
    _patch_functions()
    emit_status = stepfunctions._emit_execution_status_event

    def emit(execution: dict[str, Any]) -> None:
        emit_status(execution)
        if not execution.get("sync"):
            try:
                _of_status(execution)
            except Exception:
                logger.exception("%s is in no metric", execution.get("executionArn"))

    stepfunctions._emit_execution_status_event = emit


class _Bucket:
    """The list to which upstream appends the points of one metric."""

    def __init__(self, key: metric_points.Key):
        self._key = key

    def append(self, point: dict[str, Any]) -> None:
        metric_points.add_stored(self._key, point)


def _patch_store() -> None:
    cloudwatch._metric_bucket = _Bucket
    cloudwatch._evict_old_metrics = metric_points.evict


def _may_write(config: dict[str, Any]) -> bool:
    """Whether a function's role may write its log; on AWS the lines are lost if it may not."""
    name, role = str(config.get("FunctionName", "")), str(config.get("Role", ""))
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}:log-stream:any"
    decision = authority.role_may(role, name, "logs:PutLogEvents", stream, noted=False)
    if not decision.allowed and name not in _silent:
        _silent.add(name)
        logger.warning(
            "%s: its log lines become no metrics, because on AWS they would not be written: %s",
            group,
            decision.message,
        )
    return decision.allowed


def _patch_logs() -> None:
    emit_logs, put_events = lambda_svc._emit_lambda_logs, cloudwatch_logs._put_log_events

    def emit(func: dict[str, Any], request_id: str, log_text: str, *rest: Any, **more: Any) -> None:
        emit_logs(func, request_id, log_text, *rest, **more)
        config = func.get("config") or func
        lines = [line for line in (log_text or "").splitlines() if line.startswith("{")]
        if lines and _may_write(config):
            _of_lines(lines, f"/aws/lambda/{config.get('FunctionName', '')}")

    def put(data: dict[str, Any]) -> Any:
        response = put_events(data)
        if response[0] == 200:
            messages = [str(event.get("message", "")) for event in data.get("logEvents", [])]
            _of_lines(messages, data["logGroupName"])
        return response

    lambda_svc._emit_lambda_logs = emit
    cloudwatch_logs._put_log_events = put


def _patch_functions() -> None:
    dispatch = lambda_svc._execute_function_dispatch

    def execute(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> dict[str, Any]:
        result = None
        try:
            result = dispatch(func, config, event, request_id, started)
        finally:
            try:
                _of_run(config, event, started, result)
            except Exception:
                logger.exception("%s: its run is in no metric", config.get("FunctionName"))
        return result

    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        """Upstream's counter; still used for a throttled run, which has no duration."""
        if throttle and duration_ms == 0:
            metric_points.publish(
                "AWS/Lambda", {"FunctionName": function_name}, Throttles=(1, "Count")
            )

    lambda_svc._execute_function_dispatch = execute
    lambda_svc._emit_lambda_metrics = emit
