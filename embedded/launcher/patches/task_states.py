"""Upstream: other task events than AWS, no check of the role, retry delays of at most 60 s.

AWS writes LambdaFunction* events for a function's ARN as Resource, and Task* events for an
integration, with the parameters and a *Started event between. Lambda refuses a call that the state
machine's role may not make, with Lambda.AWSLambdaException. Retry has MaxDelaySeconds and
JitterStrategy. A task has one invocation at a time. As on AWS, a task that exceeded its timeout
continues, and its result is ignored.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_region, new_uuid
from ministack.services import lambda_svc, stepfunctions

from embedded.launcher import authority, runs
from embedded.launcher.patches.execution_events import add_detailed
from embedded.launcher.patches.execution_limits import check_payload

EXPECTS = {
    "services.stepfunctions:_execute_task": "53c818d247db",
    "services.stepfunctions:_invoke_resource": "a85d2be9a858",
    "services.stepfunctions:_invoke_resource_with_timeout": "faeed0bf70d5",
    "services.stepfunctions:_call_lambda": "25830369b126",
    "services.stepfunctions:_find_matching_retrier": "cb494ae8503c",
}


@dataclass(frozen=True)
class _Task:
    """One Task state, with the names for its events."""

    resource: str
    timeout: float | None

    @property
    def is_function(self) -> bool:
        return ":function:" in self.resource

    @property
    def service(self) -> str:
        """`lambda` of arn:aws:states:::lambda:invoke."""
        return self.resource.split(":")[5] if ":states:::" in self.resource else "states"

    @property
    def action(self) -> str:
        return self.resource.rsplit(":", 1)[-1]

    def add(self, execution: runs.Execution, what: str, **details: Any) -> None:
        """Append the event of what happened: Scheduled, Started, Succeeded, Failed or TimedOut."""
        if not self.is_function:
            add_detailed(execution, f"Task{what}", **self._named(), **details)
        elif what == "Started":
            stepfunctions._add_event(execution, "LambdaFunctionStarted", {})
        else:
            add_detailed(execution, f"LambdaFunction{what}", **details)

    def add_scheduled(self, execution: runs.Execution, parameters: Any) -> None:
        limit = {} if self.timeout is None else {"timeoutInSeconds": int(self.timeout)}
        sent = json.dumps(parameters)
        about = (
            {"resource": self.resource, "input": sent, "inputDetails": {"truncated": False}}
            if self.is_function
            else {"region": get_region(), "parameters": sent}
        )
        self.add(execution, "Scheduled", **about, **limit)

    def _named(self) -> dict[str, str]:
        return {"resourceType": self.service, "resource": self.action}


def execute_task(
    state: dict[str, Any], raw_input: Any, execution: runs.Execution, context: dict[str, Any]
) -> tuple[Any, str | None]:
    """Run a Task state with its Retry and Catch; returns its output and the next state's name."""
    language = stepfunctions._state_query_language(state, context)
    counts: dict[int, int] = {}
    while True:
        context["State"]["RetryCount"] = sum(counts.values())
        try:
            result = _attempt(state, raw_input, execution, context, language)
            return _output(state, raw_input, context, language, result), stepfunctions._next_or_end(
                state
            )
        except stepfunctions._ExecutionError as error:
            failure = error
        retrier, index = stepfunctions._find_matching_retrier(
            state.get("Retry", []), failure.error, counts
        )
        if retrier is None:
            break
        stepfunctions._scaled_sleep(_delay(retrier, counts.get(index, 0)))
        counts[index] = counts.get(index, 0) + 1
    catcher = stepfunctions._find_matching_catcher(state.get("Catch", []), failure.error)
    if catcher is None:
        raise failure
    caught = {"Error": failure.error, "Cause": failure.cause}
    output = stepfunctions._apply_catcher(catcher, raw_input, context, language, caught)
    return output, catcher["Next"]


def _delay(retrier: dict[str, Any], retried: int) -> float:
    """Seconds before the next attempt, after `retried` retries of this retrier."""
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retried
    seconds = min(seconds, retrier.get("MaxDelaySeconds", float("inf")))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds


def _attempt(
    state: dict[str, Any],
    raw_input: Any,
    execution: runs.Execution,
    context: dict[str, Any],
    language: str,
) -> Any:
    """Run one attempt and record its events; raises its failure."""
    resource = state.get("Resource", "")
    by_token = ".waitForTaskToken" in resource
    if by_token:
        context["Task"] = {"Token": new_uuid()}
    if language == "JSONata":
        parameters = stepfunctions._apply_jsonata_arguments(state, raw_input, context)
    else:
        effective = stepfunctions._apply_input_path(state, raw_input, context)
        parameters = stepfunctions._apply_parameters(state, effective, context)
    task = _Task(resource, _timeout(state, raw_input, context))
    check_payload(parameters, f"The state '{context['State']['Name']}' was given parameters")
    task.add_scheduled(execution, parameters)
    try:
        _ask_role(task, parameters, execution)
        task.add(execution, "Started")
        if by_token:
            token = context["Task"]["Token"]
            result = stepfunctions._invoke_with_callback(resource, parameters, token, state)
        elif task.timeout is not None and ":activity:" not in resource:
            result = stepfunctions._invoke_resource_with_timeout(resource, parameters, task.timeout)
        else:
            result = stepfunctions._invoke_resource(resource, parameters)
        check_payload(result, f"The state/task '{resource}' returned a result")
    except stepfunctions._ExecutionError as failure:
        ending = "TimedOut" if failure.error == "States.Timeout" else "Failed"
        task.add(execution, ending, error=failure.error, cause=failure.cause)
        raise
    output = json.dumps(result)
    task.add(execution, "Succeeded", output=output, outputDetails={"truncated": False})
    return result


def _timeout(state: dict[str, Any], raw_input: Any, context: dict[str, Any]) -> float | None:
    if "TimeoutSecondsPath" in state:
        return stepfunctions._resolve_path_or_ctx(state["TimeoutSecondsPath"], raw_input, context)
    return state.get("TimeoutSeconds")


def _output(
    state: dict[str, Any], raw_input: Any, context: dict[str, Any], language: str, result: Any
) -> Any:
    if language == "JSONata":
        output = stepfunctions._apply_jsonata_output(
            state, raw_input, context, result=result, default=result
        )
        stepfunctions._apply_state_assign(state, raw_input, context, result=result)
        return output
    selected = stepfunctions._apply_result_selector(state, result)
    output = stepfunctions._apply_result_path(state, raw_input, selected)
    return stepfunctions._apply_output_path(state, output, context)


def _ask_role(task: _Task, parameters: Any, execution: runs.Execution) -> None:
    """Raises Lambda's error for a call that the state machine's role may not make."""
    if task.is_function:
        function = task.resource
    elif (task.service, task.action.partition(".")[0]) == ("lambda", "invoke"):
        function = str(parameters.get("FunctionName", ""))
    else:
        return
    if "roleArn" not in execution:
        # TestState has no role here.
        return
    arn = _function_arn(function)
    decision = authority.role_may(
        execution["roleArn"], execution["name"], "lambda:InvokeFunction", arn
    )
    if not decision.allowed:
        raise stepfunctions._ExecutionError(
            "Lambda.AWSLambdaException",
            f"{decision.message} (Service: Lambda, Status Code: 403, "
            "Error Code: AccessDeniedException)",
        )


def _function_arn(function: str) -> str:
    """The ARN in policies, for an ARN (with its qualifier) or a function's name."""
    if function.startswith("arn:"):
        return function
    _, config, _ = lambda_svc._get_func_record_for_ref(function)
    return (config or {}).get("FunctionArn", function)


def _throttled(call: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Replace upstream's Lambda.Unknown for a throttled Lambda by AWS's error name."""

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as failure:
            if "TooManyRequestsException" in failure.cause or "Rate Exceeded" in failure.cause:
                raise stepfunctions._ExecutionError(
                    "Lambda.TooManyRequestsException", failure.cause
                ) from failure
            raise

    return call_lambda


def apply() -> None:
    stepfunctions._execute_task = execute_task
    stepfunctions._call_lambda = _throttled(stepfunctions._call_lambda)
