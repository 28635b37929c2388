"""How executions run, stop, time out and are redriven: execution_*, task_states, redrive."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from launching import (
    ACCOUNT,
    REGION,
    Launcher,
    Machine,
    function,
    machine,
    role,
    statement,
    until,
)

# Fails at the first attempt, as a step does whose cause is mended before the redrive.
SWITCHED = """
exports.handler = async (event) => {
  if (event.attempt === 0) { const e = new Error('not yet'); e.name = 'NotYet'; throw e; }
  return { attempt: event.attempt, input: event.input };
};
"""
SLOW = "exports.handler = async (e) => { await new Promise(r => setTimeout(r, e.ms)); return 1; };"


@pytest.fixture(scope="module")
def invoker(launcher: Launcher) -> str:
    """A role that may invoke everything of this module but `forbidden`."""
    every = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:runs-*"
    return role(launcher, "runs-sfn", statement(["lambda:InvokeFunction"], [every]))


@pytest.fixture(scope="module")
def failing(launcher: Launcher, invoker: str) -> Machine:
    """Fails in its second state at the first attempt, and succeeds at the second."""
    arn = function(launcher, "runs-switched", SWITCHED, role(launcher, "runs-fn"))
    launcher.client("lambda").publish_version(FunctionName="runs-switched")
    return machine(
        launcher,
        "failing",
        {
            "StartAt": "Before",
            "States": {
                "Before": {
                    "Type": "Pass",
                    "Result": {"from": "before"},
                    "ResultPath": "$.before",
                    "Next": "Work",
                },
                "Work": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {
                        "FunctionName": f"{arn}:1",
                        "Payload": {"attempt.$": "$$.Execution.RedriveCount", "input.$": "$"},
                    },
                    "OutputPath": "$.Payload",
                    "End": True,
                },
            },
        },
        invoker,
    )


def test_a_redrive_enters_the_failed_state_again_with_its_input(failing):
    execution = failing.start({"a": 1})
    failed = failing.ended(execution)
    before = failing.history(execution)

    answered = failing.client.redrive_execution(executionArn=execution)
    ended = failing.ended(execution)

    assert (failed["status"], failed["error"]) == ("FAILED", "NotYet")
    assert (failed["redriveStatus"], failed["redriveCount"]) == ("REDRIVABLE", 0)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {
        "attempt": 1,
        "input": {"a": 1, "before": {"from": "before"}},
    }
    assert (ended["redriveCount"], ended["redriveDate"]) == (1, answered["redriveDate"])
    assert "error" not in ended
    history = failing.history(execution)
    assert history[: len(before)] == before
    assert [event["type"] for event in history[len(before) :]] == [
        "ExecutionRedriven",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    redriven = history[len(before)]
    assert redriven["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_what_succeeded_or_does_not_exist_cannot_be_redriven(failing):
    execution = failing.start()
    failing.ended(execution)
    failing.client.redrive_execution(executionArn=execution)
    failing.ended(execution)

    with pytest.raises(ClientError) as done:
        failing.client.redrive_execution(executionArn=execution)
    with pytest.raises(ClientError) as absent:
        failing.client.redrive_execution(executionArn=execution + "x")

    assert done.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
    assert "SUCCEEDED" in done.value.response["Error"]["Message"]
    assert absent.value.response["Error"]["Code"] == "ExecutionDoesNotExist"


def test_a_repeated_client_token_redrives_once(failing):
    execution = failing.start()
    failing.ended(execution)

    first = failing.client.redrive_execution(executionArn=execution, clientToken="t1")
    second = failing.client.redrive_execution(executionArn=execution, clientToken="t1")

    assert first["redriveDate"] == second["redriveDate"]
    assert failing.ended(execution)["redriveCount"] == 1


def test_executions_are_listed_by_whether_they_were_redriven(failing):
    untouched, redriven = failing.start(), failing.start()
    failing.ended(untouched)
    failing.ended(redriven)
    failing.client.redrive_execution(executionArn=redriven)
    failing.ended(redriven)

    def listed(which: str) -> list[str]:
        return [
            e["executionArn"]
            for e in failing.client.list_executions(
                stateMachineArn=failing.arn, redriveFilter=which
            )["executions"]
        ]

    assert redriven in listed("REDRIVEN") and redriven not in listed("NOT_REDRIVEN")
    assert untouched in listed("NOT_REDRIVEN") and untouched not in listed("REDRIVEN")


def test_a_redrive_needs_its_own_permission(launcher, failing):
    execution = failing.start()
    failing.ended(execution)
    role(launcher, "runs-reader", statement(["states:DescribeExecution"], ["*"]))
    role(launcher, "runs-redriver", statement(["states:RedriveExecution"], [execution]))

    with pytest.raises(ClientError) as refused:
        launcher.client_as("stepfunctions", "runs-reader").redrive_execution(executionArn=execution)
    launcher.client_as("stepfunctions", "runs-redriver").redrive_execution(executionArn=execution)

    assert "states:RedriveExecution" in refused.value.response["Error"]["Message"]


def test_a_history_names_each_events_predecessor_and_each_tasks_parameters(failing):
    execution = failing.start({"a": 1})
    failing.ended(execution)

    history = failing.history(execution)

    assert [e["id"] for e in history] == list(range(1, len(history) + 1))
    assert [e["previousEventId"] for e in history] == [0, 0, *range(2, len(history))]
    by_type = {e["type"]: e for e in history}
    scheduled = by_type["TaskScheduled"]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert json.loads(scheduled["parameters"])["Payload"]["attempt"] == 0
    assert by_type["TaskFailed"]["taskFailedEventDetails"]["error"] == "NotYet"
    assert by_type["ExecutionFailed"]["executionFailedEventDetails"]["error"] == "NotYet"


@pytest.fixture(scope="module")
def waiting(launcher: Launcher, invoker: str) -> Machine:
    return machine(
        launcher,
        "waiting",
        {
            "StartAt": "Wait",
            "States": {"Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}},
        },
        invoker,
    )


def test_a_stop_ends_a_long_wait_at_once_and_for_good(waiting):
    execution = waiting.start({"seconds": 600})
    until(lambda: "WaitStateEntered" in waiting.kinds(execution))

    waiting.client.stop_execution(executionArn=execution, error="Mine", cause="enough")
    stopped = waiting.describe(execution)

    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Mine", "enough")
    assert stopped["redriveStatus"] == "REDRIVABLE"
    assert waiting.kinds(execution)[-1] == "ExecutionAborted"


def test_an_aborted_wait_can_be_redriven(waiting):
    execution = waiting.start({"seconds": 1})
    until(lambda: "WaitStateEntered" in waiting.kinds(execution))
    waiting.client.stop_execution(executionArn=execution)

    waiting.client.redrive_execution(executionArn=execution)

    assert waiting.ended(execution)["status"] == "SUCCEEDED"


def test_a_task_that_returns_after_a_stop_writes_nothing_more(launcher, invoker):
    arn = function(launcher, "runs-slow", SLOW, role(launcher, "runs-slow-fn"))
    slow = machine(
        launcher,
        "slow",
        {"StartAt": "Slow", "States": {"Slow": {"Type": "Task", "Resource": arn, "End": True}}},
        invoker,
    )
    execution = slow.start({"ms": 700})
    until(lambda: "LambdaFunctionStarted" in slow.kinds(execution))

    slow.client.stop_execution(executionArn=execution)
    stopped = slow.history(execution)
    time.sleep(1)

    assert slow.history(execution) == stopped
    assert stopped[-1]["type"] == "ExecutionAborted"


def test_a_machine_ends_at_its_own_timeout(launcher, invoker):
    limited = machine(
        launcher,
        "limited",
        {
            "TimeoutSeconds": 1,
            "StartAt": "Wait",
            "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}},
        },
        invoker,
    )

    execution = limited.start()
    ended = limited.ended(execution, seconds=3)

    assert (ended["status"], ended["redriveStatus"]) == ("TIMED_OUT", "REDRIVABLE")
    assert limited.kinds(execution)[-1] == "ExecutionTimedOut"
    assert "TimeoutSeconds, 1" in ended["cause"]


def test_a_task_ends_at_its_own_timeout(launcher, invoker):
    arn = function(launcher, "runs-late", SLOW, role(launcher, "runs-late-fn"))
    late = machine(
        launcher,
        "late",
        {
            "StartAt": "Late",
            "States": {"Late": {"Type": "Task", "Resource": arn, "TimeoutSeconds": 1, "End": True}},
        },
        invoker,
    )

    execution = late.start({"ms": 5000})
    ended = late.ended(execution, seconds=4)

    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert "LambdaFunctionTimedOut" in late.kinds(execution)


def test_the_machines_role_must_allow_the_function_it_calls(launcher, invoker):
    arn = function(launcher, "forbidden", SLOW, role(launcher, "forbidden-fn"))
    calling = machine(
        launcher,
        "calling",
        {
            "StartAt": "Call",
            "States": {
                "Call": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {"FunctionName": arn, "Payload": {"ms": 1}},
                    "End": True,
                }
            },
        },
        invoker,
    )

    ended = calling.ended(calling.start())

    assert ended["error"] == "Lambda.AWSLambdaException"
    assert f"not authorized to perform: lambda:InvokeFunction on resource: {arn}" in ended["cause"]


def test_retry_grows_no_further_than_max_delay_seconds(launcher, invoker):
    flaky = machine(
        launcher,
        "flaky",
        {
            "StartAt": "Call",
            "States": {
                "Call": {
                    "Type": "Task",
                    "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:runs-no",
                    "Retry": [
                        {
                            "ErrorEquals": ["States.ALL"],
                            "IntervalSeconds": 1,
                            "MaxAttempts": 2,
                            "BackoffRate": 100,
                            "MaxDelaySeconds": 1,
                        }
                    ],
                    "End": True,
                }
            },
        },
        invoker,
    )

    started = time.monotonic()
    flaky.ended(flaky.start())

    assert 1.5 < time.monotonic() - started < 5


REPORTER = """
const fs = require('fs');
exports.handler = async (event) => {
  fs.appendFileSync(process.env.INTO, JSON.stringify(event.detail) + '\\n');
};
"""


def test_status_changes_reach_the_rules_function(launcher, failing, waiting, tmp_path):
    into = tmp_path / "events.ndjson"
    arn = function(
        launcher,
        "runs-report",
        REPORTER,
        role(launcher, "runs-report-fn"),
        Environment={"Variables": {"INTO": str(into)}},
    )
    events = launcher.client("events")
    events.put_rule(
        Name="failures",
        EventPattern=json.dumps(
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]},
            }
        ),
    )
    events.put_targets(Rule="failures", Targets=[{"Id": "report", "Arn": arn}])
    launcher.client("lambda").add_permission(
        FunctionName="runs-report",
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    failed = failing.start()
    stopped = waiting.start({"seconds": 60})
    until(lambda: "WaitStateEntered" in waiting.kinds(stopped))
    waiting.client.stop_execution(executionArn=stopped)

    def reported() -> dict[str, dict]:
        lines = into.read_text().splitlines() if into.exists() else []
        return {d["executionArn"]: d for d in map(json.loads, lines)}

    until(lambda: {failed, stopped} <= reported().keys())
    events.remove_targets(Rule="failures", Ids=["report"])
    events.delete_rule(Name="failures")
    assert reported()[failed]["status"] == "FAILED"
    assert reported()[failed]["error"] == "NotYet"
    assert reported()[failed]["redriveStatus"] == "REDRIVABLE"
    assert reported()[stopped]["status"] == "ABORTED"
