"""A rule's schedule is refused where EventBridge refuses it, by the API and by CloudFormation."""

import json

import pytest
from botocore.exceptions import ClientError, WaiterError

WRONG = [
    "cron(61 2 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 2 * 13 ? *)",
    "rate(1 hours)",
    "rate(0 days)",
]
RIGHT = ["cron(15 2 * * ? *)", "cron(0/5 8-17 ? * MON-FRI *)", "rate(1 hour)", "rate(15 minutes)"]


@pytest.mark.parametrize("expression", WRONG)
def test_a_schedule_that_cannot_be_is_refused(launcher, expression):
    with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
        launcher.client("events").put_rule(Name="wrong", ScheduleExpression=expression)


@pytest.mark.parametrize("expression", RIGHT)
def test_a_schedule_that_can_be_is_taken(launcher, expression):
    launcher.client("events").put_rule(Name="right", ScheduleExpression=expression)


def test_a_stack_with_such_a_rule_is_rolled_back(launcher):
    client = launcher.client("cloudformation")
    rule = {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": WRONG[0]}}
    client.create_stack(
        StackName="wrong-schedule", TemplateBody=json.dumps({"Resources": {"Nightly": rule}})
    )

    with pytest.raises(WaiterError):
        client.get_waiter("stack_create_complete").wait(
            StackName="wrong-schedule", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in client.describe_stack_events(StackName="wrong-schedule")["StackEvents"]
    ]
    assert any("ScheduleExpression is not valid" in reason for reason in reasons)
