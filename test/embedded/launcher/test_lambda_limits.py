"""patches/lambda_limits.py: what AWS refuses, or kills, is refused and killed here."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import Launcher, function, machine, role, statement, zipped
from test_cloudformation import deploy

from embedded.launcher.patches.lambda_limits import (
    MAX_ASYNCHRONOUS_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_VARIABLES_BYTES,
)

SOURCE = """
const kept = [];
exports.handler = async (event) => {
  if (event.answer) return 'x'.repeat(event.answer);
  if (event.heap) return require('v8').getHeapStatistics().heap_size_limit;
  if (event.hold === 'buffers')
    for (;;) { kept.push(Buffer.alloc(8 << 20, 1)); await new Promise((go) => setTimeout(go, 5)); }
  if (event.hold === 'heap') for (;;) kept.push(new Array(100).fill({ a: kept.length }));
  return { given: (event.text ?? '').length };
};
"""
MEMORY_MB = 192
# {"FULL":"…"} but for the value.
AROUND = len('{"FULL":""}')


@pytest.fixture(scope="module")
def role_arn(launcher: Launcher) -> str:
    return role(launcher, "limits-fn", statement(["kinesis:*"], ["*"]))


@pytest.fixture(scope="module")
def arn(launcher: Launcher, role_arn: str) -> str:
    return function(launcher, "limits", SOURCE, role_arn, MemorySize=MEMORY_MB)


def refusal(call: Any, **arguments: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return (
        answer["Error"]["Code"],
        answer["Error"]["Message"],
        answer["ResponseMetadata"]["HTTPStatusCode"],
    )


def invoke(launcher: Launcher, name: str, event: Any) -> tuple[str | None, Any]:
    answer = launcher.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


BAD = [
    ({"FULL": "x" * (MAX_VARIABLES_BYTES - AROUND + 1)}, "exceeded the 4KB limit"),
    # What is measured is JSON: each quotation mark inside a value counts twice.
    ({"FULL": '"' * (MAX_VARIABLES_BYTES // 2)}, "exceeded the 4KB limit"),
    ({"AWS_REGION": "us-east-1"}, "Reserved keys used in this request: AWS_REGION"),
    ({"A_1": "a", "LAMBDA_TASK_ROOT": "/"}, "Reserved keys used in this request: LAMBDA_TASK_ROOT"),
]


@pytest.mark.parametrize(("variables", "message"), BAD)
def test_variables_that_lambda_does_not_take_are_refused_by_each_door(
    launcher: Launcher, arn: str, role_arn: str, variables: dict[str, str], message: str
) -> None:
    client = launcher.client("lambda")
    wanted = {"Variables": variables}

    created = refusal(
        client.create_function,
        FunctionName="limits-refused",
        Runtime="nodejs20.x",
        Role=role_arn,
        Handler="index.handler",
        Code={"ZipFile": zipped(SOURCE)},
        Environment=wanted,
    )
    updated = refusal(client.update_function_configuration, FunctionName=arn, Environment=wanted)
    stack = deploy(
        launcher,
        f"limits-{len(json.dumps(variables))}-{len(variables)}",
        {
            "Fn": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "nodejs20.x",
                    "Role": role_arn,
                    "Handler": "index.handler",
                    "Code": {"ZipFile": SOURCE},
                    "Environment": wanted,
                },
            }
        },
        {},
    )

    for code, text, status in (created, updated):
        assert (code, status) == ("InvalidParameterValueException", 400)
        assert message in text
    assert stack["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED")
    events = launcher.client("cloudformation").describe_stack_events(StackName=stack["StackName"])
    reasons = [event.get("ResourceStatusReason", "") for event in events["StackEvents"]]
    assert any(message in reason for reason in reasons), reasons
    names = [one["FunctionName"] for one in client.list_functions()["Functions"]]
    assert "limits-refused" not in names


def test_variables_of_just_4096_bytes_are_taken(launcher: Launcher, arn: str) -> None:
    full = {"FULL": "x" * (MAX_VARIABLES_BYTES - AROUND)}

    answer = launcher.client("lambda").update_function_configuration(
        FunctionName=arn, Environment={"Variables": full}
    )

    assert answer["Environment"]["Variables"] == full


# {"text": "…"} but for the text.
WRAP = len('{"text": ""}')


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("RequestResponse", MAX_PAYLOAD_BYTES), ("Event", MAX_ASYNCHRONOUS_BYTES)],
)
def test_a_payload_over_the_limit_is_refused(
    launcher: Launcher, arn: str, kind: str, limit: int
) -> None:
    client = launcher.client("lambda")

    def event(size: int) -> dict[str, Any]:
        text = json.dumps({"text": "x" * (size - WRAP)})
        assert len(text) == size
        return {"FunctionName": arn, "InvocationType": kind, "Payload": text}

    code, message, status = refusal(client.invoke, **event(limit + 1))

    assert (code, status) == ("RequestTooLargeException", 413)
    assert f"{limit + 1} byte payload is too large for the {kind} invocation type" in message
    assert client.invoke(**event(limit))["StatusCode"] in (200, 202)


def test_an_answer_over_the_limit_is_an_error_of_the_function(launcher: Launcher, arn: str) -> None:
    kind, payload = invoke(launcher, arn, {"answer": MAX_PAYLOAD_BYTES + 200})

    assert (kind, payload["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert len(invoke(launcher, arn, {"answer": MAX_PAYLOAD_BYTES - 2})[1]) > 6_000_000


def test_step_functions_sees_a_too_large_answer_by_its_name(launcher: Launcher, arn: str) -> None:
    caller = role(launcher, "limits-sfn", statement(["lambda:InvokeFunction"], ["*"]))
    large = machine(
        launcher,
        "large-answers",
        {"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": arn, "End": True}}},
        caller,
    )

    ended = large.ended(large.start({"answer": MAX_PAYLOAD_BYTES + 200}))

    assert (ended["status"], ended["error"]) == ("FAILED", "Function.ResponseSizeTooLarge")


def test_a_function_is_killed_that_holds_more_than_its_memory(launcher: Launcher, arn: str) -> None:
    kind, payload = invoke(launcher, arn, {"hold": "buffers"})

    assert (kind, payload["errorType"]) == ("Unhandled", "Runtime.OutOfMemory")
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    # The next call finds a fresh process.
    assert invoke(launcher, arn, {"text": "abc"}) == (None, {"given": 3})


def test_nodes_heap_ends_below_the_functions_memory(launcher: Launcher, arn: str) -> None:
    _, heap_bytes = invoke(launcher, arn, {"heap": True})
    _, payload = invoke(launcher, arn, {"hold": "heap"})

    # Old space, and the new space that V8 adds to it.
    assert heap_bytes < 1.25 * MEMORY_MB * 1024 * 1024
    # Whichever comes first: V8 gives up, or Lambda looks.
    assert payload["errorType"] in ("Runtime.ExitError", "Runtime.OutOfMemory")
    assert "signal: aborted" in payload["errorMessage"] or "killed" in payload["errorMessage"]
