import json
from pathlib import Path

from pyspark.sql import SparkSession

from etl.reading import read_texts
from etl.text.key import normalise_for_key

CASES = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "text-keys.json").read_text(encoding="utf-8")
)


def test_gives_the_same_keys_as_typescript() -> None:
    assert [normalise_for_key(case["text"]) for case in CASES] == [
        case["normalised"] for case in CASES
    ]


def test_spark_gives_the_same_keys(spark: SparkSession) -> None:
    # Spark's own text is UTF-8: a lone surrogate comes as U+FFFD from the ingest.
    texts = [case["text"].replace("\ud83d", "\ufffd") for case in CASES]
    frame = spark.createDataFrame([(text,) for text in texts], "text string")

    hashes = [row["text_hash"] for row in frame.transform(read_texts).collect()]

    assert hashes == [case["sha256"] for case in CASES]
