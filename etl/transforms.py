"""Pure DataFrame -> DataFrame steps of the cleaning job, in running order.

All but the lexicon's score are Spark's built-in functions: what cleaning costs is its regular
expressions, so there are two of them, and `translate` where one character is enough.
"""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from etl.lexicon import compound, lexicon_label
from etl.schemas import columns, required, schema
from etl.text_key import text_hash

Transform = Callable[[DataFrame], DataFrame]

LABELS = ("negative", "neutral", "positive")

# URLs; addresses with a path but no scheme; mentions and hashtags with the signs X accepts, wide
# ones included. Whole, not the sign alone: a handle or a tag is not a word of the sentence.
_NOT_WORDS = (
    r"https?:\S*|www\.\S+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/\S*"
    r"|[@\uff20][\p{L}\p{N}\p{M}_]+|[#\uff03][\p{L}\p{N}\p{M}_]+"
)
# Letters, digits and combining marks of any script stay; all else is a special character.
_SPECIAL = r"[^\p{L}\p{N}\p{M}]+"
_RETWEET_MARK = r"^rt\s+@\w+:"
# X escapes these; the ampersand last, or "&amp;lt;" would be unescaped twice.
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))


def parse_raw(frame: DataFrame) -> DataFrame:
    """(raw, dt) -> (raw, dt, tweet: struct of raw_tweets, broken: string)."""
    declared = StructType([*schema("raw_tweets").fields, StructField("_broken", StringType())])
    parsed = F.from_json(F.col("raw"), declared, {"columnNameOfCorruptRecord": "_broken"})
    return frame.withColumn("tweet", parsed).withColumn("broken", F.col("tweet._broken"))


def _instant(text: Column) -> Column:
    """The UTC instant of an ISO 8601 text with an offset, or null."""
    has_offset = text.rlike(r"^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$")
    return F.when(has_offset, F.try_to_timestamp(text))


def _refusal() -> Column:
    """Why a record is refused: the first field that is wrong, and how; null where nothing is."""
    reason = F.when(
        F.col("tweet").isNull() | F.col("broken").isNotNull(),
        F.lit("record: not a JSON object with the declared types"),
    )
    for name in required("raw_tweets"):
        value = F.col(f"tweet.{name}")
        reason = reason.when(value.isNull() | (F.trim(value) == ""), F.lit(f"{name}: missing"))
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
    """The records that fit, as columns: those of raw_tweets, and dt."""
    return frame.where(F.col("reason").isNull()).select("tweet.*", "dt").drop("_broken")


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


def _clean(text: Column) -> Column:
    lowered = F.lower(text)
    for entity, character in _ENTITIES:
        lowered = F.replace(lowered, F.lit(entity), F.lit(character))
    words = F.regexp_replace(lowered, f"{_RETWEET_MARK}|{_NOT_WORDS}", " ")
    # An apostrophe is inside a word: "don't" becomes "dont", not "don t".
    joined = F.translate(words, "'\u2019", "")
    return F.trim(F.regexp_replace(joined, _SPECIAL, " "))


def clean_text(frame: DataFrame) -> DataFrame:
    """Adds clean_text, tokens and text_hash; `text` stays as it was ingested."""
    return (
        frame.withColumn("clean_text", _clean(F.col("text")))
        .withColumn(
            "tokens",
            F.when(F.col("clean_text") == "", F.array().cast("array<string>")).otherwise(
                F.split("clean_text", " ")
            ),
        )
        .withColumn("text_hash", text_hash(F.col("text")))
    )


def decided_labels(labels: DataFrame) -> DataFrame:
    """(text_hash, human_label), one row per text: the label most people gave, then the newest."""
    votes = (
        labels.where(F.col("label").isin(*LABELS) & F.col("text_hash").isNotNull())
        .groupBy("text_hash", "label")
        .agg(F.count("*").alias("votes"), F.max("imported_at").alias("newest"))
    )
    first = Window.partitionBy("text_hash").orderBy(
        F.col("votes").desc(), F.col("newest").desc(), F.col("label")
    )
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
