"""Upstream: some requests are authorized on the wrong ARN, so precise policies fail or pass.

GetQueryExecution and similar calls are authorized on "*", and so is GetRecords; GetDatabase and
GetJob on a table of that name, partition calls only on the database. Many of Lambda's operations
are authorized as another one, or not at all (UpdateEventSourceMapping); here the service's own
model names the operation.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import athena, kinesis

from embedded.launcher.operations import operation

EXPECTS = {
    "core.iam_actions:extract_iam_action": "ec476b92d969",
    "core.iam_actions:extract_resource_arn": "82f51700695c",
}


def _athena(action: str, fields: Mapping[str, Any]) -> str | None:
    """`workgroup/NAME` for calls that name a query or use the primary workgroup."""
    if fields.get("WorkGroup"):
        return None
    for store, name in (
        (athena._executions, "QueryExecutionId"),
        (athena._named_queries, "NamedQueryId"),
    ):
        if name in fields:
            found = store.get(fields[name])
            return f"workgroup/{found['WorkGroup']}" if found else None
    listed = fields.get("QueryExecutionIds") or fields.get("NamedQueryIds")
    if listed:
        store = athena._executions if "QueryExecutionIds" in fields else athena._named_queries
        found = store.get(listed[0])
        return f"workgroup/{found['WorkGroup']}" if found else None
    on_workgroup = (
        "StartQueryExecution",
        "ListQueryExecutions",
        "CreateNamedQuery",
        "ListNamedQueries",
    )
    return "workgroup/primary" if action in on_workgroup else None


def _glue(action: str, fields: Mapping[str, Any]) -> str | None:
    """The most specific of the ARNs that AWS checks: a table before its database."""
    name = fields.get("Name")
    if action.endswith(("Crawler", "CrawlerSchedule")):
        return f"crawler/{name or fields.get('CrawlerName')}"
    if action.endswith("SecurityConfiguration"):
        return "catalog"
    if "Job" in action:
        return f"job/{fields.get('JobName') or name}" if fields.get("JobName") or name else None
    if action.endswith("Database"):
        database = name or (fields.get("DatabaseInput") or {}).get("Name")
        return f"database/{database}" if database else None
    database = fields.get("DatabaseName")
    if not database:
        return None
    table = fields.get("TableName") or (fields.get("TableInput") or {}).get("Name")
    if action.endswith("Table"):
        table = table or name
    return f"table/{database}/{table}" if table else f"database/{database}"


def _kinesis(action: str, fields: Mapping[str, Any]) -> str | None:
    """The stream of an iterator, which GetRecords names alone."""
    found = kinesis._shard_iterators.get(fields.get("ShardIterator"))
    return f"stream/{found['stream']}" if action == "GetRecords" and found else None


# Lambda's permissions have the names of its operations, except these (Lambda's page in AWS's
# service authorization reference).
_LAMBDA_PERMISSIONS = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
}

_RESOURCES = {"athena": _athena, "glue": _glue, "kinesis": _kinesis}


def apply() -> None:
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        region: str,
        account: str,
    ) -> str:
        name = _RESOURCES.get(service)
        if name is not None:
            action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            try:
                fields = json.loads(body or b"{}")
            except ValueError:
                fields = {}
            resource = name(action, fields)
            if resource is not None:
                return f"arn:aws:{service}:{region}:{account}:{resource}"
        return extract(service, method, path, headers, body, query, region, account)

    action_of = iam_actions.extract_iam_action

    def extract_iam_action(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
    ) -> str | None:
        called = operation(service, method, path, query, headers).partition(":")[2]
        if service == "lambda" and called:
            return f"lambda:{_LAMBDA_PERMISSIONS.get(called, called)}"
        # Upstream allows requests for which it has no action.
        return action_of(service, method, path, headers, body, query) or (
            f"{service}:{called}" if called else None
        )

    iam_actions.extract_resource_arn = extract_resource_arn
    iam_actions.extract_iam_action = extract_iam_action
