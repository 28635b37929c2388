"""Spreads the rows of days over tasks. Each task writes one file."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from etl.steps import Transform

# About 40 MB of Parquet. A day with more rows is split, so that several tasks write it.
ROWS_A_FILE = 250_000
SLOT = "_slot"


def placed(rows_by_day: Mapping[str, int]) -> Transform:
    """Adds `_slot`, the number of the row's file, and gives each slot a task of its own. Rows with
    the same day and id share a slot. `rows_by_day` has every `dt` of the frame."""
    files = {day: -(-max(rows, 1) // ROWS_A_FILE) for day, rows in rows_by_day.items()}
    first, total = {}, 0
    for day, count in sorted(files.items()):
        first[day] = total
        total += count

    def of_day(values: Mapping[str, int]) -> Column:
        pairs = [F.lit(item) for pair in values.items() for item in pair]
        return F.element_at(F.create_map(*pairs), F.col("dt"))

    def transform(frame: DataFrame) -> DataFrame:
        if total == 0:
            return frame
        part = F.pmod(F.xxhash64("id"), of_day(files))
        slot = (of_day(first) + part).cast("int")
        return frame.withColumn(SLOT, slot).repartitionById(total, F.col(SLOT))

    return transform
