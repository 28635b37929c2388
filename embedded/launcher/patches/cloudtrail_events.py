"""Upstream: CloudTrail records every call, in memory only, and not what EventBridge starts.

Here LookupEvents knows who started and redrove each execution, and nothing else. The calls are kept
with the execution, so they outlive a restart and end after 90 days, as on AWS. They are found at
once; on AWS after up to 15 minutes.
"""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudtrail, eventbridge, stepfunctions

from embedded.launcher import authority
from embedded.launcher.environment import ACCOUNT_ID, REGION
from embedded.launcher.patches.execution_views import Response

EXPECTS = {
    "services.stepfunctions:handle_request": "efa6e8c4532a",
    "services.stepfunctions:_start_execution": "9923282fc76c",
    "services.eventbridge:_invoke_target": "550e304af080",
    "services.cloudtrail:_lookup_events": "95a231827046",
}

EVENTS_A_PAGE = 50
_EVENT_BRIDGE = "events.amazonaws.com"

# The rule's role while EventBridge starts an execution: then there is no caller.
_rule_role: ContextVar[str | None] = ContextVar("lake_rule_role", default=None)


def _note(name: str, response: Response, arn: str | None = None) -> None:
    """Keep a successful call with its execution, which a redrive names and a start answers."""
    status, _, body = response
    execution = stepfunctions._executions.get(arn or json.loads(body or b"{}").get("executionArn"))
    if status != 200 or not execution:
        return
    role = _rule_role.get()
    call = {"name": name, "id": new_uuid(), "at": datetime.now(UTC).timestamp()}
    if role is None:
        call["by"] = authority.arn_of(authority.caller_key.get())
    else:
        session = execution["name"][:64]
        call["by"] = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role.rsplit('/', 1)[-1]}/{session}"
        call["invokedBy"] = _EVENT_BRIDGE
    execution.setdefault("calls", []).append(call)


def _identity(call: Mapping[str, Any]) -> dict[str, str]:
    arn = call["by"]
    kinds = {"root": "Root", "user": "IAMUser", "assumed-role": "AssumedRole"}
    kind = kinds.get(arn.split(":", 5)[-1].split("/")[0], "Unknown")
    service = {"invokedBy": call["invokedBy"]} if "invokedBy" in call else {}
    return {"type": kind, "arn": arn, "accountId": ACCOUNT_ID, **service}


def _event(execution: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    arn = execution["executionArn"]
    is_start = call["name"] == "StartExecution"
    record = {
        "eventVersion": "1.11",
        "userIdentity": _identity(call),
        "eventTime": datetime.fromtimestamp(call["at"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "states.amazonaws.com",
        "eventName": call["name"],
        "awsRegion": REGION,
        "sourceIPAddress": call.get("invokedBy", "127.0.0.1"),
        "requestParameters": {"name": execution["name"]} if is_start else {"executionArn": arn},
        "responseElements": {"executionArn": arn} if is_start else None,
        "eventID": call["id"],
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
    }
    return {
        "EventId": call["id"],
        "EventName": call["name"],
        "ReadOnly": "false",
        "EventTime": call["at"],
        "EventSource": "states.amazonaws.com",
        "Username": call["by"].rsplit("/", 1)[-1],
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }


def lookup_events(body: Mapping[str, Any]) -> Response:
    """LookupEvents, newest first; the attributes EventName and EventSource, and both times."""
    wanted = {
        one["AttributeKey"]: one["AttributeValue"] for one in body.get("LookupAttributes", [])
    }
    if not wanted.keys() <= {"EventName", "EventSource"}:
        return error_response_json(
            "InvalidLookupAttributesException",
            "The embedded cloud looks up events by EventName or EventSource only",
            400,
        )
    found = [
        event
        for execution in stepfunctions._executions.values()
        for call in execution.get("calls", [])
        for event in [_event(execution, call)]
        if float(body.get("StartTime", 0)) <= call["at"] <= float(body.get("EndTime", "inf"))
        and all(event[key] == value for key, value in wanted.items())
    ]
    found.sort(key=lambda event: event["EventTime"], reverse=True)
    begin = int(body.get("NextToken") or 0)
    end = begin + min(int(body.get("MaxResults") or EVENTS_A_PAGE), EVENTS_A_PAGE)
    more = {"NextToken": str(end)} if end < len(found) else {}
    return json_response({"Events": found[begin:end], **more})


def apply() -> None:
    start = stepfunctions._start_execution
    handle = stepfunctions.handle_request
    invoke = eventbridge._invoke_target

    def start_execution(data: dict[str, Any]) -> Response:
        response: Response = start(data)
        _note("StartExecution", response)
        return response

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        response: Response = await handle(method, path, headers, body, query)
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            _note("RedriveExecution", response, json.loads(body or b"{}").get("executionArn"))
        return response

    def invoke_target(target: dict[str, Any], *arguments: Any, **named: Any) -> None:
        token = _rule_role.set(target.get("RoleArn") or "")
        try:
            invoke(target, *arguments, **named)
        finally:
            _rule_role.reset(token)

    stepfunctions._start_execution = start_execution
    stepfunctions.handle_request = handle_request
    eventbridge._invoke_target = invoke_target
    # The dispatch table holds the function itself.
    cloudtrail._DISPATCH["LookupEvents"] = lookup_events
