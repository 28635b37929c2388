"""The job that a typical repository has: Spark infers the schema; Python functions clean a text,
split it and ask VADER, one tweet at a time."""

import json
import re
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType, StringType
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from etl.clean_tweets import spark_session

_analyzer: SentimentIntensityAnalyzer | None = None


def clean(text: str) -> str:
    text = re.sub(r"http\S+|www\.\S+", "", text.lower())
    text = re.sub(r"[@#]\w+", "", text)
    return re.sub(r"\s+", " ", re.sub(r"[^a-z\s]", " ", text)).strip()


def tokens(text: str) -> list[str]:
    return text.split()


def compound(text: str) -> float:
    global _analyzer
    if _analyzer is None:
        _analyzer = SentimentIntensityAnalyzer()
    return _analyzer.polarity_scores(text)["compound"]


def run(spark: SparkSession, raw: Path, out: Path) -> dict[str, float]:
    started = time.perf_counter()
    score = F.udf(compound, DoubleType())
    frame = (
        spark.read.json(str(raw))
        .dropDuplicates(["id"])
        .withColumn("clean_text", F.udf(clean, StringType())("text"))
        .withColumn("tokens", F.udf(tokens, ArrayType(StringType()))("clean_text"))
        .withColumn("compound", score("text"))
        .withColumn(
            "label",
            F.when(F.col("compound") >= 0.05, "positive")
            .when(F.col("compound") <= -0.05, "negative")
            .otherwise("neutral"),
        )
    )
    frame.write.mode("overwrite").partitionBy("dt").parquet(str(out))
    rows = spark.read.parquet(str(out)).count()
    return {"rows": rows, "seconds": time.perf_counter() - started}


def main() -> None:
    raw, out, warm_raw = (Path(name) for name in sys.argv[1:4])
    # The session of our job, so that both have the same memory and cores.
    spark = spark_session(embedded=True, raw_bytes=2**30)
    spark.sparkContext.setLogLevel("ERROR")
    try:
        run(spark, warm_raw, out)
        print(json.dumps(run(spark, raw, out)))
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
