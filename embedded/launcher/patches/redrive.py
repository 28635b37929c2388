"""Upstream: RedriveExecution does not exist.

A redrive enters the execution's last state again, with the same input, and keeps the history before
it. It is allowed for 14 days after FAILED, TIMED_OUT or ABORTED.
"""

import contextvars
import json
import threading
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from embedded.launcher import runs
from embedded.launcher.patches.execution_events import add_detailed
from embedded.launcher.patches.execution_runs import run_execution
from embedded.launcher.patches.execution_views import Response

EXPECTS = {
    "services.stepfunctions:handle_request": "efa6e8c4532a",
    "services.stepfunctions:_finalize_response": "66189a3d065e",
}

_lock = threading.Lock()


def _redrive_execution(data: Mapping[str, Any]) -> Response:
    arn = data.get("executionArn")
    execution = stepfunctions._executions.get(arn)
    if not execution:
        return error_response_json(
            "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400
        )
    token = data.get("clientToken")
    with _lock:
        answered = execution.setdefault("redriveTokens", {})
        if token and token in answered:
            # A repeated request receives the first one's response, and starts nothing.
            return json_response({"redriveDate": answered[token]})
        status, reason = runs.redrivability(execution)
        if status != "REDRIVABLE":
            return error_response_json("ExecutionNotRedrivable", reason, 400)
        resume = _failed_state(execution)
        if resume is None:
            return error_response_json(
                "ExecutionNotRedrivable", "Execution ended before it entered a state", 400
            )
        date = now_iso()
        execution["redriveCount"] = execution.get("redriveCount", 0) + 1
        execution["redriveDate"] = date
        if token:
            answered[token] = date
        execution.update(status="RUNNING", stopDate=None, output=None)
        execution.pop("error", None)
        execution.pop("cause", None)
        add_detailed(execution, "ExecutionRedriven", redriveCount=execution["redriveCount"])
    stepfunctions._emit_execution_status_event(execution)
    # The thread runs in the caller's context, with its account and region.
    threading.Thread(
        target=contextvars.copy_context().run, args=(run_execution, arn, resume), daemon=True
    ).start()
    return json_response({"redriveDate": date})


def _failed_state(execution: runs.Execution) -> dict[str, Any] | None:
    """The last entered state: its name, its input and its variables."""
    for event in reversed(execution["events"]):
        if event["type"].endswith("StateEntered"):
            entered = event["stateEnteredEventDetails"]
            return {
                "state": entered["name"],
                "input": json.loads(entered["input"]),
                "variables": execution.get("variables", {}),
            }
    return None


def apply() -> None:
    handle = stepfunctions.handle_request

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return stepfunctions._finalize_response(_redrive_execution(json.loads(body or b"{}")))
        return await handle(method, path, headers, body, query)

    stepfunctions.handle_request = handle_request
