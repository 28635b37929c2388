"""Two hundred damaged objects in one run of the job: nothing stops it, or changes a value."""

import os
import random
from collections import Counter
from typing import Any

import pytest
from lake import Lake
from mutations import mutated, strict, text_lines
from pyspark.sql import SparkSession
from raw_tweets import DAY, GOOD, tweet
from test_clean_tweets import run

from etl.unreadable import DamagedError, unpack

OBJECTS = 200
ROWS = 4
NEEDED = ("id", "author_id", "text", "created_at", "run_id", "fetched_at")
KEPT = ("author_id", "author_username", "lang", "text", "like_count", "retweet_count")


def good(number: int) -> bytes:
    """The lines of an object whose tweets no other object has."""
    rows = (
        tweet(
            id=str(int(GOOD["id"]) + number * ROWS + row),
            text=f"I love this sunny day 🌞 {number}-{row} «naïve»",
            like_count=row,
        )
        for row in range(ROWS)
    )
    return "".join(f"{line}\n" for line in rows).encode()


# Further seeds on wish: SEEDS=2,3,4.
@pytest.mark.parametrize("seed", [int(seed) for seed in os.environ.get("SEEDS", "1").split(",")])
def test_no_mutation_stops_the_job_or_changes_a_value(
    spark: SparkSession, lake: Lake, seed: int
) -> None:
    random_ = random.Random(seed)
    prefix = f"raw-data/tweets/dt={DAY}/"
    objects: dict[str, tuple[str, bytes]] = {}
    for number in range(OBJECTS):
        name, body = mutated(random_, good(number))
        key = f"{prefix}{number:05}.ndjson.gz"
        objects[key] = (name, body)
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)

    summary = run(spark, lake, DAY, "run-9-0")

    rows = {row["tweet_id"]: row for row in lake.table("cleaned-data/tweets/").to_pylist()}
    refused = Counter(row["raw"] for row in lake.lines("raw-data/quarantine/"))
    # What the lines say, read by another reader, which takes nothing that is not right.
    said: dict[str, list[dict[str, Any]]] = {}
    untouched = {line for number in range(OBJECTS) for line in text_lines(good(number))}
    read = 0
    named = 0
    for key, (name, body) in objects.items():
        try:
            content = unpack(body, True) if body else b""
        except DamagedError:
            named += 1
            continue
        for line in text_lines(content):
            read += 1
            record = strict(line)
            if line in untouched:
                assert record is not None and record["id"] in rows, (
                    f"{name} in {key}: a good line is no row"
                )
            if record is None or any(not isinstance(record.get(name), str) for name in NEEDED):
                text = line.decode("utf-8", "replace")
                assert refused[text] > 0, f"{name} in {key}: lost without a word: {text!r}"
            else:
                said.setdefault(record["id"], []).append(record)
    for row in rows.values():
        assert any(
            all(record.get(name) == row[name] for name in KEPT) for record in said[row["tweet_id"]]
        ), f"{row} is not what a line says: {said[row['tweet_id']]}"
    assert summary.get("unreadable", {"count": 0})["count"] == named > 0
    assert summary["read"] == read
    assert summary["written"] + summary["duplicates"] + summary["quarantined"] == read
    assert sum(refused.values()) == summary["quarantined"] > 0
    assert len(rows) > OBJECTS


def test_the_mutations_are_of_every_kind() -> None:
    random_ = random.Random(1)
    kinds = Counter(mutated(random_, good(number))[0] for number in range(OBJECTS))

    assert len(kinds) == 15
