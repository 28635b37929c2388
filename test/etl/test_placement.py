"""Rows of a day meet in as few files as its size asks for, and rows of one tweet in the same."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from etl import placement


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    """100 tweets of a hot day and 10 of a quiet one, each twice."""
    pairs = [
        (day, str(number))
        for day, count in (("hot", 100), ("quiet", 10))
        for number in range(count)
    ]
    return spark.createDataFrame(pairs * 2, "dt string, id string")


def test_a_large_day_is_split_and_a_tweet_is_not(
    rows: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "ROWS_A_FILE", 50)

    placed = rows.transform(placement.placed({"hot": 200, "quiet": 20}))
    found = placed.select(
        "dt", "id", placement.SLOT, F.spark_partition_id().alias("task")
    ).collect()

    assert {row["dt"]: {row[placement.SLOT]} for row in found if row["dt"] == "quiet"} == {
        "quiet": {4}
    }
    assert {row[placement.SLOT] for row in found if row["dt"] == "hot"} == {0, 1, 2, 3}
    assert all(row["task"] == row[placement.SLOT] for row in found)
    slots = {(row["dt"], row["id"], row[placement.SLOT]) for row in found}
    assert len(slots) == 110


def test_no_rows_need_no_place(rows: DataFrame) -> None:
    nothing = rows.where("false")

    assert nothing.transform(placement.placed({})).collect() == []
