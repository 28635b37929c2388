"""Upstream: no TimeoutSeconds of a state machine, waits cannot be stopped, RedriveCount is null.

Here the definition's TimeoutSeconds applies, a Wait ends with its run, $$.Execution.RedriveCount
counts from 0, and an execution keeps the definition it started with. An execution that was running
when the process ended is failed at the next start (EmbeddedCloud.Stopped, with its event), and can
be redriven.
"""

import copy
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from embedded.launcher import runs, start_up
from embedded.launcher.authority import as_account
from embedded.launcher.environment import ACCOUNT_ID
from embedded.launcher.patches.execution_events import add_detailed

EXPECTS = {
    "services.stepfunctions:_run_execution": "996dff84e0e0",
    "services.stepfunctions:_fail_execution": "e6da895fa0b7",
    "services.stepfunctions:_scaled_sleep": "5ed19df2efa9",
    "services.stepfunctions:_sleep_until": "2738e0a4030c",
    "services.stepfunctions:_restore_state": "b94c49c3dd97",
}

STOPPED_ERROR = "EmbeddedCloud.Stopped"
STOPPED_CAUSE = (
    "The embedded cloud's process ended while this execution was running. "
    "Redrive it to continue from the state it was in: npm run lake -- redrive {name}"
)

_COMPLETE = {"truncated": False}
# As on AWS, a client that describes a new execution at once sees RUNNING.
START_SECONDS = 0.05

logger = logging.getLogger("lake.executions")


def run_execution(arn: str, resume: dict[str, Any] | None = None) -> None:
    """Run an execution to its end, in the current thread.

    `resume` is {"state", "input", "variables"} of a redrive's first state.
    """
    execution = stepfunctions._executions.get(arn)
    if not execution:
        return
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if not machine:
        stepfunctions._fail_execution(
            execution, "StateMachineDeleted", "The state machine no longer exists"
        )
        return
    if "definition" not in execution:
        execution["definition"] = machine["definition"]
        execution["roleArn"] = machine["roleArn"]
    run = runs.begin(execution)
    if resume is None:
        runs.pause(START_SECONDS)
    try:
        definition = json.loads(execution["definition"])
        with _Timeout(execution, run, definition.get("TimeoutSeconds")):
            output = _walk(execution, definition, machine["name"], resume)
            runs.check()
        _succeed(execution, output)
    except runs.Superseded:
        return
    except stepfunctions._ExecutionError as failure:
        _unless_over(stepfunctions._fail_execution, execution, failure.error, failure.cause)
    except Exception as bug:
        if run.over.is_set():
            # Branches report the end of their run as their own failure.
            return
        logger.exception("Execution %s failed because of a defect of the embedded cloud", arn)
        _unless_over(stepfunctions._fail_execution, execution, "States.Runtime", str(bug))
    finally:
        if execution["status"] != "RUNNING":
            run.over.set()


def _unless_over(act: Callable[..., None], *arguments: Any) -> None:
    try:
        runs.check()
        act(*arguments)
    except runs.Superseded:
        return


def _context(
    execution: runs.Execution, definition: dict[str, Any], machine: str, variables: dict[str, Any]
) -> dict[str, Any]:
    """The run's context object, `$$`."""
    context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "RoleArn": execution["roleArn"],
            "StartTime": execution["startDate"],
            "RedriveCount": execution.get("redriveCount", 0),
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine},
        "variables": variables,
    }
    if execution.get("redriveDate"):
        context["Execution"]["RedriveTime"] = execution["redriveDate"]
    return context


def _walk(
    execution: runs.Execution,
    definition: dict[str, Any],
    machine: str,
    resume: dict[str, Any] | None,
) -> Any:
    """Run the states in order; returns the last state's output."""
    states = definition["States"]
    if resume is None:
        name, data, variables = definition["StartAt"], json.loads(execution["input"]), {}
    else:
        name, data, variables = resume["state"], resume["input"], resume["variables"]
    context = _context(execution, definition, machine, variables)
    while name:
        runs.check()
        state = states.get(name)
        if not state:
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"State '{name}' is not in the definition"
            )
        kind = state.get("Type")
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        # A redrive enters this state again, with this input and these variables.
        execution["variables"] = copy.deepcopy(context["variables"])
        add_detailed(
            execution,
            f"{kind}StateEntered",
            name=name,
            input=json.dumps(data),
            inputDetails=_COMPLETE,
        )
        data, next_name = _enter(kind, state, data, execution, context)
        add_detailed(
            execution,
            f"{kind}StateExited",
            name=name,
            output=json.dumps(data),
            outputDetails=_COMPLETE,
        )
        name = next_name
    return data


def _enter(
    kind: str, state: dict[str, Any], data: Any, execution: runs.Execution, context: dict[str, Any]
) -> tuple[Any, str | None]:
    """Run one state; returns its output and the next state's name (None at the end)."""
    if kind == "Succeed":
        data = stepfunctions._apply_input_path(state, data, context)
        return stepfunctions._apply_output_path(state, data, context), None
    if kind == "Fail":
        raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, data, context))
    # Looked up at each call, as upstream does, because another patch may replace one of them.
    simple = {"Pass": "_execute_pass", "Choice": "_execute_choice", "Wait": "_execute_wait"}
    composed = {"Task": "_execute_task", "Parallel": "_execute_parallel", "Map": "_execute_map"}
    if kind in simple:
        return getattr(stepfunctions, simple[kind])(state, data, context)
    if kind in composed:
        return getattr(stepfunctions, composed[kind])(state, data, execution, context)
    raise stepfunctions._ExecutionError("States.Runtime", f"Unknown state type: {kind}")


def _succeed(execution: runs.Execution, output: Any) -> None:
    text = json.dumps(output)
    add_detailed(execution, "ExecutionSucceeded", output=text, outputDetails=_COMPLETE)
    execution["output"] = text
    execution["stopDate"] = now_iso()
    execution["status"] = "SUCCEEDED"
    runs.end(execution)
    stepfunctions._emit_execution_status_event(execution)


class _Timeout:
    """Ends a run as TIMED_OUT when it exceeds the state machine's TimeoutSeconds."""

    def __init__(self, execution: runs.Execution, run: runs.Run, seconds: float | None):
        self._execution = execution
        self._run = run
        self._seconds = seconds
        self._timer: threading.Timer | None = None

    def __enter__(self) -> None:
        if self._seconds is not None:
            self._timer = threading.Timer(self._seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        execution = self._execution
        if self._run.over.is_set() or execution["status"] != "RUNNING":
            return
        as_account(ACCOUNT_ID)
        cause = f"The execution ran longer than its state machine's TimeoutSeconds, {self._seconds}"
        _end(execution, "TimedOut", "States.Timeout", cause)
        runs.end(execution)
        stepfunctions._emit_execution_status_event(execution)


def _end(execution: runs.Execution, how: str, error: str, cause: str) -> None:
    """End an execution as TimedOut or Failed, with its event."""
    status = {"TimedOut": "TIMED_OUT", "Failed": "FAILED"}[how]
    execution.update(status=status, stopDate=now_iso(), error=error, cause=cause)
    add_detailed(execution, f"Execution{how}", error=error, cause=cause)


def _found_running(execution: runs.Execution) -> None:
    """Fail an execution whose process has ended, and add the event."""
    cause = STOPPED_CAUSE.format(name=execution["name"])
    _end(execution, "Failed", STOPPED_ERROR, cause)

    def report() -> None:
        as_account(ACCOUNT_ID)
        stepfunctions._emit_execution_status_event(execution)

    start_up.when_gateway_is_there(report)


def apply() -> None:
    restore = stepfunctions._restore_state
    fail = stepfunctions._fail_execution

    def restore_state(data: dict[str, Any] | None) -> None:
        for execution in (data or {}).get("executions", stepfunctions._executions).all_values():
            if execution.get("status") == "RUNNING":
                _found_running(execution)
        restore(data)

    def fail_execution(execution: runs.Execution, error: str, cause: str) -> None:
        fail(execution, error, cause)
        # Upstream also stores Error and Cause as the output. On AWS a failure has no output.
        execution["output"] = None
        runs.end(execution)

    def scaled_sleep(seconds: float) -> None:
        if seconds > 0:
            runs.pause(seconds * stepfunctions._SFN_WAIT_SCALE)

    stepfunctions._run_execution = run_execution
    stepfunctions._fail_execution = fail_execution
    stepfunctions._scaled_sleep = scaled_sleep
    stepfunctions._restore_state = restore_state
