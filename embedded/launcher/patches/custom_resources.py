"""Upstream: waits (an hour by default) for a custom resource whose Lambda has failed.

AWS also waits for a response that a crashed handler never sends. On a laptop that is too long. Here
the handler's error is the response, and no response within five minutes is a failure.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource

EXPECTS = {
    "services.cloudformation.custom_resource:invoke_custom_resource": "d5c75f69f54b",
    "services.cloudformation.custom_resource:deliver_response": "4f864c27b849",
    "services.lambda_svc:_execute_function_with_config_scope": "26a9d5f64e17",
}

DEFAULT_TIMEOUT_SECONDS = 300


def _is_request(event: Any) -> bool:
    return isinstance(event, Mapping) and {"ResponseURL", "RequestType", "StackId"} <= event.keys()


def apply() -> None:
    execute = lambda_svc._execute_function_with_config_scope
    invoke = custom_resource.invoke_custom_resource

    def execute_function(func: dict[str, Any], event: Any) -> dict[str, Any]:
        result = execute(func, event)
        if result.get("error") and _is_request(event):
            failure = result.get("body")
            token = event["ResponseURL"].rsplit("/", 1)[-1]
            text = failure if isinstance(failure, str) else json.dumps(failure)
            custom_resource.deliver_response(
                token,
                {"Status": "FAILED", "Reason": f"The custom resource's Lambda failed: {text}"},
            )
        return result

    def invoke_with_limit(
        request_type: str, logical_id: str, props: dict[str, Any], *args: Any, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        limited = {"ServiceTimeout": DEFAULT_TIMEOUT_SECONDS, **props}
        return invoke(request_type, logical_id, limited, *args, **kwargs)

    lambda_svc._execute_function_with_config_scope = execute_function
    custom_resource.invoke_custom_resource = invoke_with_limit
