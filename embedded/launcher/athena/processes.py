"""Processes for queries: each query has one, with limited time and memory; a kill stops it."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb

from embedded.launcher.athena.errors import QueryFailed
from embedded.launcher.environment import shifted_clock

_ROOT = Path(__file__).resolve().parents[3]

# Athena's limit is half an hour, but a laptop's lake is smaller.
QUERY_SECONDS = 300.0

# Athena's names of DuckDB's errors.
_CATEGORIES = {
    "Binder Error": "COLUMN_NOT_FOUND",
    "Catalog Error": "FUNCTION_NOT_FOUND",
    "Conversion Error": "INVALID_CAST_ARGUMENT",
    "Parser Error": "SYNTAX_ERROR",
    "Out of Range Error": "NUMERIC_VALUE_OUT_OF_RANGE",
}


class Process:
    """A process that runs one query and ends. See worker.py."""

    def __init__(self) -> None:
        self._interrupted = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "embedded.launcher.athena.worker"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Nothing from this process's environment: no credentials, no addresses.
            env={
                "PYTHONPATH": str(_ROOT),
                "PATH": os.environ.get("PATH", os.defpath),
                **shifted_clock(),
            },
            text=True,
            # Ctrl-C goes only to the launcher. When that ends, this process ends with its stdin.
            start_new_session=True,
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Stop the query at once: its `answer` raises duckdb.InterruptException."""
        self._interrupted = True
        self._process.kill()

    def end(self) -> None:
        """End the process if it is still running."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()

    def answer(self, job: dict[str, Any], seconds: float = QUERY_SECONDS) -> dict[str, Any]:
        """Returns the worker's answer. Raises QueryFailed and duckdb.InterruptException."""
        try:
            printed, _ = self._process.communicate(json.dumps(job) + "\n", timeout=seconds)
        except subprocess.TimeoutExpired as late:
            self._process.kill()
            self._process.communicate()
            raise QueryFailed(
                "EXCEEDED_TIME_LIMIT: Query exceeded the maximum execution time limit of "
                f"{seconds:g} s of the embedded Athena"
            ) from late
        if self._interrupted:
            raise duckdb.InterruptException
        reply = json.loads(printed) if printed else {}
        if "error" in reply:
            raise QueryFailed(reason(reply["error"]))
        if "rows" not in reply:
            how = reply.get("memory", f"its process ended with {self._process.returncode}")
            raise QueryFailed(
                "EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded the memory that the embedded Athena "
                f"gives it: {how}",
                category=2,
            )
        return reply


class _Pool:
    """Keeps one process ready, because its start takes longer than most queries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: Process | None = None

    def take(self) -> Process:
        with self._lock:
            ready, self._ready = self._ready, None
        process = ready if ready is not None and ready.is_alive() else Process()
        threading.Thread(target=self._refill, daemon=True).start()
        return process

    def _refill(self) -> None:
        with self._lock:
            if self._ready is None:
                self._ready = Process()


pool = _Pool()


def reason(failure: str) -> str:
    message = failure.strip()
    if "Division by zero" in message:
        return "DIVISION_BY_ZERO: Division by zero"
    kind, _, rest = message.partition(":")
    category = _CATEGORIES.get(kind)
    if kind == "Binder Error" and "not found" not in message:
        category = "SYNTAX_ERROR"
    return f"{category}:{rest}" if category else f"GENERIC_USER_ERROR: {message}"
