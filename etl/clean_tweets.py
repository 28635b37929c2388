"""The Glue job: raw pages of some days in, one new version of each day out.

Arguments: --days D,D --version V --run_id R --raw_uri --labels_uri --quarantine_uri --cleaned_uri
--summary_uri, all s3://. Each day is read whole and written whole to dt=D/run=V/; the summary is
written last, and without it the version does not exist.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from etl.schemas import schema
from etl.storage import DirectStorage, storage_for_this_machine
from etl.transforms import (
    accepted,
    attach_label,
    clean_text,
    judge_records,
    newest_per_tweet,
    parse_raw,
    refused,
    to_tweets,
)


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The job's arguments; Glue passes some of its own, which are ignored."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("days", "version", "run_id"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("raw", "labels", "quarantine", "cleaned", "summary"):
        parser.add_argument(f"--{name}_uri", required=True)
    arguments, _ = parser.parse_known_args(argv)
    arguments.days = sorted({day for day in arguments.days.split(",") if day})
    for day in arguments.days:
        try:
            datetime.strptime(day, "%Y-%m-%d")
        except ValueError:
            parser.error(f"--days: {day!r} is not a day; expected YYYY-MM-DD,YYYY-MM-DD")
    if not arguments.days:
        parser.error("--days: names no day")
    return arguments


def spark_session() -> SparkSession:
    """A session in UTC; small and on loopback only where it runs in the embedded cloud."""
    builder = (
        SparkSession.builder.appName("clean-tweets")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        # A day stays text: a folder's name is compared with what a record says.
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    )
    if "AWS_ENDPOINT_URL" in os.environ:
        # Spark would start its workers with the first python3 of the PATH.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = (
            builder.master("local[2]")
            .config("spark.driver.memory", "1g")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "4")
        )
    return builder.getOrCreate()


def read_days(
    spark: SparkSession, storage: DirectStorage, raw_uri: str, days: list[str]
) -> DataFrame:
    """(raw, dt): every record of the days as the text it came in."""
    empty = spark.createDataFrame([], "raw string, dt string")
    frames = [
        spark.read.text(path).select(F.col("value").alias("raw"), F.lit(day).alias("dt"))
        for day in days
        if (path := storage.readable(f"{raw_uri}dt={day}/")) is not None
    ]
    for frame in frames:
        empty = empty.unionByName(frame)
    return empty.where(F.trim("raw") != "")


def read_labels(spark: SparkSession, storage: DirectStorage, labels_uri: str) -> DataFrame:
    """The rows of the data set `labels`; none where nobody has imported any."""
    path = storage.readable(labels_uri)
    if path is None:
        return spark.createDataFrame([], schema("labels"))
    return spark.read.schema(schema("labels")).option("recursiveFileLookup", "true").json(path)


def clean(
    spark: SparkSession, storage: DirectStorage, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Reads, cleans, writes; answers the summary (workflows/payloads.ts, CleaningSummary)."""
    started = time.monotonic()
    labels = read_labels(spark, storage, arguments.labels_uri)
    judged = (
        read_days(spark, storage, arguments.raw_uri, arguments.days)
        .transform(parse_raw)
        .transform(judge_records)
    )

    # Counted while the rows pass by, so that nothing is read a second time to be counted.
    seen, kept = Observation(), Observation()
    tweets = (
        judged.observe(
            seen,
            F.count(F.lit(1)).alias("read"),
            F.count_if(F.col("reason").isNotNull()).alias("quarantined"),
        )
        .transform(accepted)
        .transform(newest_per_tweet)
        .transform(clean_text)
        .transform(attach_label(labels))
        .transform(to_tweets)
        .observe(
            kept,
            F.count_if(F.col("label_source") == "human").alias("human"),
            *[F.count_if(F.col("dt") == day).alias(day) for day in arguments.days],
        )
    )
    (
        # One task, so one file, a day; a very large day is cut.
        tweets.withColumn("run", F.lit(arguments.version))
        .repartition("dt")
        .write.mode("overwrite")
        .option("maxRecordsPerFile", 1_000_000)
        .partitionBy("dt", "run")
        .parquet(storage.writable(arguments.cleaned_uri))
    )
    storage.publish(arguments.cleaned_uri)
    counts, rows = seen.get, kept.get

    if counts["quarantined"] > 0:
        now = datetime.now(UTC)
        quarantine_uri = f"{arguments.quarantine_uri}dt={now:%Y-%m-%d}/{arguments.version}/"
        (
            judged.transform(refused(arguments.run_id, now.strftime("%Y-%m-%dT%H:%M:%SZ")))
            .write.mode("overwrite")
            .json(storage.writable(quarantine_uri))
        )
        storage.publish(quarantine_uri)

    written = sum(rows[day] for day in arguments.days)
    return {
        "version": arguments.version,
        "days": [{"date": day, "rows": rows[day]} for day in arguments.days],
        "read": counts["read"],
        "written": written,
        "doubles": counts["read"] - counts["quarantined"] - written,
        "quarantined": counts["quarantined"],
        "human_labels": rows["human"],
        "lexicon_labels": written - rows["human"],
        "seconds": round(time.monotonic() - started, 3),
    }


def main(argv: list[str]) -> None:
    """Runs the job; the summary comes last."""
    arguments = parse_arguments(argv)
    storage = storage_for_this_machine()
    spark = spark_session()
    try:
        summary = clean(spark, storage, arguments)
        storage.put_json(arguments.summary_uri, summary)
        print(summary)
    finally:
        spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
