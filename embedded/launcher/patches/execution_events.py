"""Upstream: history events have no previousEventId, and an ended run continues to write events.

A task that returns after StopExecution appends its events after ExecutionAborted, or, after a
redrive, to the new run. Two branches of a Parallel could also get the same event id.
"""

import json
import re
import threading
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from embedded.launcher import runs
from embedded.launcher.patches import snapshots
from embedded.launcher.patches.execution_limits import check_history

EXPECTS = {
    "services.stepfunctions:_add_event": "b1db143ccd21",
    "services.stepfunctions:_start_execution": "9923282fc76c",
    "services.stepfunctions:_stop_execution": "44d2d84ccd5c",
}

_lock = threading.Lock()


def add_event(
    execution: runs.Execution, event_type: str, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Append one event. Raises Superseded when the thread's run has ended.

    Raises States.Runtime when the history has room only for its last event.

    previousEventId is the preceding event. In Map and Parallel states AWS uses the preceding event
    of the same branch.
    """
    runs.check()
    with _lock:
        events = execution["events"]
        check_history(events, event_type)
        # On AWS the first state's event does not refer to ExecutionStarted.
        previous = events[-1]["id"] if len(events) > 1 else 0
        event = {
            "id": len(events) + 1,
            "previousEventId": previous,
            "type": event_type,
            "timestamp": now_iso(),
            **(details or {}),
        }
        events.append(event)
    snapshots.changed()
    return event


def add_detailed(execution: runs.Execution, event_type: str, **details: Any) -> None:
    """Append an event with its details; a state's type is not in their member's name."""
    kind = re.sub("^.*(?=State(Entered|Exited)$)", "", event_type)
    member = f"{kind[0].lower()}{kind[1:]}EventDetails"
    stepfunctions._add_event(execution, event_type, {member: details})


def apply() -> None:
    start = stepfunctions._start_execution
    stop = stepfunctions._stop_execution

    def start_execution(data: dict[str, Any]) -> Any:
        response = start(data)
        if response[0] == 200:
            arn = json.loads(response[2])["executionArn"]
            stepfunctions._executions[arn]["events"][0]["previousEventId"] = 0
        return response

    def stop_execution(data: dict[str, Any]) -> Any:
        response = stop(data)
        execution = stepfunctions._executions.get(data.get("executionArn"))
        if execution is not None and execution["status"] != "RUNNING":
            runs.end(execution)
        return response

    stepfunctions._add_event = add_event
    stepfunctions._start_execution = start_execution
    stepfunctions._stop_execution = stop_execution
