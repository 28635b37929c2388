"""The whole job against the embedded S3: what it reads, what it leaves."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lake import Lake
from pyspark.sql import SparkSession
from raw_tweets import DAY, tweet

from etl.clean_tweets import clean, parse_arguments
from etl.schemas import columns
from etl.storage import open_storage

ROOT = Path(__file__).resolve().parents[2]
OTHER_DAY = "2026-11-21"
EMPTY_DAY = "2026-11-22"
ON_OTHER_DAY = f"{OTHER_DAY}T00:00:00Z"


def job_arguments(lake: Lake, days: str, version: str) -> list[str]:
    return [
        *("--JOB_NAME", "sentiment-lake-test-clean", "--enable-metrics", "true"),
        *("--days", days, "--version", version, "--run_id", "run-9"),
        *("--raw_uri", lake.uri("raw-data/tweets/")),
        *("--labels_uri", lake.uri("raw-data/labels/")),
        *("--quarantine_uri", lake.uri("raw-data/quarantine/")),
        *("--cleaned_uri", lake.uri("cleaned-data/tweets/")),
        *("--summary_uri", lake.uri(f"cleaned-data/summaries/{version}.json")),
    ]


def run(spark: SparkSession, lake: Lake, days: str, version: str) -> dict[str, Any]:
    with open_storage(embedded=True) as storage:
        return clean(spark, storage, parse_arguments(job_arguments(lake, days, version)))


def put_two_days(lake: Lake) -> None:
    lake.put(
        f"raw-data/tweets/dt={DAY}/run-1-0001.ndjson.gz",
        tweet(),
        tweet(id="2", text="I hate this @ada #no https://t.co/x"),
        "{torn",
    )
    lake.put(
        f"raw-data/tweets/dt={DAY}/run-2-0001.ndjson.gz",
        tweet(like_count=30, fetched_at="2026-11-22T02:00:00.000Z"),
        tweet(id="3", created_at="2026-11-19T23:59:59Z"),
    )
    lake.put(
        f"raw-data/tweets/dt={OTHER_DAY}/run-2-0001.ndjson.gz",
        tweet(id="4", created_at=ON_OTHER_DAY),
    )


def test_writes_a_version_of_each_day_and_adds_up(spark: SparkSession, lake: Lake) -> None:
    put_two_days(lake)

    summary = run(spark, lake, f"{OTHER_DAY},{DAY},{EMPTY_DAY}", "run-9-0")

    assert summary.pop("seconds") > 0
    assert summary == {
        "version": "run-9-0",
        "days": [
            {"date": DAY, "rows": 2},
            {"date": OTHER_DAY, "rows": 1},
            {"date": EMPTY_DAY, "rows": 0},
        ],
        "read": 6,
        "written": 3,
        "duplicates": 1,
        "quarantined": 2,
        "human_labels": 0,
        "lexicon_labels": 3,
    }
    table = lake.table(f"cleaned-data/tweets/dt={DAY}/run=run-9-0/")
    assert table.column_names == [column["name"] for column in columns("tweets")]
    assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    rows = {row["tweet_id"]: row for row in table.to_pylist()}
    assert rows["2123695339729846273"]["like_count"] == 30
    assert rows["2"]["text"] == "I hate this @ada #no https://t.co/x"
    assert rows["2"]["tokens"] == ["i", "hate", "this"]
    assert (rows["2"]["hashtags"], rows["2"]["mentions"]) == (["no"], ["ada"])
    assert rows["2123695339729846273"]["hashtags"] == []
    assert rows["2123695339729846273"]["mentions"] == []
    # One file a day, and nothing that a reader of the folder would take for rows.
    assert [key.rsplit("/", 1)[0] for key in lake.keys("cleaned-data/")] == [
        f"cleaned-data/tweets/dt={DAY}/run=run-9-0",
        f"cleaned-data/tweets/dt={OTHER_DAY}/run=run-9-0",
    ]


def test_a_day_whose_pages_were_merged_has_the_same_rows(spark: SparkSession, lake: Lake) -> None:
    put_two_days(lake)
    pages = lake.keys(f"raw-data/tweets/dt={DAY}/")
    lines = [
        gzip.decompress(lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read())
        for key in pages
    ]

    summaries = [run(spark, lake, DAY, "run-9-0")]
    merged = b"".join(lines)
    name = f"raw-data/tweets/dt={DAY}/{'0' * 20}-{'9' * 20}-merged-{'a' * 32}.ndjson.gz"
    lake.s3.put_object(Bucket=lake.bucket, Key=name, Body=gzip.compress(merged))
    # Killed before it deleted the pages, and then as it is meant.
    summaries.append(run(spark, lake, DAY, "run-9-1"))
    for key in pages:
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    summaries.append(run(spark, lake, DAY, "run-9-2"))

    counts = [
        [summary[name] for name in ("read", "written", "duplicates", "quarantined")]
        for summary in summaries
    ]
    assert counts == [[5, 2, 1, 2], [10, 2, 4, 4], [5, 2, 1, 2]]
    tables = [
        lake.table(f"cleaned-data/tweets/dt={DAY}/run=run-9-{attempt}/").to_pylist()
        for attempt in range(3)
    ]
    assert tables[0] == tables[1] == tables[2]


def test_puts_what_does_not_fit_into_quarantine(spark: SparkSession, lake: Lake) -> None:
    put_two_days(lake)

    run(spark, lake, DAY, "run-9-0")

    (key,) = lake.keys("raw-data/quarantine/")
    assert key.endswith("/run-9-0-00000.ndjson")
    refused = {row["raw"]: row for row in lake.lines("raw-data/quarantine/")}
    assert set(refused) == {"{torn", tweet(id="3", created_at="2026-11-19T23:59:59Z")}
    row = refused["{torn"]
    assert list(row) == [column["name"] for column in columns("quarantine")]
    assert (row["run_id"], row["stage"]) == ("run-9", "clean")


def test_what_a_dead_run_of_the_version_left_does_not_count(
    spark: SparkSession, lake: Lake
) -> None:
    put_two_days(lake)
    first = run(spark, lake, f"{DAY},{OTHER_DAY}", "run-9-0")
    before = lake.table("cleaned-data/tweets/")
    # A file of a run that died among its uploads, on a day that has no rows any more.
    lake.s3.copy_object(
        Bucket=lake.bucket,
        CopySource={"Bucket": lake.bucket, "Key": lake.keys("cleaned-data/tweets/")[0]},
        Key=f"cleaned-data/tweets/dt={EMPTY_DAY}/run=run-9-0/part-00000-dead.parquet",
    )

    second = run(spark, lake, f"{DAY},{OTHER_DAY},{EMPTY_DAY}", "run-9-0")

    assert lake.table("cleaned-data/tweets/").equals(before)
    assert second["written"] == first["written"] == before.num_rows


def test_another_version_leaves_the_first_alone(spark: SparkSession, lake: Lake) -> None:
    put_two_days(lake)
    run(spark, lake, DAY, "run-9-0")
    first = lake.keys("cleaned-data/tweets/")

    run(spark, lake, DAY, "run-9-1")

    assert set(first) < set(lake.keys("cleaned-data/tweets/"))
    old = lake.table(f"cleaned-data/tweets/dt={DAY}/run=run-9-0/")
    assert old.equals(lake.table(f"cleaned-data/tweets/dt={DAY}/run=run-9-1/"))


def test_a_day_without_a_good_record_has_no_rows(spark: SparkSession, lake: Lake) -> None:
    lake.put(f"raw-data/tweets/dt={DAY}/a.ndjson.gz", "{torn", tweet(text=None))

    summary = run(spark, lake, DAY, "run-9-0")

    assert summary["days"] == [{"date": DAY, "rows": 0}]
    assert (summary["read"], summary["quarantined"], summary["duplicates"]) == (2, 2, 0)
    assert lake.keys("cleaned-data/") == []


def test_a_labelled_text_carries_its_human_label(spark: SparkSession, lake: Lake) -> None:
    put_two_days(lake)
    run(spark, lake, DAY, "run-9-0")
    keys = lake.table("cleaned-data/tweets/").to_pylist()
    text_hash = next(row["text_hash"] for row in keys if row["tweet_id"] == "2")
    label = {
        "text_hash": text_hash,
        "text": "I hate this #no",
        "label": "positive",
        "source": "people",
        "imported_at": "2026-11-01T00:00:00Z",
    }
    lake.put("raw-data/labels/people.ndjson", json.dumps(label), "{torn")

    summary = run(spark, lake, DAY, "run-9-1")

    assert (summary["human_labels"], summary["lexicon_labels"]) == (1, 1)
    rows = lake.table(f"cleaned-data/tweets/dt={DAY}/run=run-9-1/").to_pylist()
    assert [(row["tweet_id"], row["label"], row["label_source"]) for row in rows] == [
        ("2", "positive", "human"),
        ("2123695339729846273", "positive", "lexicon"),
    ]


def test_runs_as_glue_starts_it_a_script_beside_a_zip(lake: Lake, tmp_path: Path) -> None:
    put_two_days(lake)
    modules = tmp_path / "modules.zip"
    with zipfile.ZipFile(modules, "w") as archive:
        for path in (*(ROOT / "etl").rglob("*.py"), *(ROOT / "etl").rglob("*.json")):
            archive.write(path, path.relative_to(ROOT))
        archive.write(ROOT / "workflows" / "datasets.json", "etl/datasets.json")
    script = shutil.copy(ROOT / "etl" / "clean_tweets.py", tmp_path)

    ended = subprocess.run(
        [sys.executable, script, *job_arguments(lake, DAY, "run-9-0")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(modules), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    summary = lake.json("cleaned-data/summaries/run-9-0.json")
    assert (summary["read"], summary["written"], summary["quarantined"]) == (5, 2, 2)
    assert list(tmp_path.glob("clean-tweets-*")) == []


def test_refuses_a_list_of_days_that_names_none(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(job_arguments(lake, ",", "run-9-0"))

    assert "expected at least one day" in capsys.readouterr().err


def test_skips_what_is_no_day_and_says_so(lake: Lake) -> None:
    days = f"2026-11-31,{DAY},20 November,0000-01-01"

    arguments = parse_arguments(job_arguments(lake, days, "run-9-0"))

    assert arguments.days == [DAY]
    assert arguments.skipped_days == ["0000-01-01", "20 November", "2026-11-31"]


def test_goes_on_without_what_it_cannot_read_and_names_it(
    spark: SparkSession, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    put_two_days(lake)
    whole = gzip.compress(b"".join(f"{tweet(id=str(n))}\n".encode() for n in range(50)))
    raw = f"raw-data/tweets/dt={DAY}/"
    damaged = {
        f"{raw}oops.ndjson.gz": (b"not gzip", "is not gzip"),
        f"{raw}torn [1]%20.ndjson.gz": (whole[:-20], "is gzip that is cut short"),
        f"{raw}bomb.ndjson.gz": (gzip.compress(b" " * (65 << 20)), "unpacks to more than 64 MB"),
        "raw-data/labels/sheet.csv": (
            b"label,text\npositive,nice\n",
            "holds 2 lines of 2 that are no labels, the first is line 1",
        ),
        "raw-data/labels/oops.ndjson.gz": (b"\x1f\x8bno", "is damaged gzip"),
    }
    for key, (body, _) in damaged.items():
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)
    # Spark passes over an object without a byte, whatever its name.
    for marker in (
        f"{raw}none.ndjson.gz",
        raw,
        f"raw-data/tweets/dt={EMPTY_DAY}/",
        "raw-data/labels/",
    ):
        lake.s3.put_object(Bucket=lake.bucket, Key=marker, Body=b"")
    # A line that nests deep is one bad record of a good object.
    lake.put(f"{raw}deep.ndjson.gz", '{"id":' + "[" * 100_000 + "]" * 100_000 + "}")

    summary = run(spark, lake, f"{OTHER_DAY},{DAY},{EMPTY_DAY}", "run-9-0")

    assert {day["date"]: day["rows"] for day in summary["days"]} == {
        DAY: 2,
        OTHER_DAY: 1,
        EMPTY_DAY: 0,
    }
    assert (summary["read"], summary["quarantined"]) == (7, 3)
    assert summary["unreadable"] == {
        "count": len(damaged),
        "objects": [{"key": key, "problem": damaged[key][1]} for key in sorted(damaged)],
    }
    warnings = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "warn" in line]
    assert {line["key"] for line in warnings} == set(damaged)


def test_an_edit_over_midnight_leaves_its_first_version_s_day(
    spark: SparkSession, lake: Lake
) -> None:
    first, edit = "2123929201537974272", "2123930459829174272"
    before = {"created_at": f"{DAY}T23:59:17Z", "edit_history_tweet_ids": [first]}
    after = {"created_at": f"{OTHER_DAY}T00:04:17Z", "edit_history_tweet_ids": [first, edit]}
    lake.put(f"raw-data/tweets/dt={DAY}/a.ndjson.gz", tweet(id=first, **before), tweet(id="7"))
    # As the ingest files it: under its own day, and under that of what it replaces.
    for day in (DAY, OTHER_DAY):
        lake.put(f"raw-data/tweets/dt={day}/b.ndjson.gz", tweet(id=edit, **after))

    summary = run(spark, lake, f"{DAY},{OTHER_DAY}", "run-9-0")

    assert summary["days"] == [
        {"date": DAY, "rows": 1, "moved": 1},
        {"date": OTHER_DAY, "rows": 1},
    ]
    counts = [summary[name] for name in ("read", "written", "duplicates", "quarantined")]
    assert counts == [4, 2, 2, 0]
    table = lake.table("cleaned-data/tweets/")
    assert [row["tweet_id"] for row in table.to_pylist()] == [edit, "7"]
