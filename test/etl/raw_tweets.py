"""A good raw record, which a test copies and changes."""

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession

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


def raw_frame(spark: SparkSession, *lines: str) -> DataFrame:
    return spark.createDataFrame([(line, DAY) for line in lines], "raw string, dt string")
