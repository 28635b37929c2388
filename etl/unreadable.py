"""Finds objects whose content does not fit their name, before Spark reads them.

For one damaged gzip file, Spark fails a complete job without naming the file, or silently skips
it. So each file is unpacked once beforehand, on the workers and in bounded memory, and damaged
files are reported by name.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from etl.text import bounded_gzip

# As in functions/lake/unpack.ts: more than a page of 500 tweets of the largest size.
MAX_UNPACKED_BYTES = 64 * 2**20
# Files of at most this size that a worker's Python has in memory at once.
_FILES_A_BATCH = 8
_BATCH_SETTING = "spark.sql.execution.arrow.maxRecordsPerBatch"

MapBatches = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]


class DamagedError(Exception):
    """Content that does not fit the file's name; the message is a sentence without a subject."""


def unpack(content: bytes, is_gzip: bool, most: int = MAX_UNPACKED_BYTES) -> bytes:
    """The content without its compression. Raises DamagedError."""
    if not is_gzip:
        if len(content) > most:
            raise DamagedError(_too_large(most))
        return content
    if not content:
        raise DamagedError("is empty")
    if not content.startswith(b"\x1f\x8b"):
        raise DamagedError("is not gzip")
    try:
        return bounded_gzip.unzip(content, most)
    except ValueError as error:
        raise DamagedError(str(error)) from error


def files_below(spark: SparkSession, paths: list[str], most: int = MAX_UNPACKED_BYTES) -> DataFrame:
    """(path, length, content), one row a file; content is null if it is longer than `most`."""

    def read(columns: str) -> DataFrame:
        files = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        return files.load([literal_path(path) for path in paths]).selectExpr(*columns.split(", "))

    # Spark fails on a file above 2 GB; only a condition on the length keeps it from reading one.
    small = read("path, length, content").where(F.col("length") <= most)
    large = read("path, length").where(F.col("length") > most)
    return small.unionByName(large, allowMissingColumns=True)


def problem_of(path: str, content: bytes | None) -> str | None:
    """The problem with a file; None if it can be read."""
    if content is None:
        return _too_large(MAX_UNPACKED_BYTES)
    try:
        unpack(content, path.endswith(".gz"))
    except DamagedError as error:
        return str(error)
    return None


def _look(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for files in batches:
        problems = [
            problem_of(path, content)
            for path, content in zip(files["path"], files["content"], strict=True)
        ]
        yield pd.DataFrame({"path": files["path"], "problem": problems})


def look_through(spark: SparkSession, paths: list[str]) -> dict[str, str | None]:
    """Every file that Spark would read below the paths, with its problem or None."""
    with few_at_once(spark):
        found = (
            files_below(spark, paths).mapInPandas(_look, "path string, problem string").collect()
        )
    return {row["path"]: row["problem"] for row in found}


@contextmanager
def few_at_once(spark: SparkSession) -> Iterator[None]:
    """While the block runs, Spark sends files to Python in small batches."""
    before = spark.conf.get(_BATCH_SETTING)
    spark.conf.set(_BATCH_SETTING, str(_FILES_A_BATCH))
    try:
        yield
    finally:
        spark.conf.set(_BATCH_SETTING, str(before))


def literal_path(path: str) -> str:
    """A path with its glob characters escaped, because Spark reads paths as globs."""
    return "".join(f"\\{sign}" if sign in "{}[]*?\\" else sign for sign in path)


def _too_large(most: int) -> str:
    return f"is larger than {most // 2**20} MB"
