"""A run of an execution lasts from its start, or a redrive, to a final status.

ministack processes an execution in a thread. An execution can have several threads (it was stopped
while a task ran, then redriven); only the newest one may write to it.
"""

import threading
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

Execution = MutableMapping[str, Any]

REDRIVABLE = ("FAILED", "TIMED_OUT", "ABORTED")
# AWS: an execution can be redriven for 14 days after its end, and 1,000 times, while its history
# has room for ExecutionRedriven and one more event (RedriveExecution in the API Reference).
REDRIVABLE_FOR = timedelta(days=14)
MAX_REDRIVES = 1000
MAX_EVENTS_TO_REDRIVE = 24_999


class Superseded(Exception):
    """This thread's run has ended by a stop, a timeout or a redrive, so it must not write any more.

    It is not one of ministack's errors, so that no Retry or Catch handles it.
    """


class Run:
    """One run; `over` is set at its end and wakes all waiting threads."""

    def __init__(self) -> None:
        self.over = threading.Event()


# The current thread's run; None in TestState and StartSyncExecution.
current: ContextVar[Run | None] = ContextVar("lake_run", default=None)

_newest: dict[str, Run] = {}
_lock = threading.Lock()


def begin(execution: Execution) -> Run:
    """Start a new run of an execution in the current thread."""
    run = Run()
    with _lock:
        before = _newest.get(execution["executionArn"])
        _newest[execution["executionArn"]] = run
    if before is not None:
        before.over.set()
    current.set(run)
    return run


def end(execution: Execution) -> None:
    """End the execution's run, because it has a final status; its threads then stop."""
    with _lock:
        run = _newest.pop(execution["executionArn"], None)
    if run is not None:
        run.over.set()


def check() -> None:
    """Raises Superseded when the current thread's run has ended."""
    run = current.get()
    if run is not None and run.over.is_set():
        raise Superseded


def pause(seconds: float) -> None:
    """Sleep for `seconds` or until the run ends, then call check()."""
    run = current.get()
    if run is None:
        threading.Event().wait(seconds)
        return
    run.over.wait(seconds)
    check()


def redrivability(execution: Execution) -> tuple[str, str]:
    """(redriveStatus, redriveStatusReason) as in DescribeExecution."""
    status = execution["status"]
    if status not in REDRIVABLE:
        return "NOT_REDRIVABLE", f"Execution is {status} and cannot be redriven"
    ended = datetime.fromisoformat(execution["stopDate"].replace("Z", "+00:00"))
    if datetime.now(UTC) - ended > REDRIVABLE_FOR:
        return "NOT_REDRIVABLE", "Execution has exceeded its redrivable period"
    if execution.get("redriveCount", 0) >= MAX_REDRIVES:
        return "NOT_REDRIVABLE", f"Execution has reached the maximum of {MAX_REDRIVES} redrives"
    if len(execution["events"]) >= MAX_EVENTS_TO_REDRIVE:
        return (
            "NOT_REDRIVABLE",
            f"Execution event history has {len(execution['events'])} events; fewer than "
            f"{MAX_EVENTS_TO_REDRIVE} can be redriven",
        )
    return "REDRIVABLE", ""
