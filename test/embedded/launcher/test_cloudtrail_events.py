"""LookupEvents says who started and redrove an execution (patch cloudtrail_events)."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, Machine, machine, role, statement, trust, until

FAILS = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "No", "Cause": "not"}}}


@pytest.fixture(scope="module")
def recorded(launcher: Launcher) -> Machine:
    return machine(launcher, "who", FAILS, role(launcher, "who-sfn"))


def calls(launcher: Launcher, name: str, execution: str, **more: Any) -> list[dict[str, Any]]:
    """CloudTrail's records of one name and execution, newest first."""
    found = launcher.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}], **more
    )["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in found]
    return [
        record
        for record in records
        if execution
        in (
            (record["responseElements"] or {}).get("executionArn"),
            record["requestParameters"].get("executionArn"),
        )
    ]


def test_a_start_and_a_redrive_name_their_callers(launcher: Launcher, recorded: Machine) -> None:
    resource = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:who:*"
    role(launcher, "who-redriver", statement(["states:RedriveExecution"], [resource]))
    execution = recorded.start({})
    recorded.ended(execution)

    launcher.client_as("stepfunctions", "who-redriver").redrive_execution(executionArn=execution)

    (start,) = calls(launcher, "StartExecution", execution)
    assert start["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert (start["userIdentity"]["type"], start["sourceIPAddress"]) == ("Root", "127.0.0.1")
    (redrive,) = calls(launcher, "RedriveExecution", execution)
    assert redrive["userIdentity"]["arn"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/who-redriver/test"
    )


def test_what_a_rule_starts_is_its_roles_and_of_event_bridge(
    launcher: Launcher, recorded: Machine
) -> None:
    events = launcher.client("events")
    starter = launcher.client("iam").create_role(
        RoleName="who-starter", AssumeRolePolicyDocument=trust("events.amazonaws.com")
    )["Role"]["Arn"]
    events.put_rule(Name="who-rule", EventPattern=json.dumps({"source": ["who"]}))
    events.put_targets(
        Rule="who-rule", Targets=[{"Id": "1", "Arn": recorded.arn, "RoleArn": starter}]
    )
    before = {one["executionArn"] for one in listed(recorded)}

    events.put_events(Entries=[{"Source": "who", "DetailType": "now", "Detail": "{}"}])

    (execution,) = until(lambda: {one["executionArn"] for one in listed(recorded)} - before)
    (start,) = calls(launcher, "StartExecution", execution)
    assert start["userIdentity"]["arn"].startswith(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/who-starter/"
    )
    assert start["userIdentity"]["invokedBy"] == start["sourceIPAddress"] == "events.amazonaws.com"


def listed(recorded: Machine) -> list[dict[str, Any]]:
    return recorded.client.list_executions(stateMachineArn=recorded.arn)["executions"]


def test_a_refused_start_is_no_start(launcher: Launcher, recorded: Machine) -> None:
    recorded.client.start_execution(stateMachineArn=recorded.arn, name="once", input="{}")
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        recorded.client.start_execution(stateMachineArn=recorded.arn, name="once", input="[1]")

    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:who:once"
    assert len(calls(launcher, "StartExecution", arn)) == 1


def test_times_and_pages_limit_what_is_found(launcher: Launcher, recorded: Machine) -> None:
    executions = [recorded.start({"n": n}) for n in range(3)]
    trail = launcher.client("cloudtrail")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}]

    first = trail.lookup_events(LookupAttributes=wanted, MaxResults=2)
    rest = trail.lookup_events(LookupAttributes=wanted, NextToken=first["NextToken"])

    newest = [json.loads(one["CloudTrailEvent"]) for one in [*first["Events"], *rest["Events"]]]
    assert [one["responseElements"]["executionArn"] for one in newest[:3]] == executions[::-1]
    assert len(first["Events"]) == 2
    assert calls(launcher, "StartExecution", executions[0], StartTime=4_000_000_000) == []


def test_another_attribute_and_a_role_without_the_permission_are_refused(
    launcher: Launcher,
) -> None:
    role(launcher, "who-nobody")
    attribute = [{"AttributeKey": "ResourceName", "AttributeValue": "x"}]
    with pytest.raises(ClientError, match="by EventName or EventSource only"):
        launcher.client("cloudtrail").lookup_events(LookupAttributes=attribute)
    with pytest.raises(ClientError, match="cloudtrail:LookupEvents"):
        launcher.client_as("cloudtrail", "who-nobody").lookup_events()


def test_it_still_knows_after_a_restart(tmp_path: Path) -> None:
    first = Launcher(tmp_path).start()
    started = machine(first, "kept", FAILS, role(first, "kept-sfn"))
    execution = started.start({})
    started.ended(execution)
    first.saved()
    first.stop()

    second = Launcher(tmp_path).start()

    try:
        assert len(calls(second, "StartExecution", execution)) == 1
    finally:
        second.stop()
