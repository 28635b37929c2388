"""Upstream: no UpdatePartition and BatchDeletePartition; GetPartitions ignores Expression.

GetPartitions also ignores MaxResults and returns all partitions at once.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import sqlglot
from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import glue

from embedded.launcher.athena import pruning

EXPECTS = {
    "services.glue:handle_request": "f5e25a17996a",
    "services.glue:_create_partition": "568016195403",
    "services.glue:_get_partitions": "fbb9b4ed7464",
}

Response = tuple[int, dict[str, str], bytes]
Partition = dict[str, Any]


def _update_partition(data: Mapping[str, Any]) -> Response:
    partitions = glue._partitions.get(_key(data), [])
    old, new = data.get("PartitionValueList", []), data["PartitionInput"]
    for index, partition in enumerate(partitions):
        if partition.get("Values") == old:
            # The input replaces the partition, except its creation time.
            partitions[index] = {
                **new,
                "Values": new.get("Values") or old,
                "DatabaseName": data["DatabaseName"],
                "TableName": data["TableName"],
                "CreationTime": partition.get("CreationTime", int(time.time())),
                "CatalogId": get_account_id(),
            }
            return json_response({})
    return error_response_json(
        "EntityNotFoundException", f"Partition with values {old} not found", 400
    )


def _batch_delete_partition(data: Mapping[str, Any]) -> Response:
    errors = []
    for asked in data.get("PartitionsToDelete", []):
        kept = [p for p in glue._partitions.get(_key(data), []) if p["Values"] != asked["Values"]]
        if len(kept) == len(glue._partitions.get(_key(data), [])):
            errors.append(
                {
                    "PartitionValues": asked["Values"],
                    "ErrorDetail": {
                        "ErrorCode": "EntityNotFoundException",
                        "ErrorMessage": "Partition not found",
                    },
                }
            )
        else:
            glue._partitions[_key(data)] = kept
    return json_response({"Errors": errors})


def _get_partitions(data: Mapping[str, Any]) -> Response:
    table = glue._tables.get(_key(data))
    if table is None:
        return error_response_json(
            "EntityNotFoundException", f"Table {_key(data).replace('/', '.')} not found", 400
        )
    partitions = sorted(glue._partitions.get(_key(data), []), key=lambda p: p.get("Values", []))
    if data.get("Expression"):
        try:
            partitions = matching(table, partitions, data["Expression"])
        except (duckdb.Error, sqlglot.errors.SqlglotError) as wrong:
            return error_response_json(
                "InvalidInputException", f"Expression {data['Expression']!r}: {wrong}", 400
            )
    start = int(data.get("NextToken") or 0)
    end = start + int(data.get("MaxResults") or 1000)
    rest = {"NextToken": str(end)} if end < len(partitions) else {}
    return json_response({"Partitions": partitions[start:end], **rest})


def matching(
    table: Mapping[str, Any], partitions: list[Partition], expression: str
) -> list[Partition]:
    """The partitions whose key values match a WHERE-like expression, in their order."""
    if not partitions:
        return []
    condition = sqlglot.parse_one(expression, read="hive").sql(dialect="duckdb")
    values = [partition["Values"] for partition in partitions]
    found = pruning.matching(table.get("PartitionKeys") or [], values, condition)
    return [partitions[position] for position in found]


def _key(data: Mapping[str, Any]) -> str:
    return f"{data.get('DatabaseName')}/{data.get('TableName')}"


_ADDED: dict[str, Callable[[Mapping[str, Any]], Response]] = {
    "UpdatePartition": _update_partition,
    "BatchDeletePartition": _batch_delete_partition,
}


def apply() -> None:
    handle = glue.handle_request

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        added = _ADDED.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
        if added is not None:
            return added(json.loads(body or b"{}"))
        return await handle(method, path, headers, body, query)

    glue.handle_request = handle_request
    glue._get_partitions = _get_partitions
