"""Upstream: a function's variables, its payloads and its memory have no limits.

Sources, in the Lambda Developer Guide and API Reference: "Lambda quotas" (4 KB of environment
variables, 6 MB a synchronous payload, 1 MB an asynchronous one), "Working with environment
variables" (reserved names), Invoke. The size of the variables is that of their JSON, as in the
error message. From memory: the messages, the share of the memory that Node's heap gets, and the
error Runtime.OutOfMemory of a function that Lambda kills for its memory.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from embedded.launcher.words import words

EXPECTS = {
    "core.lambda_runtime:Worker.invoke": "96751a754710",
    "core.lambda_runtime:Worker._spawn": "c55febf95656",
    "services.lambda_svc:handle_request": "f2255bfe6f90",
    "services.lambda_svc:_create_function": "e307eecdf0d8",
    "services.lambda_svc:_update_config": "6999cb0695da",
    "services.lambda_svc:_execute_function_warm": "62b9218bef5b",
    "services.cloudformation.provisioners:_lambda_create": "8b2cf80e961d",
    "services.cloudformation.provisioners:_lambda_update": "4855410e37d7",
}

MAX_VARIABLES_BYTES = 4096
MAX_PAYLOAD_BYTES = 6_291_456
MAX_ASYNCHRONOUS_BYTES = 1_048_576
# The limit in the error message: 6 MB, plus room for Lambda's envelope.
MAX_RESPONSE_BYTES = 6_291_556

RESERVED_NAMES = words(
    """
    _HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV
    AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION
    AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME
    AWS_LAMBDA_MAX_CONCURRENCY AWS_LAMBDA_METADATA_API AWS_LAMBDA_METADATA_TOKEN AWS_ACCESS_KEY
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API
    LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR
    """
)

_UNABLE = (
    "Lambda was unable to configure your environment variables because the environment variables "
    "you have provided "
)
_INVOCATIONS = re.compile(r"/functions/[^/]+/invocations/?$")
_KIND_HEADER = "x-amz-invocation-type"
# Seconds between two measurements of a worker's memory.
_LOOK_EVERY = 0.05
# Seconds that a process may need to end after it has closed its output.
_EXIT_SECONDS = 10
_SIGNALS = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}
# Upstream's messages for a worker that has ended.
_ENDED = "Worker process died"
_ENDED_AT_ONCE = "Worker process exited immediately"

Properties = Mapping[str, Any]


def variables_refusal(variables: Mapping[str, Any]) -> str | None:
    """Why Lambda rejects the variables; None when it accepts them."""
    reserved = sorted(variables.keys() & RESERVED_NAMES)
    if reserved:
        return (
            f"{_UNABLE}contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, ensure_ascii=False, separators=(",", ":"))
    if len(measured.encode(errors="replace")) > MAX_VARIABLES_BYTES:
        return f"{_UNABLE}exceeded the 4KB limit. String measured: {measured}"
    return None


def payload_refusal(size: int, asynchronous: bool) -> str | None:
    """Why Invoke rejects a payload of `size` bytes; None when it accepts it."""
    kind, limit = (
        ("Event", MAX_ASYNCHRONOUS_BYTES)
        if asynchronous
        else ("RequestResponse", MAX_PAYLOAD_BYTES)
    )
    if size <= limit:
        return None
    return f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"


def _given_variables(settings: Properties) -> Mapping[str, Any]:
    return (settings.get("Environment") or {}).get("Variables") or {}


def _checked_call(upstream: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an API call whose last argument holds the function's settings."""

    def call(*args: Any) -> Any:
        refusal = variables_refusal(_given_variables(args[-1]))
        if refusal:
            return error_response_json("InvalidParameterValueException", refusal, 400)
        return upstream(*args)

    return call


def _checked_resource(handlers: dict[str, Any]) -> dict[str, Any]:
    """Wrap the handlers of a template's functions: CloudFormation here does not call the API."""

    def check(properties: Properties) -> None:
        refusal = variables_refusal(_given_variables(properties))
        if refusal:
            raise ValueError(f"InvalidParameterValueException: {refusal}")

    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        check(properties)
        return handlers["create"](logical_id, properties, stack)

    def update(physical_id: str, old: Properties, new: Properties, *more: str) -> Any:
        check(new)
        return handlers["update"](physical_id, old, new, *more)

    return {**handlers, "create": create, "update": update}


def _resident_bytes(pid: int) -> int | None:
    """Resident memory of a process in bytes; None when it has ended, or without /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


class _Watch:
    """Measures a busy worker's memory, and kills the worker when it exceeds its limit."""

    def __init__(self, worker: Any):
        self._worker = worker
        self._limit = int(worker.config.get("MemorySize", 128)) * 1024 * 1024
        self._done = threading.Event()
        self.exceeded = False

    def __enter__(self) -> "_Watch":
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._done.set()

    def _look(self) -> None:
        while not self._done.is_set():
            process = self._worker._proc
            if process is not None:
                held = _resident_bytes(process.pid) if process.poll() is None else None
                if held is not None and held > self._limit:
                    self.exceeded = True
                    process.kill()
                    return
            self._done.wait(_LOOK_EVERY)


def _exit_reason(code: int) -> str:
    """The runtime interface's text for a process's exit code."""
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: signal: {_SIGNALS.get(-code, -code)}"


def _watched(upstream: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap Worker.invoke: limits the worker's memory, and reports its end with AWS's error."""

    def invoke(self: Any, event: Any, request_id: str, **more: Any) -> dict[str, Any]:
        with _Watch(self) as watch:
            try:
                answer = upstream(self, event, request_id, **more)
            except RuntimeError as failure:
                # The worker ended before its first event. Upstream reports all other failures.
                if self.spawned is None or not str(failure).startswith(_ENDED_AT_ONCE):
                    raise
                answer = {"status": "error", "error": _ENDED, "log": str(failure)}
        if answer.get("error") == _ENDED:
            code = self.spawned.wait(timeout=_EXIT_SECONDS)
            # A full heap may have ended it before the watch killed it.
            killed = watch.exceeded and code == -9
            answer["error_type"] = "Runtime.OutOfMemory" if killed else "Runtime.ExitError"
            answer["error"] = f"RequestId: {request_id} Error: {_exit_reason(code)}"
        return answer

    return invoke


def _response_limited(upstream: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def execute_warm(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result = upstream(func, event, request_id)
        written = json.dumps(result.get("body"), ensure_ascii=False, separators=(",", ":"))
        size = len(written.encode(errors="replace"))
        if size <= MAX_RESPONSE_BYTES:
            return result
        return {
            **result,
            "error": True,
            "body": {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": f"Response payload size ({size} bytes) exceeded maximum allowed "
                f"payload size ({MAX_RESPONSE_BYTES} bytes).",
            },
        }

    return execute_warm


def apply() -> None:
    lambda_svc._create_function = _checked_call(lambda_svc._create_function)
    lambda_svc._update_config = _checked_call(lambda_svc._update_config)
    handlers = provisioners._RESOURCE_HANDLERS
    handlers["AWS::Lambda::Function"] = _checked_resource(handlers["AWS::Lambda::Function"])
    lambda_svc._execute_function_warm = _response_limited(lambda_svc._execute_function_warm)

    handle, spawn = lambda_svc.handle_request, lambda_runtime.Worker._spawn

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        if method == "POST" and _INVOCATIONS.search(path):
            kind = next(
                (value for name, value in headers.items() if name.lower() == _KIND_HEADER), ""
            )
            refusal = payload_refusal(len(body), kind == "Event")
            if refusal:
                return error_response_json("RequestTooLargeException", refusal, 413)
        return await handle(method, path, headers, body, query)

    def spawn_remembered(self: Any) -> None:
        self.spawned = None
        try:
            spawn(self)
        finally:
            self.spawned = self._proc

    lambda_svc.handle_request = handle_request
    lambda_runtime.Worker._spawn = spawn_remembered
    lambda_runtime.Worker.invoke = _watched(lambda_runtime.Worker.invoke)
