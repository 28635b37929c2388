"""Upstream: Step Functions accepts any name, input, payload, history and definition.

Sources, in the Step Functions Developer Guide and API Reference: "Step Functions service quotas"
(262,144 bytes a payload, 25,000 events, 1,000 redrives, 1 MB a request), "Handling errors in Step
Functions workflows" (States.DataLimitExceeded, States.Runtime, States.ALL), StartExecution,
SendTaskSuccess, RedriveExecution. Sizes are of the JSON as Step Functions stores it: UTF-8, without
whitespace between tokens. The error messages are from memory.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from embedded.launcher import runs
from embedded.launcher.patches.execution_views import Response

EXPECTS = {
    "services.stepfunctions:_create_state_machine": "4bc1231dda69",
    "services.stepfunctions:_update_state_machine": "476e0deee6a3",
    "services.stepfunctions:_start_execution": "9923282fc76c",
    "services.stepfunctions:_start_sync_execution": "8600470a0208",
    "services.stepfunctions:_send_task_success": "12eff48bce57",
    "services.stepfunctions:_error_matches": "519b9dc729c5",
    "services.stepfunctions:_fail_execution": "e6da895fa0b7",
    "services.stepfunctions:_run_sub_machine": "f8d844168b14",
    "services.cloudformation.provisioners:_sfn_definition": "e29ae22959e7",
}

MAX_PAYLOAD_BYTES = 262_144
MAX_DEFINITION_BYTES = 1_048_576
MAX_EVENTS = 25_000
MAX_NAME_CHARACTERS = 80
MAX_ERROR_CHARACTERS = 256
MAX_CAUSE_CHARACTERS = 32_768
# Step Functions' maximum. In the States Language seconds fit a signed 32-bit number.
MAX_TIMEOUT_SECONDS = 99_999_999

DATA_LIMIT = "States.DataLimitExceeded"
HISTORY_CAUSE = f"The execution reached the maximum number of history events ({MAX_EVENTS})."

# StartExecution, CreateStateMachine and CreateActivity list the same characters.
_NOT_IN_A_NAME = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")


def payload_bytes(value: Any) -> int:
    """Size of a value as a Step Functions payload, in bytes."""
    return len(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    )


def check_payload(value: Any, what: str) -> None:
    """Raises States.DataLimitExceeded for a value that is too large for a state."""
    size = payload_bytes(value)
    if size > MAX_PAYLOAD_BYTES:
        raise stepfunctions._ExecutionError(
            DATA_LIMIT,
            f"{what} with a size exceeding the maximum number of bytes service limit: "
            f"{size:,} of {MAX_PAYLOAD_BYTES:,} bytes.",
        )


def check_history(events: list[Any], event_type: str) -> None:
    """Raises when the history has room only for its last event, ExecutionFailed."""
    if len(events) >= MAX_EVENTS - 1 and not event_type.startswith("Execution"):
        raise stepfunctions._ExecutionError("States.Runtime", HISTORY_CAUSE)


def name_refusal(name: Any) -> Response | None:
    """The error InvalidName for a name that StartExecution and CreateStateMachine reject."""
    if isinstance(name, str) and (
        not 1 <= len(name) <= MAX_NAME_CHARACTERS or _NOT_IN_A_NAME.search(name)
    ):
        return error_response_json("InvalidName", f"Invalid Name: '{name}'", 400)
    return None


def _input_refusal(text: Any) -> Response | None:
    if not isinstance(text, str):
        return None
    if len(text.encode(errors="replace")) > MAX_PAYLOAD_BYTES:
        return error_response_json(
            "ValidationException",
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_PAYLOAD_BYTES}",
            400,
        )
    if not _is_json(text):
        return error_response_json(
            "InvalidExecutionInput", "Invalid State Machine Execution Input: it is not JSON", 400
        )
    return None


def _is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def definition_problem(text: Any) -> str | None:
    """The error of a definition in CreateStateMachine's words; None for a valid one."""
    if not isinstance(text, str):
        return None
    size = len(text.encode(errors="replace"))
    if size > MAX_DEFINITION_BYTES:
        return (
            f"SCHEMA_VALIDATION_FAILED: The definition has {size:,} bytes; "
            f"{MAX_DEFINITION_BYTES:,} is the most"
        )
    try:
        definition = json.loads(text)
    except ValueError as wrong:
        return f"INVALID_JSON_DESCRIPTION: {wrong}"
    if not isinstance(definition, dict):
        return "INVALID_JSON_DESCRIPTION: The definition is not an object"
    problems = _machine_problems(definition, "")
    return "SCHEMA_VALIDATION_FAILED: " + "; ".join(problems) if problems else None


def _machine_problems(machine: Mapping[str, Any], at: str) -> list[str]:
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        return [f"no States at {at or '/'}"]
    problems = [
        f"the state name {name!r} has {len(name)} characters, {MAX_NAME_CHARACTERS} is the most"
        for name in states
        if len(name) > MAX_NAME_CHARACTERS
    ]
    timeout = machine.get("TimeoutSeconds")
    if timeout is not None and not (type(timeout) is int and 1 <= timeout <= MAX_TIMEOUT_SECONDS):
        problems.append(
            f"TimeoutSeconds {timeout!r} at {at or '/'} is not a whole number from 1 to "
            f"{MAX_TIMEOUT_SECONDS}"
        )
    targets = {f"{at}/StartAt": machine.get("StartAt")}
    for name, state in states.items():
        here = f"{at}/States/{name}"
        if not isinstance(state, dict):
            problems.append(f"{here} is not an object")
            continue
        targets |= {f"{here}/{way}": to for way, to in _ways(state)}
        for branch, inner in _machines_inside(state):
            problems += _machine_problems(inner, f"{here}/{branch}")
    problems += [
        f"{way} names the state {to!r}, which does not exist"
        for way, to in targets.items()
        if to not in states
    ]
    return problems


def _ways(state: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The possible next states of a state, by the field that names them."""
    ways = [(field, state[field]) for field in ("Next", "Default") if field in state]
    for field in ("Choices", "Catch"):
        ways += [
            (f"{field}[{number}]/Next", entry["Next"])
            for number, entry in enumerate(state.get(field, []))
            if isinstance(entry, dict) and "Next" in entry
        ]
    return ways


def _machines_inside(state: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    inside = [
        (f"Branches[{number}]", branch) for number, branch in enumerate(state.get("Branches", []))
    ]
    inside += [(field, state[field]) for field in ("Iterator", "ItemProcessor") if field in state]
    return [(name, machine) for name, machine in inside if isinstance(machine, dict)]


def _same_start(data: Mapping[str, Any]) -> Response | None:
    """The response to a repeated start of a running execution; None for any other start."""
    machine = stepfunctions._resolve_state_machine_arn(
        str(data.get("stateMachineArn", "")).partition("#")[0]
    )
    if machine is None or not data.get("name"):
        return None
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data['name']}"
    running = stepfunctions._executions.get(arn)
    if (
        running is None
        or running["status"] != "RUNNING"
        or running["input"] != data.get("input", "{}")
    ):
        return None
    return json_response({"executionArn": arn, "startDate": running["startDate"]})


def _limited(
    call: Callable[[dict[str, Any]], Response],
    *refusals: Callable[[Mapping[str, Any]], Response | None],
) -> Callable[[dict[str, Any]], Response]:
    def answer(data: dict[str, Any]) -> Response:
        for refusal in refusals:
            refused = refusal(data)
            if refused is not None:
                return refused
        return call(data)

    return answer


def _refuse_name(data: Mapping[str, Any]) -> Response | None:
    return name_refusal(data.get("name"))


def _refuse_input(data: Mapping[str, Any]) -> Response | None:
    return _input_refusal(data.get("input"))


def _refuse_definition(data: Mapping[str, Any]) -> Response | None:
    problem = definition_problem(data.get("definition"))
    if problem is None:
        return None
    return error_response_json(
        "InvalidDefinition", f"Invalid State Machine Definition: '{problem}'", 400
    )


def _refuse_output(data: Mapping[str, Any]) -> Response | None:
    output = data.get("output")
    if not isinstance(output, str):
        return None
    if not _is_json(output) or len(output.encode(errors="replace")) > MAX_PAYLOAD_BYTES:
        return error_response_json(
            "InvalidOutput",
            f"Invalid Output: it must be JSON of at most {MAX_PAYLOAD_BYTES:,} bytes",
            400,
        )
    return None


def error_matches(names: list[str], error: str) -> bool:
    """Whether a Retry or Catch with these names matches the error.

    The wildcards do not match States.DataLimitExceeded, and nothing matches States.Runtime.
    """
    if error == "States.Runtime":
        return False
    if error in names:
        return True
    if error == DATA_LIMIT:
        return False
    if "States.ALL" in names:
        return True
    return "States.TaskFailed" in names and error != "States.Timeout"


def _checked(run: Callable[..., tuple[Any, str | None]]) -> Callable[..., tuple[Any, str | None]]:
    """Wrap a state so that its input and output are checked against the payload limit."""

    def run_state(state: Mapping[str, Any], raw_input: Any, *rest: Any) -> tuple[Any, str | None]:
        name = rest[-1]["State"]["Name"] if rest and isinstance(rest[-1], dict) else ""
        check_payload(raw_input, f"The state '{name}' was given an input")
        output, following = run(state, raw_input, *rest)
        check_payload(output, f"The state/task '{name}' returned a result")
        return output, following

    return run_state


def apply() -> None:
    start = stepfunctions._start_execution
    fail = stepfunctions._fail_execution
    definition_of = provisioners._sfn_definition

    def fail_execution(execution: runs.Execution, error: str, cause: str) -> None:
        fail(execution, error[:MAX_ERROR_CHARACTERS], cause[:MAX_CAUSE_CHARACTERS])

    def definition_of_template(properties: Mapping[str, Any]) -> str:
        definition = definition_of(properties)
        problem = definition_problem(definition)
        if problem is not None:
            raise ValueError(f"Invalid State Machine Definition: '{problem}'")
        return definition

    stepfunctions._start_execution = _limited(start, _refuse_name, _refuse_input, _same_start)
    stepfunctions._start_sync_execution = _limited(
        stepfunctions._start_sync_execution, _refuse_name, _refuse_input
    )
    stepfunctions._create_state_machine = _limited(
        stepfunctions._create_state_machine, _refuse_name, _refuse_definition
    )
    stepfunctions._update_state_machine = _limited(
        stepfunctions._update_state_machine, _refuse_definition
    )
    stepfunctions._send_task_success = _limited(stepfunctions._send_task_success, _refuse_output)
    stepfunctions._error_matches = error_matches
    stepfunctions._fail_execution = fail_execution
    for kind in ("pass", "choice", "wait", "task", "parallel", "map"):
        name = f"_execute_{kind}"
        setattr(stepfunctions, name, _checked(getattr(stepfunctions, name)))
    provisioners._sfn_definition = definition_of_template
