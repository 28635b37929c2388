"""Upstream: DescribeExecution, ListExecutions and status events do not include redrives.

It also never times out an execution, so the status event of a timeout would say that the execution
is not redrivable. DescribeStateMachineForExecution returns the newest definition, not the one that
ran.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions

from embedded.launcher import runs
from embedded.launcher.bus import put_event

EXPECTS = {
    "services.stepfunctions:_describe_execution": "c3ad294ad8b5",
    "services.stepfunctions:_list_executions": "741208b30077",
    "services.stepfunctions:_describe_state_machine_for_execution": "a5ed57e041d7",
    "services.stepfunctions:_emit_execution_status_event": "9c89e45693e3",
    "services.stepfunctions:_normalize_timestamp_response": "abf301060844",
    "services.eventbridge:_put_events": "ebcda0f38061",
}

Response = tuple[int, dict[str, str], bytes]


def _redrives(execution: runs.Execution) -> dict[str, Any]:
    dated = {"redriveDate": execution["redriveDate"]} if execution.get("redriveDate") else {}
    return {"redriveCount": execution.get("redriveCount", 0), **dated}


def _changed(response: Response, change: Callable[[dict[str, Any]], None]) -> Response:
    status, _, body = response
    if status != 200:
        return response
    payload = json.loads(body)
    change(payload)
    return json_response(payload)


def _event_milliseconds(execution: runs.Execution, field: str) -> int | None:
    return stepfunctions._iso_to_epoch_ms(execution.get(field))


def _within_limit(text: str | None) -> tuple[str | None, dict[str, bool] | None]:
    if text is None:
        return None, None
    if len(text) > stepfunctions._STATUS_EVENT_PAYLOAD_CAP:
        return None, {"included": False}
    return text, {"included": True}


def emit_status(execution: runs.Execution) -> None:
    """Send "Step Functions Execution Status Change" to the default bus, like AWS."""
    if execution.get("sync"):
        return
    status = execution["status"]
    redrive_status, reason = runs.redrivability(execution)
    output, output_details = _within_limit(
        execution.get("output") if status == "SUCCEEDED" else None
    )
    given, input_details = _within_limit(execution.get("input"))
    ended_badly = status in runs.REDRIVABLE
    detail = {
        "executionArn": execution["executionArn"],
        "stateMachineArn": execution["stateMachineArn"],
        "name": execution["name"],
        "status": status,
        "startDate": _event_milliseconds(execution, "startDate"),
        "stopDate": _event_milliseconds(execution, "stopDate"),
        "input": given,
        "inputDetails": input_details,
        "output": output,
        "outputDetails": output_details,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": execution.get("redriveCount", 0),
        "redriveDate": _event_milliseconds(execution, "redriveDate"),
        "redriveStatus": redrive_status,
        "redriveStatusReason": reason or None,
        "error": execution.get("error") if ended_badly else None,
        "cause": execution.get("cause") if ended_badly else None,
    }
    put_event(
        "aws.states", "Step Functions Execution Status Change", execution["executionArn"], detail
    )


def apply() -> None:
    describe = stepfunctions._describe_execution
    list_executions = stepfunctions._list_executions
    describe_machine = stepfunctions._describe_state_machine_for_execution

    def describe_execution(data: dict[str, Any]) -> Response:
        def add(payload: dict[str, Any]) -> None:
            execution = stepfunctions._executions[data["executionArn"]]
            status, reason = runs.redrivability(execution)
            payload.update(_redrives(execution), redriveStatus=status)
            if reason:
                payload["redriveStatusReason"] = reason

        return _changed(describe(data), add)

    def list_with_redrives(data: dict[str, Any]) -> Response:
        wanted = data.get("redriveFilter")

        def add(payload: dict[str, Any]) -> None:
            for item in payload["executions"]:
                item.update(_redrives(stepfunctions._executions[item["executionArn"]]))
            if wanted:
                payload["executions"] = [
                    item
                    for item in payload["executions"]
                    if (item["redriveCount"] > 0) == (wanted == "REDRIVEN")
                ]

        return _changed(list_executions(data), add)

    def describe_machine_as_run(data: dict[str, Any]) -> Response:
        def add(payload: dict[str, Any]) -> None:
            execution = stepfunctions._executions[data["executionArn"]]
            payload["definition"] = execution.get("definition", payload["definition"])

        return _changed(describe_machine(data), add)

    stepfunctions._describe_execution = describe_execution
    stepfunctions._list_executions = list_with_redrives
    stepfunctions._describe_state_machine_for_execution = describe_machine_as_run
    stepfunctions._emit_execution_status_event = emit_status
