import json
from pathlib import Path

from pyspark.sql import SparkSession

from etl.text_key import normalise_for_key, text_hash

CASES = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "text-keys.json").read_text(encoding="utf-8")
)


def test_gives_the_same_keys_as_typescript(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(case["text"],) for case in CASES], "text string")

    texts = [row["key_text"] for row in frame.transform(normalise_for_key).collect()]
    hashes = [row["text_hash"] for row in frame.transform(text_hash).collect()]

    assert texts == [case["normalised"] for case in CASES]
    assert hashes == [case["sha256"] for case in CASES]
