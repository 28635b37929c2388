"""Upstream: every error of a Node handler becomes `Runtime.HandlerError`.

The worker's bootstrap sends only the message. On AWS the payload is
{"errorType": err.name, "errorMessage": err.message, "trace": [stack lines]}. In Step Functions,
errorType is Error, which Retry and Catch match, and the complete payload as JSON is Cause.
"""

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

EXPECTS = {
    "core.lambda_runtime:_NODEJS_WORKER_SCRIPT": "4c6fe8a41c8f",
    "core.lambda_runtime:Worker.invoke": "96751a754710",
    "services.lambda_svc:_execute_function_warm": "62b9218bef5b",
}

_REJECTED = 'status: "error", error: String(err.message || err), trace: err.stack || ""'
_THROWN = 'status: "error", error: e.message, trace: e.stack\n'

# Like AWS's runtime interface client: the name of an Error, or else the type of the value.
_DESCRIBE = """
function _lakeFailure(err) {
  const isError = err instanceof Error
    || (err !== null && typeof err === "object" && "name" in err && "message" in err);
  return {
    status: "error",
    error: isError ? String(err.message) : String(err),
    error_type: isError ? String(err.name) : typeof err,
    // Where the code lies on AWS; the history should not depend on where it lies here.
    trace: isError && err.stack
      ? String(err.stack).split(process.env.LAMBDA_TASK_ROOT).join("/var/task") : "",
  };
}
"""

# worker.invoke and its caller run on one thread. Upstream has no other way to pass the type.
_last_answer = threading.local()


def _typed(answer: dict[str, Any]) -> dict[str, Any] | None:
    """The error payload in AWS's shape; None when the worker sent no type."""
    if not answer.get("error_type"):
        return None
    return {
        "errorType": answer["error_type"],
        "errorMessage": answer["error"],
        "trace": answer["trace"].split("\n") if answer.get("trace") else [],
    }


def apply() -> None:
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    script = script.replace(
        "JSON.stringify({\n            " + _REJECTED + "\n          })",
        "JSON.stringify(_lakeFailure(err))",
    )
    script = script.replace(
        "JSON.stringify({\n        " + _THROWN + "      })", "JSON.stringify(_lakeFailure(e))"
    )
    if script.count("_lakeFailure(") != 2:
        raise RuntimeError("lambda_errors: the bootstrap's two error answers were not found")
    lambda_runtime._NODEJS_WORKER_SCRIPT = _DESCRIBE + script

    worker_invoke = lambda_runtime.Worker.invoke
    execute = lambda_svc._execute_function_warm

    def invoke(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = worker_invoke(self, *args, **kwargs)
        _last_answer.value = answer
        return answer

    def execute_warm(func: dict, event: Any, request_id: str) -> dict[str, Any]:
        _last_answer.value = {}
        result = execute(func, event, request_id)
        if result.get("error"):
            payload = _typed(_last_answer.value)
            if payload is not None:
                result["body"] = payload
        return result

    lambda_runtime.Worker.invoke = invoke
    lambda_svc._execute_function_warm = execute_warm
