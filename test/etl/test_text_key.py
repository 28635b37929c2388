import json
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from etl.text_key import normalise_for_key, text_hash

CASES = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "text-keys.json").read_text(encoding="utf-8")
)


def test_gives_the_same_keys_as_typescript(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(case["text"],) for case in CASES], "text string")

    rows = frame.select(
        normalise_for_key(F.col("text")).alias("normalised"), text_hash(F.col("text")).alias("key")
    ).collect()

    assert [(row["normalised"], row["key"]) for row in rows] == [
        (case["normalised"], case["sha256"]) for case in CASES
    ]
