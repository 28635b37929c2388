"""Reads objects whole, and says which ones have content that does not fit their name.

For one damaged gzip file, Spark fails a complete job without naming the file, or silently skips
it. So files are unpacked in Python, on the workers and in bounded memory.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from etl.text import bounded_gzip

# As in functions/lake/unpack.ts: more than a page of 500 tweets of the largest size.
MAX_UNPACKED_BYTES = 64 * 2**20
# Files of at most this size that Spark gives a worker's Python at once
# (spark.sql.execution.arrow.maxRecordsPerBatch).
FILES_A_BATCH = 8


class DamagedError(Exception):
    """Content that does not fit the file's name; the message is a sentence without a subject."""


def unpack(content: bytes | None, is_gzip: bool, most: int = MAX_UNPACKED_BYTES) -> bytes:
    """The content without its compression; None stands for one that is too long to read. Raises
    DamagedError."""
    if content is None:
        raise DamagedError(_too_large(most))
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


def literal_path(path: str) -> str:
    """A path with its glob characters escaped, because Spark reads paths as globs."""
    return "".join(f"\\{sign}" if sign in "{}[]*?\\" else sign for sign in path)


def _too_large(most: int) -> str:
    return f"is larger than {most // 2**20} MB"
