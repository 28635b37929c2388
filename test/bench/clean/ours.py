"""The project's cleaning job on local files: the job's own function, session and output."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from etl.clean_tweets import clean, spark_session
from etl.storage import DirectStorage


class LocalStorage(DirectStorage):
    """Folders in the place of S3 prefixes."""

    def __init__(self) -> None:
        pass

    def keys(self, prefix_uri: str) -> list[str]:
        return [str(path) for path in Path(prefix_uri).rglob("*") if path.is_file()]

    def key_of(self, path: str) -> str:
        return path.removeprefix("file:")

    def remove(self, prefix_uri: str) -> None:
        shutil.rmtree(prefix_uri, ignore_errors=True)

    def put_json(self, uri: str, value: Any) -> None:
        Path(uri).write_text(json.dumps(value), encoding="utf-8")

    def put_lines(self, name_uri: str, lines: Iterable[str]) -> None:
        raise RuntimeError(
            f"the benchmark's tweets are valid, but {name_uri} gets {next(iter(lines))}"
        )


def run(spark: SparkSession, raw: Path, out: Path, days: list[str]) -> dict[str, Any]:
    """The job's summary and the seconds it took."""
    shutil.rmtree(out, ignore_errors=True)
    arguments = argparse.Namespace(
        days=days,
        skipped_days=[],
        version="bench",
        run_id="bench",
        raw_uri=f"{raw}/",
        labels_uri=f"{out}/labels/",
        quarantine_uri=f"{out}/quarantine/",
        cleaned_uri=f"{out}/cleaned/",
        summary_uri=f"{out}/summary.json",
    )
    started = time.perf_counter()
    summary = clean(spark, LocalStorage(), arguments)
    return {"rows": summary["written"], "seconds": time.perf_counter() - started}


def main() -> None:
    raw, out, warm_raw = (Path(name) for name in sys.argv[1:4])
    days = sorted(path.name.removeprefix("dt=") for path in raw.iterdir())
    spark = spark_session(embedded=True, raw_bytes=2**30)
    spark.sparkContext.setLogLevel("ERROR")
    try:
        run(spark, warm_raw, out, days)
        print(json.dumps(run(spark, raw, out, days)))
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
