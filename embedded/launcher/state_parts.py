"""Divides the state of services that hold much, so that a snapshot writes what has changed.

Kinesis: the records of a shard, 500 a part. Athena: queries, 50 a part; as on AWS, a query is
deleted after 45 days. Glue: the partitions of a table, by the first seven characters of their first
value (the month of a day). Log events older than their group's retention are deleted.
"""

import copy
import hashlib
import json
import time
from bisect import bisect_left
from collections.abc import Callable, Collection
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import athena, cloudwatch_logs, glue, kinesis

from embedded.launcher.growing import GrowingLists, Key, Sources

# "Athena keeps a query history for 45 days" (Athena User Guide, page "View recent queries").
QUERIES_KEPT_SECONDS = 45 * 24 * 3600

_PARTITIONS = "glue-partitions-"
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")

GetState = Callable[[], Any]


class StateParts:
    """Replaces the sources of these services by their parts, and puts them together again."""

    def __init__(self) -> None:
        self._records = GrowingLists("kinesis-records", 500)
        self._queries = GrowingLists("athena-queries", 50)
        self._partitions: set[str] | None = None

    def divide(self, sources: dict[str, GetState], written: Collection[str]) -> None:
        """Replace the sources of Kinesis, Athena and Glue, if they are among the sources."""
        if "kinesis" in sources:
            sources["kinesis"] = _kinesis_without_records
            sources.update(self._records.due(_records(), written))
        if "athena" in sources:
            drop_old_queries()
            sources["athena"] = _athena_without_queries
            sources.update(self._queries.due(_queries(), written, _has_ended))
        if "glue" in sources:
            sources["glue"] = _glue_without_partitions
            parts = _partitions()
            self._partitions = set(parts)
            sources.update(parts)
        if "cloudwatch_logs" in sources:
            drop_old_events()

    def gone(self, written: Collection[str]) -> set[str]:
        """Names on disk that belong to nothing any more, as of the last `divide`."""
        found = self._records.gone(written) | self._queries.gone(written)
        if self._partitions is not None:
            found |= {n for n in written if n.startswith(_PARTITIONS) and n not in self._partitions}
        return found

    def put_together(self, payloads: dict[str, Any]) -> None:
        """Remove the parts from a snapshot's payloads and complete those of their services."""
        for key, records in self._records.restore(payloads).items():
            account, region, stream, shard = key
            held = payloads["kinesis"]["streams"]._data[account, region, stream]
            held["shards"][shard]["records"] = records
        for key, queries in self._queries.restore(payloads).items():
            for query in queries:
                stored = payloads["athena"]["_executions"]._data
                stored[(*key, query["QueryExecutionId"])] = query
        for name in [name for name in payloads if name.startswith(_PARTITIONS)]:
            part = payloads.pop(name)
            stored = payloads["glue"]["partitions"]._data
            stored.setdefault(tuple(part["key"]), []).extend(part["partitions"])


def _kinesis_without_records() -> dict[str, Any]:
    streams = AccountRegionScopedDict()
    for key, stream in list(kinesis._streams._data.items()):
        shards = {name: {**shard, "records": []} for name, shard in stream["shards"].items()}
        streams._data[key] = {**stream, "shards": shards}
    return {
        "streams": streams,
        "shard_iterators": copy.deepcopy(kinesis._shard_iterators),
        "consumers": copy.deepcopy(kinesis._consumers),
        "resource_policies": copy.deepcopy(kinesis._resource_policies),
    }


def _records() -> dict[Key, list[Any]]:
    found = {}
    for key, stream in list(kinesis._streams._data.items()):
        for name, shard in stream["shards"].items():
            found[(*key, name)] = shard["records"]
    return found


def _athena_without_queries() -> dict[str, Any]:
    stores = {
        "_workgroups": athena._workgroups,
        "_named_queries": athena._named_queries,
        "_data_catalogs": athena._data_catalogs,
        "_prepared_statements": athena._prepared_statements,
        "_tags": athena._tags,
    }
    copied = {name: copy.deepcopy(store) for name, store in stores.items()}
    return {"_executions": AccountRegionScopedDict(), **copied}


def _queries() -> dict[Key, list[Any]]:
    found: dict[Key, list[Any]] = {}
    for (account, region, _), query in list(athena._executions._data.items()):
        found.setdefault((account, region), []).append(query)
    return found


def _has_ended(query: dict[str, Any]) -> bool:
    return query["Status"]["State"] in _ENDED


def drop_old_queries(now: float | None = None) -> None:
    """Delete the queries that were submitted more than 45 days ago. Their results stay."""
    before = (time.time() if now is None else now) - QUERIES_KEPT_SECONDS
    for key, query in list(athena._executions._data.items()):
        if _has_ended(query) and query["Status"]["SubmissionDateTime"] < before:
            athena._executions._data.pop(key, None)


def drop_old_events(now: float | None = None) -> None:
    """Delete the log events that are older than their group's retention."""
    for group in list(cloudwatch_logs._log_groups._data.values()):
        if not group.get("retentionInDays"):
            continue
        kept = group["retentionInDays"] * 24 * 3600
        before = ((time.time() if now is None else now) - kept) * 1000
        for stream in list(group["streams"].values()):
            # In place, because another thread may add events. They are in the order of their times.
            events = stream["events"]
            del events[: bisect_left(events, before, key=lambda event: event["timestamp"])]


def _glue_without_partitions() -> dict[str, Any]:
    stores = {name: store for name, store in glue._ALL_STATE.items() if name != "partitions"}
    return {**copy.deepcopy(stores), "partitions": AccountRegionScopedDict()}


def _partitions() -> Sources:
    groups: dict[str, dict[str, Any]] = {}
    for key, partitions in list(glue._partitions._data.items()):
        for partition in partitions:
            group = [*key, (partition.get("Values") or [""])[0][:7]]
            digest = hashlib.sha256(json.dumps(group).encode()).hexdigest()[:16]
            part = groups.setdefault(_PARTITIONS + digest, {"key": list(key), "partitions": []})
            part["partitions"].append(partition)
    return {name: (lambda part=part: part) for name, part in groups.items()}
