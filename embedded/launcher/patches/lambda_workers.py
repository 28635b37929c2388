"""Upstream: Node workers outlive a killed server, and receive the terminal's Ctrl-C.

A worker that waits for its next event ends with its stdin, but one that runs a handler does not.
All workers share the server's process group, so Ctrl-C kills running Lambdas before the server has
saved that their executions were running. Node also does not know its function's memory: here, as
on AWS, its heap is limited below that.
"""

import subprocess
from collections.abc import Mapping
from typing import Any

from ministack.core import lambda_runtime

EXPECTS = {
    "core.lambda_runtime:Worker._spawn": "c55febf95656",
    "core.lambda_runtime:kill_workers": "56a6df63f9bd",
}

_READER = "const rl = readline.createInterface({ input: process.stdin, terminal: false });"


class _OwnGroup:
    """Replaces the subprocess module in lambda_runtime: child processes get their own session."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(command: list[str], **kwargs: Any) -> subprocess.Popen:
        return subprocess.Popen(with_heap(command, kwargs["env"]), start_new_session=True, **kwargs)


def with_heap(command: list[str], environment: Mapping[str, str]) -> list[str]:
    """A worker's command; Node's heap is nine tenths of the function's memory (from memory)."""
    program, *rest = command
    if program != "node":
        return command
    megabytes = int(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
    return [program, f"--max-old-space-size={megabytes * 9 // 10}", *rest]


def apply() -> None:
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    if script.count(_READER) != 1:
        raise RuntimeError("lambda_workers: the bootstrap's reader of stdin was not found")
    lambda_runtime._NODEJS_WORKER_SCRIPT = script.replace(
        _READER, _READER + '\nrl.on("close", () => process.exit(0));'
    )
    lambda_runtime.subprocess = _OwnGroup()
