"""Pure DataFrame -> DataFrame steps of the cleaning job, in running order.

All but what is read from a tweet's text are Spark's built-in functions. The text is read in Python
(etl/text), where the training job and the ingest have the same rules.
"""

from collections.abc import Callable, Iterator

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from etl.lexicon import compound, lexicon_label
from etl.schemas import columns, required, schema
from etl.text import words
from etl.text_key import text_hash

Transform = Callable[[DataFrame], DataFrame]

LABELS = ("negative", "neutral", "positive")


def parse_raw(frame: DataFrame) -> DataFrame:
    """(raw, dt) -> (raw, dt, tweet: struct of raw_tweets' columns, all of them text).

    `tweet` is null where the line is not one JSON object. As text, so that a value of another type
    is refused by its name, and not the record as a whole.
    """
    as_text = StructType([StructField(name, StringType()) for name in _raw_names()])
    # In brackets: on its own, from_json reads the first object of a line and forgets the rest.
    lines = F.from_json(F.concat(F.lit("["), "raw", F.lit("]")), ArrayType(as_text))
    one = F.when(F.size("lines") == 1, F.get("lines", F.lit(0)))
    # Exploded from an array of one: a filter copies what it asks for through a projection, so that
    # each line would be parsed once for each field, but not through this.
    return frame.withColumn("lines", lines).select(
        "raw", "dt", F.explode(F.array(one)).alias("tweet")
    )


def _raw_names() -> list[str]:
    return [column["name"] for column in columns("raw_tweets")]


def _whole_numbers() -> list[str]:
    return [column["name"] for column in columns("raw_tweets") if column["type"] == "bigint"]


def _instant(text: Column) -> Column:
    """The UTC instant of an ISO 8601 text with an offset, or null."""
    has_offset = text.rlike(r"^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$")
    return F.when(has_offset, F.try_to_timestamp(text))


def _refusal() -> Column:
    """Why a record is refused: the first field that is wrong, and how; null where nothing is."""
    reason = F.when(F.col("tweet").isNull(), F.lit("record: not one JSON object"))
    for name in required("raw_tweets"):
        value = F.col(f"tweet.{name}")
        # A tweet that was nothing but a URL has an empty text, and is a tweet all the same.
        blank = F.lit(False) if name == "text" else F.btrim(value, F.lit(" \t\r\n")) == ""
        reason = reason.when(value.isNull() | blank, F.lit(f"{name}: missing"))
    for name in _whole_numbers():
        value = F.col(f"tweet.{name}")
        wrong = value.isNotNull() & value.try_cast("bigint").isNull()
        reason = reason.when(wrong, F.lit(f"{name}: not a whole number"))
    created_at = _instant(F.col("tweet.created_at"))
    return (
        reason.when(~F.col("tweet.id").rlike(r"^\d+$"), F.lit("id: not a decimal number"))
        .when(created_at.isNull(), F.lit("created_at: not an ISO 8601 instant"))
        .when(
            F.date_format(created_at, "yyyy-MM-dd") != F.col("dt"),
            F.lit("created_at: its UTC day is not the folder's"),
        )
        .when(
            _instant(F.col("tweet.fetched_at")).isNull(),
            F.lit("fetched_at: not an ISO 8601 instant"),
        )
    )


def judge_records(frame: DataFrame) -> DataFrame:
    """Adds `reason`: null for a record that fits its schema."""
    return frame.withColumn("reason", _refusal())


def accepted(frame: DataFrame) -> DataFrame:
    """The records that fit, as columns: those of raw_tweets with their declared types, and dt."""
    return frame.where(F.col("reason").isNull()).select(
        *[
            F.col(f"tweet.{field.name}").cast(field.dataType).alias(field.name)
            for field in schema("raw_tweets").fields
        ],
        "dt",
    )


def refused(run_id: str, refused_at: str) -> Transform:
    """The records that do not fit, as rows of the quarantine."""

    def transform(frame: DataFrame) -> DataFrame:
        return frame.where(F.col("reason").isNotNull()).select(
            F.lit(run_id).alias("run_id"),
            F.lit("clean").alias("stage"),
            "reason",
            "raw",
            F.lit(refused_at).alias("refused_at"),
        )

    return transform


def newest_per_tweet(frame: DataFrame) -> DataFrame:
    """One row per tweet id: the one fetched last, ties broken by the row's content."""
    # xxhash64 over the row makes a tie come out the same on every run.
    newest_first = Window.partitionBy("dt", "id").orderBy(
        F.try_to_timestamp(F.col("fetched_at")).desc(), F.xxhash64(*sorted(frame.columns)).desc()
    )
    return (
        frame.withColumn("_rank", F.row_number().over(newest_first))
        .where(F.col("_rank") == 1)
        .drop("_rank")
    )


def _cleaned(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for texts in batches:
        yield texts.map(words.clean_text)


def clean_text(frame: DataFrame) -> DataFrame:
    """Adds clean_text, tokens and text_hash; `text` stays as it was ingested."""
    cleaned = F.pandas_udf(_cleaned, StringType())(F.col("text"))
    return (
        frame.withColumn("clean_text", cleaned)
        .transform(text_hash)
        .withColumn(
            "tokens",
            F.array_remove(F.split("clean_text", " "), "").cast("array<string>"),
        )
    )


def decided_labels(labels: DataFrame) -> DataFrame:
    """(text_hash, human_label), one row per text: the newest label; among several of one moment the
    commonest; among those the first in LABELS, which are in
    alphabetical order. As ml/training/lstm/data.py and
    functions/model/held-out.ts: test/fixtures/held-out.json holds all three to it."""
    of_text = Window.partitionBy("text_hash")
    votes = (
        labels.where(F.col("label").isin(*LABELS) & F.col("text_hash").isNotNull())
        .withColumn("newest", F.max("imported_at").over(of_text))
        .where(F.col("imported_at") == F.col("newest"))
        .groupBy("text_hash", "label")
        .agg(F.count("*").alias("votes"))
    )
    first = of_text.orderBy(F.col("votes").desc(), F.col("label"))
    return (
        votes.withColumn("_rank", F.row_number().over(first))
        .where(F.col("_rank") == 1)
        .select("text_hash", F.col("label").alias("human_label"))
    )


def attach_label(labels: DataFrame) -> Transform:
    """Adds the lexicon's verdict, and the label: a person's if there is one, else the lexicon's."""

    def transform(frame: DataFrame) -> DataFrame:
        human = F.col("human_label").isNotNull()
        return (
            frame.withColumn("lexicon_compound", compound(F.col("text")))
            .withColumn("lexicon_label", lexicon_label(F.col("lexicon_compound")))
            .join(F.broadcast(decided_labels(labels)), "text_hash", "left")
            .withColumn("label", F.coalesce("human_label", "lexicon_label"))
            .withColumn("label_source", F.when(human, "human").otherwise("lexicon"))
            .withColumn("label_confidence", F.when(human, 1.0).otherwise(F.abs("lexicon_compound")))
        )

    return transform


def to_tweets(frame: DataFrame) -> DataFrame:
    """The columns of the data set `tweets`, in its order, and dt."""
    renamed = frame.withColumns(
        {
            "tweet_id": F.col("id"),
            "created_at": F.try_to_timestamp(F.col("created_at")),
            "ingest_run_id": F.col("run_id"),
        }
    )
    return renamed.select(*[column["name"] for column in columns("tweets")], "dt")
