"""Fills a stopped lake as a year of nights does, without running them.

    fill.py HOME BUCKET DATABASE OBJECTS DAYS NIGHTS

writes OBJECTS Parquet objects of 20 tweets into the DAYS partitions of the table `tweets`, and
NIGHTS ended executions with the history of a nightly run (500 events of 4.5 KB) into the state.
Prints the first and last day and the objects' megabytes as JSON.
"""

import hashlib
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from embedded.launcher.environment import ACCOUNT_ID, REGION
from embedded.launcher.executions import part_name
from embedded.launcher.snapshots import Snapshots

TWEETS = """
    select i::varchar as tweet_id, (i % 7)::varchar as author_id,
        'the text of a tweet ' || i as text, 'en' as lang, 'lexicon' as label_source,
        'neutral' as label, i as like_count
    from range(20) t(i)
"""
EVENTS, EVENT_BYTES = 500, 4_500


def main() -> None:
    home, bucket, database = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    objects, days, nights = map(int, sys.argv[4:])
    first = date(2025, 1, 1)
    dates = [str(first + timedelta(days=number)) for number in range(days)]
    body = one_object(home)
    write_objects(home / "s3" / ACCOUNT_ID / bucket, dates, objects, body)
    snapshots = Snapshots(home / "cloud-state", decode=lambda found: found, encode=str)
    payloads = snapshots.load()
    added = {
        part_name(tuple(execution["key"])): execution for execution in executions(payloads, nights)
    }
    added["glue-partitions-bench"] = partitions(payloads, bucket, database, dates)
    snapshots.save({name: (lambda value=value: value) for name, value in added.items()})
    print(
        json.dumps({"first": dates[0], "last": dates[-1], "megabytes": objects * len(body) / 1e6})
    )


def one_object(home: Path) -> bytes:
    path = home / "one.parquet"
    duckdb.sql(f"copy ({TWEETS}) to '{path}' (format parquet, compression zstd)")
    body = path.read_bytes()
    path.unlink()
    return body


def write_objects(folder: Path, dates: list[str], objects: int, body: bytes) -> None:
    etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    for number in range(objects):
        key = f"cleaned-data/tweets/dt={dates[number % len(dates)]}/run=bench/{number:07d}.parquet"
        path = folder / key
        if number < len(dates):
            path.parent.mkdir(parents=True)
        path.write_bytes(body)
        meta = {"etag": etag, "last_modified": "2026-01-01T00:00:00.000Z", "size": len(body)}
        path.with_name(path.name + ".meta.json").write_text(json.dumps({**meta, "key": key}))


def partitions(
    payloads: dict[str, Any], bucket: str, database: str, dates: list[str]
) -> dict[str, Any]:
    tables = payloads["glue"]["tables"]["data"]
    table = next(one for name, one in tables.items() if name.endswith(f"'{database}/tweets'"))
    storage = table["StorageDescriptor"]
    return {
        "key": [ACCOUNT_ID, REGION, f"{database}/tweets"],
        "partitions": [
            {
                "Values": [day],
                "DatabaseName": database,
                "TableName": "tweets",
                "StorageDescriptor": {
                    **storage,
                    "Location": f"s3://{bucket}/cleaned-data/tweets/dt={day}/run=bench/",
                },
            }
            for day in dates
        ],
    }


def executions(payloads: dict[str, Any], nights: int) -> list[dict[str, Any]]:
    machines = payloads["stepfunctions"]["state_machines"]["data"]
    machine = next(iter(machines.values()))["stateMachineArn"]
    found = []
    for night in range(nights):
        at = (datetime.now(UTC) - timedelta(days=night, hours=1)).isoformat()
        arn = machine.replace(":stateMachine:", ":execution:") + f":nightly-{night}"
        events = [
            {
                "id": number + 1,
                "previousEventId": number,
                "type": "TaskStateExited",
                "timestamp": at,
                "stateExitedEventDetails": {"name": "Clean tweets", "output": "x" * EVENT_BYTES},
            }
            for number in range(EVENTS)
        ]
        execution = {
            "executionArn": arn,
            "stateMachineArn": machine,
            "name": f"nightly-{night}",
            "status": "SUCCEEDED",
            "startDate": at,
            "stopDate": at,
            "input": "{}",
            "output": "{}",
        }
        key = [ACCOUNT_ID, REGION, arn]
        found.append({"key": key, "parts": 0, "execution": execution, "events": events})
    return found


if __name__ == "__main__":
    main()
