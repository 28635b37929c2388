"""Upstream: a stream's mapping takes every answer for success, and tries a failed batch for ever.

On AWS a mapping with ReportBatchItemFailures goes on from the first record that the function names
as failed; with BisectBatchOnFunctionError it halves what fails until a single record is left; and
after MaximumRetryAttempts (-1: no limit), or once a record is older than MaximumRecordAgeInSeconds,
it reports where the records lie to the failure destination and goes on behind them. Upstream does
so for DynamoDB's streams alone. Pauses between tries are upstream's second, where AWS backs off.
"""

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, new_uuid
from ministack.services import kinesis, lambda_svc, sqs

EXPECTS = {
    "services.lambda_svc:_poll_kinesis": "0d590120d060",
    "services.lambda_svc:_send_ddb_stream_failure_record": "0efd5f5ffe2d",
}

Record = dict[str, Any]
Mapping = dict[str, Any]


@dataclass
class Retry:
    """How far a mapping is with records of a shard that fail."""

    # Sequence number of the first of them.
    first: str
    # How many are delivered at once.
    size: int
    attempts: int = 0


# By mapping and shard. A restart begins to count anew.
_retries: dict[tuple[str, str], Retry] = {}
# Whether the poller of Kinesis is at work on this thread: an Invoke may bring such records, too.
_polling = threading.local()


def apply() -> None:
    poll, execute = lambda_svc._poll_kinesis, lambda_svc._execute_function

    def poll_kinesis() -> bool:
        _polling.on = True
        try:
            return bool(poll())
        finally:
            _polling.on = False

    def execute_function(func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        if not getattr(_polling, "on", False):
            return execute(func, event)
        # Once: upstream calls itself again under the scope of the function's configuration.
        _polling.on = False
        try:
            return _deliver(execute, func, event)
        finally:
            _polling.on = True

    lambda_svc._poll_kinesis = poll_kinesis
    lambda_svc._execute_function = execute_function


def _deliver(execute: Any, func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Deliver what is due, and answer as upstream understands it: an error leaves the position."""
    records: list[Record] = event["Records"]
    config = func.get("config") or func
    mapping = _mapping_of(records[0]["eventSourceARN"], config.get("FunctionName", ""))
    if mapping is None:
        return execute(func, event)
    shard = records[0]["eventID"].partition(":")[0]
    key = (mapping["UUID"], shard)
    retry = _retries.get(key)
    if retry is None or retry.first != _sequence(records[0]):
        retry = Retry(_sequence(records[0]), len(records))
    batch = records[: retry.size]

    result = execute(func, {**event, "Records": batch})

    failed = _first_failure(mapping, batch, result)
    if failed is None:
        _retries.pop(key, None)
        return (
            result if len(batch) == len(records) else _go_on_at(mapping, shard, records[len(batch)])
        )
    if failed > 0:
        _retries[key] = Retry(_sequence(batch[failed]), len(batch) - failed)
        return _go_on_at(mapping, shard, batch[failed])
    retry.attempts += 1
    condition = _given_up(mapping, batch, retry)
    if condition is None or (mapping.get("BisectBatchOnFunctionError") and len(batch) > 1):
        size = (len(batch) + 1) // 2 if mapping.get("BisectBatchOnFunctionError") else len(batch)
        _retries[key] = Retry(retry.first, size, retry.attempts if size == len(batch) else 0)
        return _go_on_at(mapping, shard, batch[0])
    _retries.pop(key, None)
    _report(mapping, config, shard, batch, condition, retry.attempts)
    if len(batch) == len(records):
        return {**result, "error": False, "body": None}
    return _go_on_at(mapping, shard, records[len(batch)])


def _mapping_of(stream_arn: str, function: str) -> Mapping | None:
    """The mapping that brings a stream's records to a function: Lambda takes one of a kind only."""
    for mapping in list(lambda_svc._esms.values()):
        if mapping["EventSourceArn"] == stream_arn and mapping["FunctionName"] == function:
            return mapping
    return None


def _sequence(record: Record) -> str:
    return str(record["kinesis"]["sequenceNumber"])


def _first_failure(mapping: Mapping, batch: list[Record], result: dict[str, Any]) -> int | None:
    """Where the first failed record of a batch is; None when none failed."""
    if result.get("error"):
        return 0
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return None
    body = result.get("body")
    try:
        answer = json.loads(body) if isinstance(body, str | bytes) else body
    except ValueError:
        return 0
    failures = (answer or {}).get("batchItemFailures") or [] if isinstance(answer, dict) else []
    named = {str(failure.get("itemIdentifier")) for failure in failures}
    if not named:
        return None
    found = [at for at, record in enumerate(batch) if _sequence(record) in named]
    # A name that is none of the batch's fails all of it, as on AWS.
    return found[0] if found else 0


def _given_up(mapping: Mapping, batch: list[Record], retry: Retry) -> str | None:
    """Why a batch is not tried again; None while it is."""
    oldest = float(batch[0]["kinesis"]["approximateArrivalTimestamp"])
    age = int(mapping.get("MaximumRecordAgeInSeconds", -1))
    if age >= 0 and time.time() - oldest > age:
        return "MaxRecordAgeExceeded"
    most = int(mapping.get("MaximumRetryAttempts", -1))
    return "RetryAttemptsExhausted" if 0 <= most < retry.attempts else None


def _go_on_at(mapping: Mapping, shard: str, record: Record) -> dict[str, Any]:
    """Have the next delivery begin with a record: after an error, upstream leaves the position."""
    stream = next(
        one for one in kinesis._streams.values() if one["StreamARN"] == mapping["EventSourceArn"]
    )
    sequences = [str(one["SequenceNumber"]) for one in stream["shards"][shard]["records"]]
    lambda_svc._kinesis_positions[mapping["UUID"]][shard] = sequences.index(_sequence(record))
    return {
        "error": True,
        "body": {"errorType": "Retry", "errorMessage": f"goes on at {_sequence(record)}"},
    }


def _report(
    mapping: Mapping,
    config: dict[str, Any],
    shard: str,
    batch: list[Record],
    condition: str,
    attempts: int,
) -> None:
    """Tell the failure destination, which has to be a queue, where the records lie."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get(
        "Destination"
    )
    queue = sqs._queue_by_arn(destination) if destination else None
    if queue is None:
        return
    now = time.time()
    body = json.dumps(
        {
            "requestContext": {
                "requestId": new_uuid(),
                "functionArn": config.get("FunctionArn", ""),
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": config.get("Version", "$LATEST"),
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": _instant(now),
            "KinesisBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": _sequence(batch[0]),
                "endSequenceNumber": _sequence(batch[-1]),
                "approximateArrivalOfFirstRecord": _arrival(batch[0]),
                "approximateArrivalOfLastRecord": _arrival(batch[-1]),
                "batchSize": len(batch),
                "streamArn": mapping["EventSourceArn"],
            },
        }
    )
    queue["messages"].append(
        {
            "id": new_uuid(),
            "body": body,
            "md5_body": hashlib.md5(body.encode()).hexdigest(),
            "md5_attrs": "",
            "receipt_handle": None,
            "sent_at": now,
            "visible_at": now + sqs.queue_delay(queue),
            "receive_count": 0,
            "first_receive_at": None,
            "message_attributes": {},
            "sys": {"SenderId": get_account_id(), "SentTimestamp": str(int(now * 1000))},
            "group_id": None,
            "dedup_id": None,
            "dedup_cache_key": None,
            "seq": None,
        }
    )


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _arrival(record: Record) -> str:
    return _instant(float(record["kinesis"]["approximateArrivalTimestamp"]))
