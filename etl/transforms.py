"""Adds labels to rows, and selects the columns of the data set `tweets`."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from etl.schemas import columns
from etl.steps import Transform
from etl.text import vader
from etl.text.key import EMPTY
from etl.text.label_rules import LABELS


def decided_labels(labels: DataFrame) -> DataFrame:
    """(text_hash, human_label), one row for each text with a human label.

    docs/labels.md says which of several labels counts; test/fixtures/labels-that-count.json tests
    Spark, the training job, the gate and the command line. LABELS is in alphabetical order.
    """
    of_text = Window.partitionBy("text_hash")
    votes = (
        labels.where(F.col("label").isin(*LABELS) & (F.col("text_hash") != EMPTY))
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


def _lexicon_label(score: Column) -> Column:
    """negative, neutral or positive, from a compound score."""
    return (
        F.when(score >= vader.POSITIVE_FROM, "positive")
        .when(score <= vader.NEGATIVE_FROM, "negative")
        .otherwise("neutral")
    )


def attach_label(labels: DataFrame) -> Transform:
    """Adds lexicon_label, and label: the human label if there is one, else the lexicon's."""

    def transform(frame: DataFrame) -> DataFrame:
        human = F.col("human_label").isNotNull()
        return (
            frame.withColumn("lexicon_label", _lexicon_label(F.col("lexicon_compound")))
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
            "tokens": F.array_remove(F.split("clean_text", " "), "").cast("array<string>"),
            "created_at": F.col("_created"),
            "ingest_run_id": F.col("run_id"),
        }
    )
    return renamed.select(*[column["name"] for column in columns("tweets")], "dt")
