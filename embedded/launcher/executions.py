"""Stores executions of the state machines on disk in parts that are written only once.

A run's history has megabytes, because each event holds the run's state, and grows with each poll:

    execution-<hash>          the execution without its events, and its last events
    execution-<hash>-<n>      events n*50 to n*50+49, when they are complete

A part of fifty events never changes, so it is written once. An execution that has ended is one file
with all its events. As on AWS, an execution is deleted 90 days after its end; the bucket keeps its
history.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

PREFIX = "execution-"
EVENTS_A_PART = 50
KEPT = timedelta(days=90)

# (account, region, ARN), as in ministack's stores.
Key = tuple[str, str, str]
Sources = dict[str, Callable[[], Any]]


class ExecutionParts:
    """Finds the parts that must be written, and restores executions from their parts."""

    def __init__(self) -> None:
        self._reported: dict[str, tuple[Any, ...]] = {}
        self._names: set[str] = set()

    def due(self, executions: dict[Key, dict[str, Any]], written: Collection[str]) -> Sources:
        """The parts to write; `written` holds the names of the parts that are on disk."""
        sources: Sources = {}
        self._names = set()
        for key, execution in list(executions.items()):
            name = part_name(key)
            runs = execution.get("status") == "RUNNING"
            events = execution.get("events", [])
            sealed = len(events) // EVENTS_A_PART if runs else 0
            self._names.update([name, *(f"{name}-{part}" for part in range(sealed))])
            for part in range(sealed):
                if f"{name}-{part}" not in written:
                    sources[f"{name}-{part}"] = _events(events, part)
            now = (len(events), *(execution.get(field) for field in ("status", "redriveCount")))
            if runs or self._reported.get(name) != now or name not in written:
                sources[name] = _record(key, execution, sealed)
                self._reported[name] = now
        return sources

    def gone(self, written: Collection[str]) -> set[str]:
        """Names on disk that belong to no execution, or to one file now, as of the last `due`."""
        return {name for name in written if name.startswith(PREFIX) and name not in self._names}

    def forget_pending(self) -> None:
        """Make the last parts due again, after a failed save."""
        self._reported.clear()

    def restore(self, payloads: dict[str, Any]) -> dict[Key, dict[str, Any]]:
        """Remove the parts from a snapshot's payloads and return the executions they form."""
        parts = {name: payloads.pop(name) for name in list(payloads) if name.startswith(PREFIX)}
        found = {}
        for name, part in parts.items():
            if not isinstance(part, dict):
                continue
            sealed = [event for n in range(part["parts"]) for event in parts[f"{name}-{n}"]]
            key: Key = tuple(part["key"])
            found[key] = {**part["execution"], "events": [*sealed, *part["events"]]}
        return found


def part_name(key: Key) -> str:
    """Name of an execution's record; the names of its event parts begin with it."""
    return PREFIX + hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def drop_old(executions: dict[Key, dict[str, Any]], now: datetime | None = None) -> list[Key]:
    """Delete the executions that ended more than 90 days ago; returns their keys."""
    before = (now or datetime.now(UTC)) - KEPT
    old = [key for key, execution in list(executions.items()) if _ended_before(execution, before)]
    for key in old:
        executions.pop(key, None)
    return old


def _ended_before(execution: dict[str, Any], before: datetime) -> bool:
    stopped = execution.get("stopDate")
    if not isinstance(stopped, str) or execution.get("status") == "RUNNING":
        return False
    at = datetime.fromisoformat(stopped)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) < before


def _events(events: list[Any], part: int) -> Callable[[], Any]:
    return lambda: events[part * EVENTS_A_PART : (part + 1) * EVENTS_A_PART]


def _record(key: Key, execution: dict[str, Any], sealed: int) -> Callable[[], Any]:
    def read() -> dict[str, Any]:
        events = execution.get("events", [])
        rest = {name: value for name, value in execution.items() if name != "events"}
        # Later events belong to this last part. The parts before it never change.
        last = events[sealed * EVENTS_A_PART :]
        return {"key": list(key), "parts": sealed, "execution": rest, "events": last}

    return read
