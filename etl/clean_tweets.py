"""The Glue job: reads the raw pages of some days and writes a new snapshot of each day.

Arguments: --days D,D --version V --run_id R --raw_uri --labels_uri --quarantine_uri --cleaned_uri
--summary_uri, all s3://. Each day is read and written completely, to dt=D/run=V/. The summary is
written last; without it the snapshot does not count.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from etl.labels import read_labels
from etl.pages import accepted, read_pages, rejected
from etl.placement import placed
from etl.schemas import schema
from etl.storage import DirectStorage, open_storage
from etl.transforms import attach_label, to_tweets
from etl.unreadable import FILES_A_BATCH
from etl.versions import newest_per_tweet, newest_versions, replaced_elsewhere

# As in SetAside of workflows/payloads.ts: a state of the state machine has at most 256 KiB.
MOST_NAMED = 20
# Of gzipped raw pages: some 50,000 tweets.
_MANY_BYTES = 8 * 2**20


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The job's arguments; Glue passes some of its own, which are ignored."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("days", "version", "run_id"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("raw", "labels", "quarantine", "cleaned", "summary"):
        parser.add_argument(f"--{name}_uri", required=True)
    arguments, _ = parser.parse_known_args(argv)
    named = sorted({day for day in arguments.days.split(",") if day})
    if not named:
        parser.error("--days: expected at least one day, YYYY-MM-DD")
    # An invalid day would fail every run that names it again, so it is skipped and reported.
    arguments.days = [day for day in named if is_day(day)]
    arguments.skipped_days = [day for day in named if not is_day(day)]
    return arguments


def is_day(text: str) -> bool:
    """Whether a text is a day that Spark and readers can handle, written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def spark_session(embedded: bool, raw_bytes: int = 0) -> SparkSession:
    """A session in UTC: as Glue configures it, or small and on loopback in the embedded cloud."""
    builder = (
        SparkSession.builder.appName("clean-tweets")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        # The summary marks a snapshot as complete; Spark's marker would stand for all days.
        .config("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        # Inferred filters do not help here, and to infer them from the conditions of a record takes
        # the planner tens of seconds.
        .config("spark.sql.constraintPropagation.enabled", "false")
        # A day stays text, because a folder's name is compared with a record's field.
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", FILES_A_BATCH)
        # Raw pages are small, and a tweet costs more time than a byte: a task gets some ten
        # thousand of them.
        .config("spark.sql.files.maxPartitionBytes", "8m")
        .config("spark.sql.files.openCostInBytes", "64k")
        # Records are kept for one run of the job; packing them takes longer than reading them.
        .config("spark.sql.inMemoryColumnarStorage.compressed", "false")
    )
    if embedded:
        # Otherwise Spark starts its workers with the first python3 on the PATH.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        # For a few thousand tweets a compiler that hardly optimises is cheaper: 27 s of processor
        # time instead of 42. From some ten thousand on it takes twice the time.
        compiler = "-XX:TieredStopAtLevel=1" if raw_bytes < _MANY_BYTES else ""
        builder = (
            builder.master("local[2]")
            .config("spark.driver.memory", "2g")
            .config("spark.driver.extraJavaOptions", f"{compiler} -XX:+UseSerialGC")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "4")
        )
    return builder.getOrCreate()


def labels_of(
    spark: SparkSession, storage: DirectStorage, labels_uri: str
) -> tuple[DataFrame, dict[str, str]]:
    """The rows of the data set `labels`, empty if no labels were imported; and the problem of each
    object that has one, by key."""
    path = storage.readable(labels_uri)
    if path is None:
        return spark.createDataFrame([], schema("labels")), {}
    labels, problems = read_labels(spark, path)
    return labels, {storage.key_of(file): problem for file, problem in problems.items()}


def set_aside(unreadable: dict[str, str]) -> dict[str, Any]:
    """The summary's entry for objects that were left out; empty if there are none."""
    if not unreadable:
        return {}
    for key, problem in unreadable.items():
        print(json.dumps({"warning": "RawDataUnreadable", "key": key, "problem": problem}))
    objects = [{"key": key, "problem": unreadable[key]} for key in sorted(unreadable)]
    return {"unreadable": {"count": len(objects), "objects": objects[:MOST_NAMED]}}


class Count(NamedTuple):
    """Records of one day, or of all."""

    read: int
    rejected: int
    edited: int


def count_records(checked: DataFrame) -> dict[str, Count]:
    """By day: the number of all records, of rejected ones, and of those that name several versions
    of their post."""
    rows = (
        checked.where(F.col("problem").isNull())
        .groupBy("dt")
        .agg(
            F.count(F.lit(1)),
            F.count_if(F.col("reason").isNotNull()),
            F.count_if(F.col("edit_history_tweet_ids").isNotNull()),
        )
    )
    return {row[0]: Count(*row[1:]) for row in rows.collect()}


def count_written(
    spark: SparkSession, storage: DirectStorage, cleaned_uri: str, folders: list[str]
) -> dict[tuple[str, str], int]:
    """(day, label source) -> rows, read back from the snapshot's folders in the lake.

    Not counted while writing, because a retried task would count its rows twice.
    """
    paths = [path for folder in folders if (path := storage.readable(folder)) is not None]
    if not paths:
        return {}
    rows = (
        spark.read.schema(schema("tweets"))
        .option("basePath", storage.base(cleaned_uri))
        .parquet(*paths)
        .groupBy("dt", "label_source")
        .count()
    )
    return {(row["dt"], row["label_source"]): row["count"] for row in rows.collect()}


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Logs how long a part of the job took."""
    started = time.monotonic()
    yield
    print(json.dumps({"stage": name, "seconds": round(time.monotonic() - started, 3)}))


def write_tweets(
    storage: DirectStorage,
    arguments: argparse.Namespace,
    checked: DataFrame,
    counts: dict[str, Count],
    labels: DataFrame,
) -> dict[str, int]:
    """Writes the newest version of each post. By day: how many rows newer versions of other days
    replaced, if any."""
    by_file = placed({day: count.read for day, count in counts.items()})
    versions = checked.transform(accepted).transform(by_file).transform(newest_per_tweet)
    # Edits are rare, and the search for them costs time for every row.
    has_edits = any(count.edited for count in counts.values())
    posts = versions.transform(newest_versions) if has_edits else versions
    moved = versions.transform(replaced_elsewhere).collect() if has_edits else []
    tweets = posts.transform(attach_label(labels)).transform(to_tweets)
    (
        tweets.withColumn("run", F.lit(arguments.version))
        .write.mode("append")
        .partitionBy("dt", "run")
        .parquet(storage.writable(arguments.cleaned_uri))
    )
    storage.publish(arguments.cleaned_uri)
    return {row["dt"]: row["rows"] for row in moved}


def clean(
    spark: SparkSession, storage: DirectStorage, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Reads, cleans and writes the days; returns the summary (CleaningSummary in
    workflows/payloads.ts)."""
    started = time.monotonic()
    folders = [
        f"{arguments.cleaned_uri}dt={day}/run={arguments.version}/" for day in arguments.days
    ]
    # A killed run with the same version may have left rows, which would count twice.
    storage.remove(arguments.summary_uri)
    for folder in folders:
        storage.remove(folder)

    with stage("labels"):
        labels, unreadable_labels = labels_of(spark, storage, arguments.labels_uri)
    with stage("read"):
        days = [storage.readable(f"{arguments.raw_uri}dt={day}/") for day in arguments.days]
        checked = read_pages(spark, [path for path in days if path is not None]).persist()
        counts = count_records(checked)
    pages = checked.where(F.col("problem").isNotNull()).select("path", "problem").collect()
    unreadable = {storage.key_of(row["path"]): row["problem"] for row in pages}
    read = sum(count.read for count in counts.values())
    quarantined = sum(count.rejected for count in counts.values())
    if quarantined > 0:
        now = datetime.now(UTC)
        lines = checked.transform(
            rejected(arguments.run_id, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        ).select(F.to_json(F.struct("*")))
        storage.put_lines(
            f"{arguments.quarantine_uri}dt={now:%Y-%m-%d}/{arguments.version}",
            (row[0] for row in lines.toLocalIterator()),
        )

    with stage("write"):
        moved = write_tweets(storage, arguments, checked, counts, labels)
    checked.unpersist()
    with stage("count"):
        written = count_written(spark, storage, arguments.cleaned_uri, folders)
    rows = {
        day: sum(count for (dt, _), count in written.items() if dt == day) for day in arguments.days
    }
    total = sum(rows.values())
    human = sum(count for (_, source), count in written.items() if source == "human")
    return {
        "version": arguments.version,
        "days": [
            {"date": day, "rows": count, **({"moved": moved[day]} if day in moved else {})}
            for day, count in rows.items()
        ],
        **({"skipped_days": arguments.skipped_days} if arguments.skipped_days else {}),
        "read": read,
        "written": total,
        "duplicates": read - quarantined - total,
        "quarantined": quarantined,
        "human_labels": human,
        "lexicon_labels": total - human,
        "seconds": round(time.monotonic() - started, 3),
        **set_aside({**unreadable, **unreadable_labels}),
    }


def main(argv: list[str]) -> None:
    """Runs the job and writes the summary last."""
    arguments = parse_arguments(argv)
    # The embedded cloud names its endpoint in the environment; Glue does not.
    embedded = "AWS_ENDPOINT_URL" in os.environ
    with open_storage(embedded) as storage:
        # Only the embedded session goes by the size.
        days = [f"{arguments.raw_uri}dt={day}/" for day in arguments.days] if embedded else []
        spark = spark_session(embedded, sum(storage.size(day) for day in days))
        try:
            summary = clean(spark, storage, arguments)
            storage.put_json(arguments.summary_uri, summary)
            print(json.dumps(summary))
        finally:
            spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
