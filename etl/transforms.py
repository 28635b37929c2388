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
from etl.text.key import EMPTY
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
    # Infinity and NaN are no JSON, though Spark reads them.
    lines = F.from_json(
        F.concat(F.lit("["), "raw", F.lit("]")),
        ArrayType(as_text),
        {"allowNonNumericNumbers": "false"},
    )
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


# As functions/x/created-at.ts and functions/x/ids.ts; test/cases/created-at.tsv holds both to it.
_ID_TOLERANCE_MS = 2 * 60 * 60 * 1000
_ID_EPOCH_MS = 1_288_834_974_657
_FIRST_ID_WITH_TIME = 10**15
_AS_INGESTED = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"
_INSTANT = (
    r"^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2})?(?:(\.\d{1,6})\d{0,3})?"
    r" ?(?:([Zz]|UTC|GMT)|([+-]\d{2}):?(\d{2})?)$"
)
# X's notice in the place of a post that it withholds, as functions/x/withheld.ts;
# test/cases/withheld.tsv holds both to it. Whole texts alone: a person may write about a notice.
_PLACE = r"(?:(?:d['\u2019])?\p{Lu}[\p{L}\p{M}.'\u2019()-]*|of|the|and|da|de)"
_WITHHELD = (
    r"^(?:RT @\w{1,15}: )?(?:This (?:Tweet|Post|post) from @\w{1,15}"
    r"|(?:Account )?@\w{1,15}(?:['\u2019]s account)?|This account) (?:is|has been) withheld"
    rf"(?: in:? {_PLACE}(?:,? {_PLACE})*| worldwide)?"
    r"(?: in response to (?:a |an )?(?:valid )?"
    r"(?:legal demands?|reports? from the copyright holder)"
    r"| based on local laws?(?:\(s\))?)?"
    r"[.,]*(?: Learn more\.?)?(?: ?https?://\S+)?\s*$"
)
_LONGEST_NOTICE = 1000
# Signs that act on a terminal without being seen never get into a reason.
_UNSEEN = r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]"
_MOST_SHOWN = 80


def _instant(text: Column) -> Column:
    """The UTC instant of an ISO 8601 text with an offset, or null."""
    # Nearly every text is as the ingest writes it, and needs no rewriting.
    part = [F.regexp_extract(text, _INSTANT, group) for group in range(8)]
    zone = F.when(part[6] == "", "Z").otherwise(
        F.concat(part[6], F.lit(":"), F.when(part[7] == "", "00").otherwise(part[7]))
    )
    seconds = F.when(part[3] == "", ":00").otherwise(part[3])
    rewritten = F.concat(part[1], F.lit("T"), part[2], seconds, part[4], zone)
    return F.when(text.rlike(_AS_INGESTED), F.try_to_timestamp(text)).when(
        text.rlike(_INSTANT), F.try_to_timestamp(rewritten)
    )


def _time_of_id(post_id: Column) -> Column:
    """Milliseconds since 1970 that an id holds; null for one that holds no time."""
    # An id beyond a bigint's range is of a time that has not come yet, as is the largest bigint.
    number = F.coalesce(post_id.try_cast("bigint"), F.lit(2**63 - 1))
    return F.when(number >= _FIRST_ID_WITH_TIME, F.shiftright(number, 22) + F.lit(_ID_EPOCH_MS))


def _day(instant: Column) -> Column:
    return F.date_format(instant, "yyyy-MM-dd")


def _by_age(post_id: Column) -> Column:
    """Ids so padded sort as numbers do."""
    return F.lpad(post_id, 20, "0")


def _versions(history: Column) -> Column:
    """The ids of a post's versions, of the list's JSON text; null where there is one at most."""
    return F.when(history.contains(","), F.from_json(history, "array<string>"))


def _replaces_one_of(day: Column) -> Column:
    """Whether the record is an edit of a post that was first sent on this day."""
    post_id = F.col("tweet.id")
    return F.exists(
        F.coalesce(
            _versions(F.col("tweet.edit_history_tweet_ids")), F.array().cast("array<string>")
        ),
        lambda version: (
            (_by_age(version) < _by_age(post_id))
            & (_day(F.timestamp_millis(_time_of_id(version))) == day)
        ),
    )


def _got(wrong: str | Column, value: Column) -> Column:
    """What is wrong, and what came: shortened, and without a sign that acts unseen."""
    shown = F.regexp_replace(F.substring(value, 1, _MOST_SHOWN), _UNSEEN, "\ufffd")
    cut = F.when(F.length(value) > _MOST_SHOWN, "\u2026").otherwise("")
    said = wrong if isinstance(wrong, Column) else F.lit(wrong)
    return F.concat(said, F.lit(' (got "'), shown, cut, F.lit('")'))


def _repeats_a_field() -> Column:
    """Whether a field stands twice in a record, as in two records whose line end is lost: the
    parser would take one of its values. Only where a line has more colons behind quotation marks
    than fields that hold something are its names read: that is a second parse."""
    colons = (F.length("raw") - F.length(F.replace("raw", F.lit('":'), F.lit("")))) / 2
    held = sum(
        (F.col(f"tweet.{name}").isNotNull().cast("int") for name in _raw_names()), start=F.lit(0)
    )
    names = F.json_object_keys("raw")
    return F.when(colons != held, F.size(names) != F.size(F.array_distinct(names)))


def _is_text(name: str) -> Column:
    """Whether a field's value is written as a text: read as one, `{}` and 5 would look like it. The
    field stands once; in the value of another its quotation marks would be escaped."""
    usual = [F.contains("raw", F.lit(f'"{name}":{space}"')) for space in ("", " ")]
    return usual[0] | usual[1] | F.col("raw").rlike(f'"{name}"\\s*:\\s*"')


def _texts() -> list[str]:
    return [column["name"] for column in columns("raw_tweets") if column["type"] == "string"]


def _refusal() -> Column:
    """Why a record is refused: the first field that is wrong, how, and what came; null where
    nothing is."""
    # Read leniently, a broken sign would become another text than was sent, without a word.
    reason = F.when(~F.is_valid_utf8("raw"), F.lit("record: not UTF-8"))
    no_object = _got("record: not one JSON object", F.col("raw"))
    reason = reason.when(F.col("tweet").isNull(), no_object)
    reason = reason.when(_repeats_a_field(), F.lit("record: a field stands twice"))
    for name in _texts():
        value = F.col(f"tweet.{name}")
        reason = reason.when(
            value.isNotNull() & ~_is_text(name), _got(f"{name}: not a text", value)
        )
    for name in required("raw_tweets"):
        value = F.col(f"tweet.{name}")
        # A tweet that was nothing but a URL has an empty text, and is a tweet all the same.
        blank = F.lit(False) if name == "text" else F.btrim(value, F.lit(" \t\r\n")) == ""
        reason = reason.when(value.isNull() | blank, F.lit(f"{name}: missing"))
    for name in _whole_numbers():
        value = F.col(f"tweet.{name}")
        number = value.try_cast("bigint")
        wrong = value.isNotNull() & number.isNull()
        reason = reason.when(wrong, _got(f"{name}: not a whole number", value))
        reason = reason.when(number < 0, _got(f"{name}: is negative", value))
    sent = F.col("tweet.created_at")
    created_at = _instant(sent)
    held = _time_of_id(F.col("tweet.id"))
    fetched_at = F.col("tweet.fetched_at")
    text = F.col("tweet.text")
    return (
        reason.when(
            ~F.col("tweet.id").rlike(r"^\d{1,20}$"),
            _got("id: not a decimal number", F.col("tweet.id")),
        )
        .when(created_at.isNull(), _got("created_at: not an ISO 8601 instant", sent))
        .when(
            F.abs(F.unix_millis(created_at) - held) > _ID_TOLERANCE_MS,
            _got(
                F.concat(
                    F.lit("created_at: not the time its id holds, which is "),
                    F.date_format(F.timestamp_millis(held), "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"),
                ),
                sent,
            ),
        )
        .when(
            (_day(created_at) != F.col("dt")) & ~_replaces_one_of(F.col("dt")),
            _got("created_at: its UTC day is not the folder's", sent),
        )
        .when(
            _instant(fetched_at).isNull(),
            _got("fetched_at: not an ISO 8601 instant", fetched_at),
        )
        .when(
            text.contains("withheld") & (F.length(text) <= _LONGEST_NOTICE) & text.rlike(_WITHHELD),
            _got(
                "text: X withholds the post, and this is its notice, not what the author wrote",
                text,
            ),
        )
    )


def judge_records(frame: DataFrame) -> DataFrame:
    """Adds `reason`: null for a record that fits its schema."""
    return frame.withColumn("reason", _refusal())


def accepted(frame: DataFrame) -> DataFrame:
    """The records that fit, as columns: those of raw_tweets with their declared types, and dt. Of
    a post that was never edited the versions are null."""

    def declared(field: StructField) -> Column:
        value = F.col(f"tweet.{field.name}")
        is_list = isinstance(field.dataType, ArrayType)
        return (_versions(value) if is_list else value.cast(field.dataType)).alias(field.name)

    return frame.where(F.col("reason").isNull()).select(
        *[declared(field) for field in schema("raw_tweets").fields], "dt"
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


def replaced_versions(frame: DataFrame) -> DataFrame:
    """(dt, author_id, id, elsewhere), one row per version of a post that a newer one of the same
    author replaces; elsewhere: all of those belong to another day."""
    history = F.col("edit_history_tweet_ids")
    edits = frame.where((F.size(history) > 1) & F.array_contains(history, F.col("id")))
    each = edits.select(
        "dt",
        "author_id",
        F.col("id").alias("newer"),
        (_day(_instant(F.col("created_at"))) != F.col("dt")).alias("elsewhere"),
        F.explode("edit_history_tweet_ids").alias("id"),
    )
    older = each.where(_by_age(F.col("id")) < _by_age(F.col("newer")))
    return older.groupBy("dt", "author_id", "id").agg(F.every("elsewhere").alias("elsewhere"))


def newest_versions(frame: DataFrame) -> DataFrame:
    """One row per post, of its newest version: an edit is a tweet with an id of its own.

    An edit over midnight lies under the day of what it replaces, too; there it only replaces.
    """
    return frame.join(
        F.broadcast(replaced_versions(frame)), ["dt", "author_id", "id"], "left_anti"
    ).where(_day(_instant(F.col("created_at"))) == F.col("dt"))


def replaced_elsewhere(frame: DataFrame) -> DataFrame:
    """(dt, rows): how many rows of a day a version of another day replaces, where any does."""
    elsewhere = replaced_versions(frame).where("elsewhere")
    replaced = frame.join(F.broadcast(elsewhere), ["dt", "author_id", "id"], "left_semi")
    return replaced.groupBy("dt").agg(F.count(F.lit(1)).alias("rows"))


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
    alphabetical order; none for texts of which nothing is left. As ml/training/lstm/data.py and
    functions/model/held-out.ts: test/fixtures/held-out.json holds all three to it."""
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
