"""Alarms change state with the data points that are written, and say so."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, until
from test_cloudformation import deploy, outputs
from test_key_permissions import MAKE, OPEN, new_key, policy
from test_metric_points import DIMENSIONS, line, write

ALARMS = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"


def put_alarm(launcher: Launcher, name: str, **changes: Any) -> None:
    launcher.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": name,
            "MetricName": "Rows",
            "Dimensions": DIMENSIONS,
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 2,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **changes,
        }
    )


def described(launcher: Launcher, name: str) -> dict[str, Any]:
    found = launcher.client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return [*found["MetricAlarms"], *found["CompositeAlarms"]][0]


def is_in(launcher: Launcher, name: str, state: str) -> dict[str, Any]:
    return until(
        lambda: found if (found := described(launcher, name))["StateValue"] == state else None
    )


def history(launcher: Launcher, name: str, kind: str) -> list[str]:
    items = launcher.client("cloudwatch").describe_alarm_history(
        AlarmName=name, HistoryItemType=kind
    )["AlarmHistoryItems"]
    return [item["HistorySummary"] for item in items]


def queue_of(launcher: Launcher, name: str) -> tuple[str, str]:
    """A queue's address and ARN."""
    sqs = launcher.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    allowed = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": found["QueueArn"],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(allowed)})
    return url, found["QueueArn"]


def received(launcher: Launcher, url: str) -> dict[str, Any]:
    return until(
        lambda: [
            json.loads(message["Body"])
            for message in launcher.client("sqs").receive_message(QueueUrl=url).get("Messages", [])
        ]
    )[0]


def topic_of(launcher: Launcher, name: str, **attributes: str) -> str:
    return launcher.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]


def test_an_alarm_goes_off_and_tells_its_topic_and_the_bus(launcher: Launcher) -> None:
    url, queue = queue_of(launcher, "alarm-told")
    topic = topic_of(launcher, "alarm-told")
    launcher.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    bus, heard = queue_of(launcher, "alarm-heard")
    events = launcher.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["Told"]}}
    events.put_rule(Name="alarm-heard", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarm-heard", Targets=[{"Id": "q", "Arn": heard}])
    put_alarm(launcher, "Told", AlarmActions=[topic])
    is_in(launcher, "Told", "OK")
    assert received(launcher, bus)["detail"]["state"]["value"] == "OK"

    write(launcher, "/alarms/told", line("Told", Rows=[2, 3]))

    found = is_in(launcher, "Told", "ALARM")
    assert found["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoint [5.0")
    told = json.loads(received(launcher, url)["Message"])
    assert (told["AlarmName"], told["OldStateValue"], told["NewStateValue"]) == (
        "Told",
        "OK",
        "ALARM",
    )
    assert told["Trigger"]["MetricName"] == "Rows"
    detail = received(launcher, bus)["detail"]
    assert (detail["previousState"]["value"], detail["state"]["value"]) == ("OK", "ALARM")
    assert history(launcher, "Told", "Action") == [f"Successfully executed action {topic}"]
    assert "Alarm updated from OK to ALARM" in history(launcher, "Told", "StateUpdate")


def allowed(resource: str, *actions: str, **conditions: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": list(actions),
        "Resource": resource,
        "Condition": conditions or {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


PUBLISH = "not authorized to perform: SNS:Publish"
NO_KEY = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
OTHERS = {"ArnLike": {"aws:SourceArn": f"{ALARMS}:another-*"}}


@pytest.mark.parametrize(
    ("name", "topics", "keys", "error"),
    [
        ("Allowed", [{}], [{}], None),
        ("OfOthers", [OTHERS], [{}], PUBLISH),
        ("Unnamed", [], [{}], PUBLISH),
        ("WithoutKey", [{}], [], NO_KEY),
        ("KeyOfOthers", [{}], [OTHERS], NO_KEY),
    ],
)
def test_a_topic_and_its_key_have_to_let_the_alarm_publish(
    launcher: Launcher,
    name: str,
    topics: list[dict[str, Any]],
    keys: list[dict[str, Any]],
    error: str | None,
) -> None:
    kms = launcher.client("kms")
    key = new_key(launcher)
    own = json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"]
    kms.put_key_policy(
        KeyId=key, Policy=policy(*own, *(allowed("*", MAKE, OPEN, **more) for more in keys))
    )
    topic = topic_of(launcher, f"alarm-{name}", KmsMasterKeyId=key)
    launcher.client("sns").set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=policy(
            # What CDK's enforceSSL writes.
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            *(allowed(topic, "sns:Publish", **more) for more in topics),
        ),
    )

    put_alarm(launcher, name, OKActions=[topic])

    is_in(launcher, name, "OK")
    (summary,) = until(lambda: history(launcher, name, "Action"))
    if error is None:
        assert summary == f"Successfully executed action {topic}"
    else:
        assert summary.startswith(f"Failed to execute action {topic}. Received error: ")
        assert error in summary
        said = (launcher.home / "launcher.log").read_text()
        assert f"The alarm {name} could not notify {topic} of the state OK: " in said


SHARE = [
    {"Id": "share", "Expression": "IF(rows >= 2, lost / rows)", "Label": "Share"},
    *(
        {
            "Id": metric.lower(),
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "Share", "MetricName": metric, "Dimensions": DIMENSIONS},
                "Period": 300,
                "Stat": "Sum",
            },
        }
        for metric in ("Rows", "Lost")
    ),
]
PLAIN = {
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 0.5,
}


def test_a_stack_has_alarms_on_expressions_and_on_other_alarms(launcher: Launcher) -> None:
    resources = {
        "Share": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {**PLAIN, "Metrics": SHARE, "TreatMissingData": "ignore"},
        },
        "Both": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {
                "AlarmName": "both",
                "AlarmRule": {"Fn::Sub": "ALARM(${Share})"},
            },
            "DependsOn": "Share",
        },
    }
    wanted = {"Share": {"Ref": "Share"}, "Arn": {"Fn::GetAtt": ["Both", "Arn"]}}
    made = outputs(deploy(launcher, "alarms", resources, wanted))
    assert made["Arn"] == f"{ALARMS}:both"
    assert described(launcher, made["Share"])["Metrics"][0]["Expression"] == SHARE[0]["Expression"]
    assert described(launcher, "both")["StateValue"] == "OK"

    write(launcher, "/alarms/share", line("Share", Rows=4, Lost=3))

    is_in(launcher, made["Share"], "ALARM")
    is_in(launcher, "both", "ALARM")
    data = launcher.client("cloudwatch").get_metric_data(
        MetricDataQueries=SHARE, StartTime=time.time() - 600, EndTime=time.time() + 300
    )["MetricDataResults"]
    assert [(one["Id"], one["Label"], one["Values"]) for one in data] == [
        ("share", "Share", [0.75])
    ]
    launcher.client("cloudformation").delete_stack(StackName="alarms")
    until(
        lambda: (
            not launcher.client("cloudwatch").describe_alarms(AlarmNames=[made["Share"]])[
                "MetricAlarms"
            ]
        )
    )


def test_an_alarm_that_nobody_can_evaluate_is_not_made(launcher: Launcher) -> None:
    metrics = [{**SHARE[0], "Expression": "SEARCH(rows)"}, *SHARE[1:]]
    with pytest.raises(ClientError, match="has no function SEARCH"):
        launcher.client("cloudwatch").put_metric_alarm(
            AlarmName="searching", Metrics=metrics, **PLAIN
        )
    found = launcher.client("cloudwatch").describe_alarms(AlarmNames=["searching"])
    assert found["MetricAlarms"] == []
    resources = {
        "Searching": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {**PLAIN, "Metrics": metrics},
        }
    }

    stack = deploy(launcher, "searching", resources, {})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_messages_that_wait_in_a_queue_are_a_metric(launcher: Launcher) -> None:
    url, _ = queue_of(launcher, "alarm-waiting")
    launcher.client("sqs").send_message(QueueUrl=url, MessageBody="a")
    put_alarm(
        launcher,
        "Waiting",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "alarm-waiting"}],
        Statistic="Maximum",
        Threshold=0,
    )

    is_in(launcher, "Waiting", "ALARM")


def test_alarms_and_points_outlive_a_kill(own_launcher: Launcher) -> None:
    put_alarm(own_launcher, "Kept")
    write(own_launcher, "/alarms/kept", line("Kept", Rows=2))
    is_in(own_launcher, "Kept", "OK")
    own_launcher.saved()
    own_launcher.kill()
    own_launcher.start()

    write(own_launcher, "/alarms/kept-2", line("Kept", Rows=1))

    found = is_in(own_launcher, "Kept", "ALARM")
    assert "[3.0 (" in found["StateReason"]


def test_a_state_that_is_set_by_hand_lasts_until_the_next_evaluation(launcher: Launcher) -> None:
    put_alarm(launcher, "ByHand")
    is_in(launcher, "ByHand", "OK")

    launcher.client("cloudwatch").set_alarm_state(
        AlarmName="ByHand", StateValue="ALARM", StateReason="a drill"
    )

    is_in(launcher, "ByHand", "OK")
    assert "Alarm updated from OK to ALARM" in history(launcher, "ByHand", "StateUpdate")
