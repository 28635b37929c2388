"""Step Functions' own limits: names, inputs, payloads, histories, definitions, redrives."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, Machine, function, machine, role, statement, until

from embedded.launcher import runs

PAYLOAD = 262_144
# Answers with so many bytes of JSON, the quotes included.
SIZED = "exports.handler = async ({ bytes }) => 'x'.repeat(bytes - 2);"


@pytest.fixture(scope="module")
def invoker(launcher: Launcher) -> str:
    every = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:limits-*"
    return role(launcher, "execution-limits-sfn", statement(["lambda:InvokeFunction"], [every]))


@pytest.fixture(scope="module")
def waiting(launcher: Launcher, invoker: str) -> Machine:
    return machine(
        launcher,
        "limits-waiting",
        {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}},
        invoker,
    )


@pytest.fixture(scope="module")
def passing(launcher: Launcher, invoker: str) -> Machine:
    return machine(
        launcher,
        "limits-passing",
        {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}},
        invoker,
    )


@pytest.fixture(scope="module")
def sized(launcher: Launcher, invoker: str) -> Machine:
    """Its function answers with so many bytes; what States.ALL catches ends well."""
    arn = function(launcher, "limits-sized", SIZED, role(launcher, "execution-limits-fn"))
    return machine(
        launcher,
        "limits-sized",
        {
            "StartAt": "Answer",
            "States": {
                "Answer": {
                    "Type": "Task",
                    "Resource": arn,
                    "ResultPath": "$.result",
                    "OutputPath": "$.result",
                    "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}],
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
                    "End": True,
                },
                "Caught": {"Type": "Pass", "End": True},
            },
        },
        invoker,
    )


def refused(call, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    "name", ["two words", "a<b", "b[0]", "what?", "a*", "a#b", "a:b", "a/b", "tab\t", "del\x7f"]
)
def test_an_execution_s_name_has_no_signs_that_aws_refuses(passing, name):
    code = refused(passing.client.start_execution, stateMachineArn=passing.arn, name=name)

    assert code == "InvalidName"


def test_an_execution_s_name_has_80_characters_at_most(launcher, passing):
    start = passing.client.start_execution
    longest = passing.start(name="n" * 80)

    code = refused(start, stateMachineArn=passing.arn, name="n" * 81)

    assert longest.endswith("n" * 80)
    assert code in ("InvalidName", "ValidationException")


@pytest.mark.parametrize("given", ["not json", "", "{", '{"a": NaN}'])
def test_an_execution_s_input_is_json(passing, given):
    code = refused(passing.client.start_execution, stateMachineArn=passing.arn, input=given)

    assert code == "InvalidExecutionInput"


def test_an_execution_s_input_is_measured_in_bytes(passing):
    start = passing.client.start_execution
    largest = '"' + "é" * ((PAYLOAD - 2) // 2) + '"'

    code = refused(start, stateMachineArn=passing.arn, input=largest[:-1] + 'é"')
    taken = start(stateMachineArn=passing.arn, input=largest)["executionArn"]

    assert code == "ValidationException"
    assert passing.ended(taken)["status"] == "SUCCEEDED"


def test_a_repeated_start_is_the_same_execution_only_while_that_runs(waiting):
    start = waiting.client.start_execution
    same = {"stateMachineArn": waiting.arn, "name": "once", "input": '{"a": 1}'}
    first = start(**same)

    again = start(**same)
    other_input = refused(start, **{**same, "input": '{"a": 2}'})
    waiting.client.stop_execution(executionArn=first["executionArn"])
    ended = refused(start, **same)

    assert (again["executionArn"], again["startDate"]) == (
        first["executionArn"],
        first["startDate"],
    )
    assert (other_input, ended) == ("ExecutionAlreadyExists", "ExecutionAlreadyExists")


def test_a_function_s_answer_may_have_the_limit_s_bytes(sized):
    ended = sized.ended(sized.start({"bytes": PAYLOAD}))

    assert ended["status"] == "SUCCEEDED"
    assert len(json.loads(ended["output"])) == PAYLOAD - 2


def test_a_larger_answer_ends_the_execution_whatever_states_all_catches(sized):
    execution = sized.start({"bytes": PAYLOAD + 1})

    ended = sized.ended(execution)

    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert "262,145 of 262,144 bytes" in ended["cause"]
    assert sized.kinds(execution)[-2:] == ["LambdaFunctionFailed", "ExecutionFailed"]
    assert sized.kinds(execution).count("LambdaFunctionScheduled") == 1


def test_a_catch_may_name_the_data_limit_itself(launcher, invoker, sized):
    catching = machine(
        launcher,
        "limits-catching",
        {
            "StartAt": "Answer",
            "States": {
                "Answer": {
                    "Type": "Task",
                    "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:limits-sized",
                    "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Caught"}],
                    "End": True,
                },
                "Caught": {"Type": "Pass", "End": True},
            },
        },
        invoker,
    )

    ended = catching.ended(catching.start({"bytes": PAYLOAD + 1}))

    assert ended["status"] == "SUCCEEDED"


def test_what_a_state_makes_of_its_input_is_limited_too(launcher, invoker):
    doubling = machine(
        launcher,
        "limits-doubling",
        {
            "StartAt": "Twice",
            "States": {
                "Twice": {
                    "Type": "Pass",
                    "Parameters": {"one.$": "$.text", "two.$": "$.text"},
                    "End": True,
                }
            },
        },
        invoker,
    )

    small = doubling.ended(doubling.start({"text": "x" * 100_000}))
    large = doubling.ended(doubling.start({"text": "x" * 140_000}))

    assert small["status"] == "SUCCEEDED"
    assert (large["status"], large["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert "'Twice'" in large["cause"]


def test_a_history_ends_at_25_000_events(launcher, invoker):
    for_ever = machine(
        launcher,
        "limits-for-ever",
        {
            "StartAt": "Again",
            "States": {
                "Again": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$", "IsPresent": True, "Next": "Again"}],
                    "Default": "Again",
                }
            },
        },
        invoker,
    )
    execution = for_ever.start()

    ended = for_ever.ended(execution, seconds=60)

    newest = for_ever.client.get_execution_history(
        executionArn=execution, reverseOrder=True, maxResults=2
    )["events"]
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert [event["id"] for event in newest] == [25_000, 24_999]
    assert newest[0]["type"] == "ExecutionFailed"
    assert "maximum number of history events (25000)" in ended["cause"]
    assert ended["redriveStatus"] == "NOT_REDRIVABLE"
    code = refused(for_ever.client.redrive_execution, executionArn=execution)
    assert code == "ExecutionNotRedrivable"


def broken(change: dict) -> dict:
    good = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    return {**good, **change}


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        (broken({"StartAt": "B"}), "'B', which does not exist"),
        (broken({"States": {"A": {"Type": "Pass", "Next": "C"}}}), "'C', which does not exist"),
        (
            broken({"StartAt": "a" * 81, "States": {"a" * 81: {"Type": "Pass", "End": True}}}),
            "81 characters",
        ),
        (broken({"TimeoutSeconds": 0}), "TimeoutSeconds 0"),
        (broken({"States": {}}), "no States"),
        (
            broken(
                {
                    "States": {
                        "A": {
                            "Type": "Map",
                            "ItemProcessor": {"StartAt": "I", "States": {"J": {"Type": "Succeed"}}},
                            "End": True,
                        }
                    }
                }
            ),
            "/States/A/ItemProcessor",
        ),
    ],
)
def test_a_definition_that_cannot_run_is_refused(launcher, passing, invoker, definition, says):
    client = launcher.client("stepfunctions")
    text = json.dumps(definition)

    with pytest.raises(ClientError) as created:
        client.create_state_machine(name="limits-broken", definition=text, roleArn=invoker)
    code = refused(client.update_state_machine, stateMachineArn=passing.arn, definition=text)

    assert created.value.response["Error"]["Code"] == code == "InvalidDefinition"
    assert says in created.value.response["Error"]["Message"]


def test_a_template_s_definition_is_looked_at_as_well(launcher, invoker):
    cloudformation = launcher.client("cloudformation")
    machine_of = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": invoker, "Definition": broken({"StartAt": "B"})},
    }
    cloudformation.create_stack(
        StackName="limits-machine", TemplateBody=json.dumps({"Resources": {"M": machine_of}})
    )

    def stopped() -> list[str]:
        events = cloudformation.describe_stack_events(StackName="limits-machine")["StackEvents"]
        return [
            e.get("ResourceStatusReason", "") for e in events if "FAILED" in e["ResourceStatus"]
        ]

    assert any("'B', which does not exist" in reason for reason in until(stopped))


def test_error_and_cause_of_a_function_are_cut_where_aws_cuts_them(launcher, invoker):
    loud = function(
        launcher,
        "limits-loud",
        "exports.handler = async () => { throw new Error('x'.repeat(40000)); };",
        role(launcher, "limits-loud-fn"),
    )
    failing = machine(
        launcher,
        "limits-loud",
        {"StartAt": "Loud", "States": {"Loud": {"Type": "Task", "Resource": loud, "End": True}}},
        invoker,
    )

    ended = failing.ended(failing.start())

    assert ended["status"] == "FAILED"
    assert len(ended["cause"]) == 32_768


def test_an_execution_is_redriven_within_fourteen_days_and_a_thousand_times():
    def ended(days: float = 0, redrives: int = 0, events: int = 3) -> str:
        return runs.redrivability(
            {
                "status": "FAILED",
                "stopDate": (datetime.now(UTC) - timedelta(days=days)).isoformat(),
                "redriveCount": redrives,
                "events": [{}] * events,
            }
        )[0]

    assert (ended(), ended(days=13.9), ended(days=14.1)) == (
        "REDRIVABLE",
        "REDRIVABLE",
        "NOT_REDRIVABLE",
    )
    assert (ended(redrives=999), ended(redrives=1000)) == ("REDRIVABLE", "NOT_REDRIVABLE")
    assert (ended(events=24_998), ended(events=24_999)) == ("REDRIVABLE", "NOT_REDRIVABLE")
