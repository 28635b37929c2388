"""How fast the cleaning is, stage by stage, on synthetic tweets; not a test.

PYTHONPATH=. .venv/bin/python test/etl/bench_clean.py [tweets, 200000 by default]
"""

import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from etl.clean_tweets import spark_session
from etl.reading import read_texts
from etl.records import accepted, check_records, parse_raw
from etl.schemas import schema
from etl.transforms import attach_label, to_tweets
from etl.versions import newest_per_tweet

DAYS = [f"2026-11-{day}" for day in range(18, 25)]
TWEETS_A_PAGE = 10_000
COMMON = ["the", "a", "to", "you", "and", "is", "it", "my", "of", "for", "so", "this", "not"]
ENDINGS = ["", "", ".", "!", " :)", " ❤️", " &amp; more", " https://t.co/AbC1", " #tag_1 #too"]


def text(words: list[str], dice: random.Random) -> str:
    """About 80 characters: a mention, hashtag, URL, entity or emoji in half of them."""
    count = dice.randint(5, 22)
    body = " ".join(dice.choice(words if dice.random() < 0.2 else COMMON) for _ in range(count))
    return dice.choice(["", "", "", "@ann ", "RT @bob_1: "]) + body + dice.choice(ENDINGS)


def write_raw(folder: Path, tweets: int) -> None:
    """Pages of raw tweets, every twentieth of them there twice."""
    dice = random.Random(7)
    lexicon = files("vaderSentiment") / "vader_lexicon.txt"
    lines = lexicon.read_text(encoding="utf-8").splitlines()
    words = [line.split("\t")[0] for line in lines if line[:1].isalpha()]
    for first in range(0, tweets, TWEETS_A_PAGE):
        day = DAYS[first // TWEETS_A_PAGE % len(DAYS)]
        page = folder / f"dt={day}" / f"page-{first}.ndjson.gz"
        page.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(page, "wt", encoding="utf-8", compresslevel=1) as file:
            for number in range(first, min(first + TWEETS_A_PAGE, tweets)):
                record: dict[str, Any] = {
                    "id": str(number - number % 20 if number % 20 == 1 else number),
                    "author_id": str(dice.randint(1, 5000)),
                    "author_username": "somebody",
                    "created_at": f"{day}T08:00:00.000Z",
                    "lang": "en",
                    "text": text(words, dice),
                    "retweet_count": 1,
                    "reply_count": 0,
                    "like_count": 2,
                    "quote_count": 0,
                    "query_name": "bench",
                    "run_id": "bench",
                    "fetched_at": "2026-11-25T02:00:00.000Z",
                }
                file.write(json.dumps(record) + "\n")


def timed(name: str, tweets: int, act: Callable[[], None]) -> None:
    started = time.perf_counter()
    act()
    seconds = time.perf_counter() - started
    print(f"{name:<42} {seconds:7.1f} s {tweets / seconds:9,.0f} tweets/s", flush=True)


def run_stages(spark: SparkSession, folder: Path, tweets: int) -> None:
    raw = spark.read.text(f"{folder}/raw").withColumnRenamed("value", "raw")
    checked = raw.transform(parse_raw).transform(check_records)
    newest = checked.transform(accepted).transform(newest_per_tweet)
    cleaned = newest.transform(read_texts)
    labels = spark.createDataFrame([], schema("labels"))
    whole = cleaned.transform(attach_label(labels)).transform(to_tweets)

    def drain(frame: DataFrame) -> Callable[[], None]:
        return lambda: frame.write.format("noop").mode("overwrite").save()

    def write() -> None:
        whole.repartition("dt").write.partitionBy("dt").parquet(f"{folder}/cleaned")

    # Twice: the first pays for compilers and for the start of Python workers.
    drain(whole.limit(1000))()
    timed("read, parse, judge", tweets, drain(checked))
    timed("+ newest per tweet", tweets, drain(newest))
    timed("+ clean, tokens, key", tweets, drain(cleaned))
    timed("+ lexicon, labels", tweets, drain(whole))
    timed("all, written as Parquet", tweets, write)


def main() -> None:
    tweets = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory(prefix="bench-clean-") as name:
        folder = Path(name)
        write_raw(folder / "raw", tweets)
        spark = spark_session(embedded=True)
        spark.sparkContext.setLogLevel("ERROR")
        try:
            run_stages(spark, folder, tweets)
        finally:
            spark.stop()


if __name__ == "__main__":
    main()
