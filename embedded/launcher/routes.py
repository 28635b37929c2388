"""The launcher's API for the gateway, below /_lake/. The gateway never passes such paths on.

GET  /_lake/health       -> {"ok": true, "ministackVersion": "...", "saved": true}
POST /_lake/key          {accessKeyId} -> {arn, secretAccessKey, sessionToken, expiration}; 403
POST /_lake/authorize    {accessKeyId, action, resource, context?, api?} -> {allowed, message}; 403
POST /_lake/grant        {accessKeyId, service, key, operations, api?} -> {allowed, message}
POST /_lake/credentials  {roleArn, service, sessionName, sourceArn?}
                         -> {AccessKeyId, SecretAccessKey, SessionToken, Expiration}; 403
POST /_lake/metrics      {namespace, dimensions: {name: value}, values: {name: [number, unit]}}
                         -> {}: stores one point of each, with the current time
"""

import json
from collections.abc import Callable
from typing import Any

from embedded.launcher import authority, key_uses, metric_points, recorded_calls, service_roles
from embedded.launcher.embedded_metrics import UNITS
from embedded.launcher.patches import snapshots
from embedded.launcher.upstream import MINISTACK_VERSION

PREFIX = "/_lake/"

Answer = tuple[int, dict[str, Any]]


class BadRequest(Exception):
    """The body is invalid; the text names the part."""


def answer(method: str, path: str, body: bytes) -> Answer:
    """Returns the status and the JSON body for one request below /_lake/."""
    if (method, path) == ("GET", "/_lake/health"):
        return 200, {"ok": True, "ministackVersion": MINISTACK_VERSION, "saved": snapshots.saved()}
    handler = _POSTS.get(path)
    if handler is None or method != "POST":
        return 404, {"message": f"No such route: {method} {path}"}
    try:
        fields = json.loads(body or b"{}")
        if not isinstance(fields, dict):
            raise BadRequest("the body must be a JSON object")
        return 200, handler(fields)
    except (BadRequest, json.JSONDecodeError) as wrong:
        return 400, {"message": f"{path}: {wrong}"}
    except authority.Refused as refused:
        return 403, {"message": str(refused)}


def _key(fields: dict[str, Any]) -> dict[str, Any]:
    found = authority.key_of(_text(fields, "accessKeyId"))
    return {
        "arn": found.arn,
        "secretAccessKey": found.secret,
        "sessionToken": found.token,
        "expiration": found.expiration,
    }


def _authorize(fields: dict[str, Any]) -> dict[str, Any]:
    context = fields.get("context") or {}
    if not isinstance(context, dict):
        raise BadRequest("context must be an object of condition keys")
    decision = authority.authorize(
        _text(fields, "accessKeyId"),
        _text(fields, "action"),
        _text(fields, "resource"),
        context,
        fields.get("api") or "",
    )
    return {"allowed": decision.allowed, "message": decision.message}


def _grant(fields: dict[str, Any]) -> dict[str, Any]:
    """Whether KMS lets a service create a grant for itself on behalf of its caller."""
    operations = fields.get("operations")
    if not isinstance(operations, list) or not all(isinstance(one, str) for one in operations):
        raise BadRequest("operations must be a list of KMS operations")
    access_key, service = _text(fields, "accessKeyId"), _text(fields, "service")
    if service not in key_uses.ERRORS:
        raise BadRequest(f"the service {service} is unknown, or does not use KMS keys")
    caller = authority.identify(access_key)
    if fields.get("api"):
        recorded_calls.begin(str(fields["api"]), caller.arn, within=True)
    conditions = {"kms:GrantIsForAWSResource": "true", "kms:GrantOperations": operations}
    refused = key_uses.refusal(
        access_key, service, _text(fields, "key"), ("kms:CreateGrant",), {}, conditions
    )
    if fields.get("api"):
        recorded_calls.end()
    return {"allowed": refused is None, "message": refused.message if refused else ""}


def _credentials(fields: dict[str, Any]) -> dict[str, Any]:
    return service_roles.assume(
        _text(fields, "roleArn"),
        _text(fields, "service"),
        _text(fields, "sessionName"),
        fields.get("sourceArn") or "",
    )


def _metrics(fields: dict[str, Any]) -> dict[str, Any]:
    dimensions, values = fields.get("dimensions"), fields.get("values")
    if not isinstance(dimensions, dict) or not all(
        isinstance(value, str) for value in dimensions.values()
    ):
        raise BadRequest("dimensions must be an object of strings")
    if not isinstance(values, dict) or not values:
        raise BadRequest("values must be an object of [number, unit]")
    for name, given in values.items():
        if not (
            isinstance(given, list)
            and len(given) == 2
            and isinstance(given[0], int | float)
            and given[1] in UNITS
        ):
            raise BadRequest(f"values.{name} must be a number and a CloudWatch unit")
    metric_points.publish(_text(fields, "namespace"), dimensions, **values)
    return {}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} must be a non-empty string")
    return value


_POSTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "/_lake/key": _key,
    "/_lake/authorize": _authorize,
    "/_lake/grant": _grant,
    "/_lake/credentials": _credentials,
    "/_lake/metrics": _metrics,
}
