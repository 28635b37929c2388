"""A good raw record, which a test copies and changes."""

import json
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from etl.pages import ROWS, rows_of

DAY = "2026-11-20"

GOOD: dict[str, Any] = {
    "id": "2123695339729846273",
    "author_id": "42",
    "author_username": "ada",
    "created_at": f"{DAY}T08:30:00.000Z",
    "lang": "en",
    "text": "I love this sunny day",
    "retweet_count": 1,
    "reply_count": 0,
    "like_count": 3,
    "quote_count": 0,
    "query_name": "default",
    "run_id": "run-1",
    "fetched_at": "2026-11-21T02:00:00.000Z",
}


def tweet(**changes: Any) -> str:
    """One line of NDJSON: the good record with some fields changed; None leaves a field out."""
    record = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return json.dumps(record, ensure_ascii=False)


def checked_frame(spark: SparkSession, lines: list[tuple[str, str]]) -> DataFrame:
    """What the job reads of (line, day)."""
    batches = [batch for line, day in lines for batch in rows_of([line.encode()], day)]
    return spark.createDataFrame(pa.Table.from_batches(batches), ROWS)


def raw_frame(spark: SparkSession, *lines: str) -> DataFrame:
    """What the job reads of lines of one day."""
    return checked_frame(spark, [(line, DAY) for line in lines])
