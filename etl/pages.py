"""Reads raw pages: each is unpacked, its records are checked, and their texts are read, in one pass
of Python on the workers.

Spark's own reader fails a complete job for one damaged gzip file, or silently skips it. Its
expressions for the checks take as long as Python's, and moving texts to Python and back costs more.
"""

import gc
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from etl.reading import read
from etl.records import NAMES, InvalidRecordError, checked
from etl.schemas import schema
from etl.steps import Transform
from etl.unreadable import DamagedError, files_below, unpack

# Rows that a worker has in memory as Python objects.
_ROWS_A_BATCH = 10_000
_DAY = re.compile(r"/dt=([^/]+)/")
_TEXT = NAMES.index("text")

_READ = StructType(
    [
        *schema("raw_tweets").fields,
        *(StructField(name, TimestampType()) for name in ("_created", "_fetched")),
        # As in Reading.
        StructField("clean_text", StringType()),
        *(StructField(name, ArrayType(StringType())) for name in ("hashtags", "mentions")),
        StructField("text_hash", StringType()),
        StructField("lexicon_compound", DoubleType()),
    ]
)
# Either a record, with `reason` and `raw` if it is invalid, or a page (its path) with a problem.
_ABOUT = [StructField(name, StringType()) for name in ("path", "problem", "dt", "reason", "raw")]
ROWS = StructType([*_ABOUT, *_READ.fields])
_ARROW = to_arrow_schema(ROWS)


def _batch(columns: dict[str, list[Any]], rows: int) -> pa.RecordBatch:
    """A batch of `ROWS`; columns that are left out are null."""
    return pa.RecordBatch.from_arrays(
        [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.nulls(rows, field.type)
            for field in _ARROW
        ],
        schema=_ARROW,
    )


def rows_of(lines: Iterable[bytes], day: str) -> Iterator[pa.RecordBatch]:
    """The valid records of a day's lines with what their texts say, then the invalid ones."""
    records: list[tuple[Any, ...]] = []
    faults: dict[str, list[str]] = {"reason": [], "raw": []}
    for line in lines:
        try:
            records.append(checked(line, day))
        except InvalidRecordError as error:
            faults["reason"].append(str(error))
            faults["raw"].append(line.decode("utf-8", "replace"))
    if records:
        readings = read([record[_TEXT] for record in records])
        columns = [*zip(*records, strict=True), *zip(*readings, strict=True)]
        valid = dict(zip(_READ.names, columns, strict=True))
        yield _batch({"dt": [day] * len(records), **valid}, len(records))
    if faults["raw"]:
        yield _batch({"dt": [day] * len(faults["raw"]), **faults}, len(faults["raw"]))


def _rows_of_page(path: str, content: bytes | None) -> Iterator[pa.RecordBatch]:
    try:
        text = unpack(content, path.endswith(".gz"))
    except DamagedError as problem:
        yield _batch({"path": [path], "problem": [str(problem)]}, 1)
        return
    found = _DAY.search(path)
    day = found[1] if found else ""
    # Only these end a line; text may have others, such as U+2028.
    records = [line for line in text.splitlines() if line.strip(b" \t")]
    for start in range(0, len(records), _ROWS_A_BATCH):
        yield from rows_of(records[start : start + _ROWS_A_BATCH], day)


def _read_pages(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    # The collector would look at all values again and again, and they form no cycles: a tenth of
    # the time.
    gc.disable()
    try:
        for files in batches:
            for path, content in zip(files["path"], files["content"], strict=True):
                yield from _rows_of_page(path.as_py(), content.as_py())
    finally:
        gc.enable()


def read_pages(spark: SparkSession, paths: list[str]) -> DataFrame:
    """Every record and every unreadable page below the paths of days, as `ROWS`."""
    if not paths:
        return spark.createDataFrame([], ROWS)
    return files_below(spark, paths).mapInArrow(_read_pages, ROWS)


def accepted(frame: DataFrame) -> DataFrame:
    """The valid records."""
    valid = F.col("problem").isNull() & F.col("reason").isNull()
    return frame.where(valid).drop(*(field.name for field in _ABOUT if field.name != "dt"))


def rejected(run_id: str, rejected_at: str) -> Transform:
    """The invalid records, as rows of the quarantine."""

    def transform(frame: DataFrame) -> DataFrame:
        return frame.where(F.col("reason").isNotNull()).select(
            F.lit(run_id).alias("run_id"),
            F.lit("clean").alias("stage"),
            "reason",
            "raw",
            F.lit(rejected_at).alias("refused_at"),
        )

    return transform
