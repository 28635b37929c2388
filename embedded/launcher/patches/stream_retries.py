"""Upstream: a stream's mapping treats every response as success, and retries without limit.

On AWS a mapping with ReportBatchItemFailures continues from the first record that the function
reports as failed. With BisectBatchOnFunctionError it halves a failing batch until one record is
left. After MaximumRetryAttempts (-1: no limit), or when a record is older than
MaximumRecordAgeInSeconds, it reports the records' position to the failure destination and continues
after them. Upstream does that only for DynamoDB's streams. A bucket as destination gets the whole
event, too, below `aws/lambda/`, written as the function's role. The records are counted as with the
metric EventCount, which CloudFormation's handler upstream does not keep. Between retries upstream
waits one second; AWS backs off.
"""

import hashlib
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, new_uuid
from ministack.services import kinesis, lambda_svc, s3, sqs

from embedded.launcher import authority, metric_points

EXPECTS = {
    "services.lambda_svc:_poll_kinesis": "0d590120d060",
    "services.lambda_svc:_send_ddb_stream_failure_record": "0efd5f5ffe2d",
}

logger = logging.getLogger("lake.stream")

Record = dict[str, Any]
Mapping = dict[str, Any]


@dataclass
class Retry:
    """A mapping's progress with failing records of a shard."""

    # Sequence number of the first failing record.
    first: str
    # Number of records in one delivery.
    size: int
    attempts: int = 0


# By mapping and shard. A restart resets the counts.
_retries: dict[tuple[str, str], Retry] = {}
# Whether this thread is the Kinesis poller: an Invoke may contain such records, too.
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
        # Only once: upstream calls itself again in the scope of the function's configuration.
        _polling.on = False
        try:
            return _deliver(execute, func, event)
        finally:
            _polling.on = True

    lambda_svc._poll_kinesis = poll_kinesis
    lambda_svc._execute_function = execute_function


def _deliver(execute: Any, func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Deliver the due records. An error as result makes upstream keep the position."""
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
    """The mapping from a stream to a function; Lambda allows only one for each pair."""
    for mapping in list(lambda_svc._esms.values()):
        if mapping["EventSourceArn"] == stream_arn and mapping["FunctionName"] == function:
            return mapping
    return None


def _sequence(record: Record) -> str:
    return str(record["kinesis"]["sequenceNumber"])


def _first_failure(mapping: Mapping, batch: list[Record], result: dict[str, Any]) -> int | None:
    """Index of the first failed record of a batch; None when none failed."""
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
    # As on AWS, an identifier that is not in the batch fails the complete batch.
    return found[0] if found else 0


def _given_up(mapping: Mapping, batch: list[Record], retry: Retry) -> str | None:
    """Why a batch is not retried; None if it is retried."""
    oldest = float(batch[0]["kinesis"]["approximateArrivalTimestamp"])
    age = int(mapping.get("MaximumRecordAgeInSeconds", -1))
    if age >= 0 and time.time() - oldest > age:
        return "MaxRecordAgeExceeded"
    most = int(mapping.get("MaximumRetryAttempts", -1))
    return "RetryAttemptsExhausted" if 0 <= most < retry.attempts else None


def _go_on_at(mapping: Mapping, shard: str, record: Record) -> dict[str, Any]:
    """Make the next delivery begin with a record: after an error, upstream keeps the position."""
    stream = next(
        one for one in kinesis._streams.values() if one["StreamARN"] == mapping["EventSourceArn"]
    )
    sequences = [str(one["SequenceNumber"]) for one in stream["shards"][shard]["records"]]
    lambda_svc._kinesis_positions[mapping["UUID"]][shard] = sequences.index(_sequence(record))
    return {
        "error": True,
        "body": {"errorType": "Retry", "errorMessage": f"continues at {_sequence(record)}"},
    }


def _report(
    mapping: Mapping,
    config: dict[str, Any],
    shard: str,
    batch: list[Record],
    condition: str,
    attempts: int,
) -> None:
    """Report a batch to the failure destination: a queue or a bucket."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get(
        "Destination"
    )
    body = {
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
        "timestamp": _instant(time.time()),
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
    if destination and destination.startswith("arn:aws:s3:::"):
        whole = {**body, "payload": json.dumps({"Records": batch})}
        delivered = _put(mapping, config, shard, destination, whole)
    else:
        delivered = _send(destination, body)
    name = "OnFailureDestinationDeliveredEventCount" if delivered else "DroppedEventCount"
    metric_points.publish(
        "AWS/Lambda",
        {"EventSourceMappingUUID": mapping["UUID"]},
        **{name: (len(batch), "Count")},
    )


def _put(
    mapping: Mapping, config: dict[str, Any], shard: str, bucket_arn: str, body: dict[str, Any]
) -> bool:
    """Write a batch to a bucket, under the key that Lambda would choose. False if the function's
    role may not: AWS drops the batch then."""
    now = time.gmtime()
    day, second = time.strftime("%Y/%m/%d", now), time.strftime("%Y-%m-%dT%H.%M.%S", now)
    key = f"aws/lambda/{mapping['UUID']}/{shard}/{day}/{second}-{new_uuid()}"
    decision = authority.role_may(
        config.get("Role", ""),
        config.get("FunctionName", ""),
        "s3:PutObject",
        f"{bucket_arn}/{key}",
    )
    if not decision.allowed:
        logger.error("a batch of the stream is dropped: %s", decision.message)
        return False
    content = json.dumps(body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content))}
    status, _, answer = s3._put_object(bucket_arn.rpartition(":")[2], key, content, headers)
    if status >= 300:
        logger.error("a batch of the stream is dropped: writing %s: %r", key, answer)
    return status < 300


def _send(destination: str | None, found: dict[str, Any]) -> bool:
    """Send a batch's position to a queue. False if there is none."""
    queue = sqs._queue_by_arn(destination) if destination else None
    if queue is None:
        return False
    now, body = time.time(), json.dumps(found)
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
    return True


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _arrival(record: Record) -> str:
    return _instant(float(record["kinesis"]["approximateArrivalTimestamp"]))
