"""Records of raw pages: read, checked, then accepted as rows or rejected to the quarantine."""

from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from etl.posts import by_age, day_of, instant_of, time_of_id, versions_in
from etl.schemas import columns, required, schema
from etl.steps import Transform

# As functions/x/created-at.ts: how far a post's date may be from the time inside its id.
_ID_TOLERANCE_MS = 2 * 60 * 60 * 1000
# X's notice in place of a post that it withholds, as in functions/x/withheld.ts;
# test/cases/withheld.tsv tests both. Matches complete texts only: people may write about a notice.
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
# Control characters, which could act on a terminal, are removed from reasons.
_UNSEEN = r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]"
_MOST_SHOWN = 80
_OTHER_DAY = "created_at: its UTC day is not the folder's"


def parse_raw(frame: DataFrame) -> DataFrame:
    """(raw, dt) -> (raw, dt, tweet: struct of raw_tweets' columns, all of them text).

    `tweet` is null if the line is not one JSON object. Values are text, so that a value of a wrong
    type is reported by its field, and does not make the complete record unreadable.
    """
    as_text = StructType([StructField(name, StringType()) for name in _raw_names()])
    # In brackets, because from_json alone reads the first object of a line and ignores the rest.
    # Infinity and NaN are not valid JSON, although Spark accepts them.
    lines = F.from_json(
        F.concat(F.lit("["), "raw", F.lit("]")),
        ArrayType(as_text),
        {"allowNonNumericNumbers": "false"},
    )
    one = F.when(F.size("lines") == 1, F.get("lines", F.lit(0)))
    # Spark pushes a filter into the projection and would parse each line again for every field;
    # exploding a one-element array prevents that.
    return frame.withColumn("lines", lines).select(
        "raw", "dt", F.explode(F.array(one)).alias("tweet")
    )


def _raw_names() -> list[str]:
    return [column["name"] for column in columns("raw_tweets")]


def _whole_numbers() -> list[str]:
    return [column["name"] for column in columns("raw_tweets") if column["type"] == "bigint"]


def _replaces_one_of(day: Column) -> Column:
    """Whether the record is an edit of a post first sent on this day."""
    post_id = F.col("tweet.id")
    return F.exists(
        F.coalesce(
            versions_in(F.col("tweet.edit_history_tweet_ids")), F.array().cast("array<string>")
        ),
        lambda version: (
            (by_age(version) < by_age(post_id))
            & (day_of(F.timestamp_millis(time_of_id(version))) == day)
        ),
    )


def _is_of_another_day() -> Column:
    return day_of(F.col("_created")) != F.col("dt")


def _has_versions() -> Column:
    return F.coalesce(F.col("tweet.edit_history_tweet_ids").contains(","), F.lit(False))


def _fault_of_edit() -> Column:
    """The fault of an edit that has no other: it is of another day and replaces no post of this
    one. Apart from the others, because Spark compiles no expression that calls a function for each
    element of an array, and with it none beside it."""
    misplaced = _is_of_another_day() & _has_versions() & ~_replaces_one_of(F.col("dt"))
    sent = F.col("tweet.created_at")
    return F.when(F.col("_fault").isNull() & misplaced, _fault(_OTHER_DAY, sent)).otherwise(
        F.col("_fault")
    )


def _fault(what: str | Column, got: Column | None = None) -> Column:
    """A problem, and the received value where it helps."""
    problem = what if isinstance(what, Column) else F.lit(what)
    received = F.lit(None).cast("string") if got is None else got
    return F.struct(problem.alias("what"), received.alias("got"))


def _sentence(what: Column, got: Column) -> Column:
    """A fault in one line, with the received value shortened and without control characters."""
    shown = F.regexp_replace(F.substring(got, 1, _MOST_SHOWN), _UNSEEN, "\ufffd")
    cut = F.when(F.length(got) > _MOST_SHOWN, "\u2026").otherwise("")
    return F.when(got.isNull(), what).otherwise(
        F.concat(what, F.lit(' (got "'), shown, cut, F.lit('")'))
    )


def _repeats_a_field() -> Column:
    """Whether a record has a field twice, as two records without a line end between them do. The
    parser would use one of the values. Reading the names is a second parse, so it is done only if
    a line has more `":` than fields with a value."""
    colons = (F.length("raw") - F.length(F.replace("raw", F.lit('":'), F.lit("")))) / 2
    held = reduce(add, [F.col(f"tweet.{name}").isNotNull().cast("int") for name in _raw_names()])
    names = F.json_object_keys("raw")
    return F.when(colons != held, F.size(names) != F.size(F.array_distinct(names)))


def _not_text() -> str:
    """A pattern: the name of a text field, and the beginning of a value that is not text. `{}` and
    5 read as text would look like text. Inside a text, the quotation marks would be escaped."""
    texts = [column["name"] for column in columns("raw_tweets") if column["type"] == "string"]
    return rf'"({"|".join(texts)})"\s*:\s*[^"\sn]'


def _fault_of_record() -> Column:
    """The first problem of a record, or null. Needs the columns `_created`, `_fetched` and `_held`:
    the times of created_at, of fetched_at and inside the id."""
    # A lenient reader would silently turn a broken character into another text.
    fault = F.when(~F.is_valid_utf8("raw"), _fault("record: not UTF-8"))
    fault = fault.when(F.col("tweet").isNull(), _fault("record: not one JSON object", F.col("raw")))
    fault = fault.when(_repeats_a_field(), _fault("record: a field stands twice"))
    name = F.regexp_extract("raw", _not_text(), 1)
    fault = fault.when(
        F.col("raw").rlike(_not_text()), _fault(F.concat(name, F.lit(": not a text")), F.col("raw"))
    )
    for name in required("raw_tweets"):
        value = F.col(f"tweet.{name}")
        # A tweet that has only a URL has an empty text, and is valid.
        blank = F.lit(False) if name == "text" else F.btrim(value, F.lit(" \t\r\n")) == ""
        fault = fault.when(value.isNull() | blank, _fault(f"{name}: missing"))
    for name in _whole_numbers():
        value = F.col(f"tweet.{name}")
        number = value.try_cast("bigint")
        wrong = value.isNotNull() & number.isNull()
        fault = fault.when(wrong, _fault(f"{name}: not a whole number", value))
        fault = fault.when(number < 0, _fault(f"{name}: is negative", value))
    sent, text = F.col("tweet.created_at"), F.col("tweet.text")
    time_held = F.date_format(F.timestamp_millis("_held"), "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")
    return (
        fault.when(
            ~F.col("tweet.id").rlike(r"^\d{1,20}$"),
            _fault("id: not a decimal number", F.col("tweet.id")),
        )
        .when(F.col("_created").isNull(), _fault("created_at: not an ISO 8601 instant", sent))
        .when(
            F.abs(F.unix_millis("_created") - F.col("_held")) > _ID_TOLERANCE_MS,
            _fault(
                F.concat(F.lit("created_at: not the time its id holds, which is "), time_held), sent
            ),
        )
        .when(_is_of_another_day() & ~_has_versions(), _fault(_OTHER_DAY, sent))
        .when(
            F.col("_fetched").isNull(),
            _fault("fetched_at: not an ISO 8601 instant", F.col("tweet.fetched_at")),
        )
        .when(
            text.contains("withheld") & (F.length(text) <= _LONGEST_NOTICE) & text.rlike(_WITHHELD),
            _fault(
                "text: X withholds the post, and this is its notice, not what the author wrote",
                text,
            ),
        )
    )


def check_records(frame: DataFrame) -> DataFrame:
    """(raw, dt, tweet) -> (dt, reason, raw, the columns of raw_tweets, _created, _fetched).

    `reason` is null for a valid record, else the wrong field, its problem and its value. `raw` is
    null for a valid record. The columns have their declared types; a post that was never edited has
    no versions (null). `_created` and `_fetched` are instants.
    """
    # In steps, because Spark evaluates an expression again in each expression that contains it.
    return (
        frame.withColumns(
            {
                "_created": instant_of(F.col("tweet.created_at")),
                "_fetched": instant_of(F.col("tweet.fetched_at")),
                "_held": time_of_id(F.col("tweet.id")),
            }
        )
        .withColumn("_fault", _fault_of_record())
        .withColumn("_fault", _fault_of_edit())
        .withColumn("reason", _sentence(F.col("_fault.what"), F.col("_fault.got")))
        .select(
            "dt",
            "reason",
            F.when(F.col("reason").isNotNull(), F.col("raw")).alias("raw"),
            *[_declared(field) for field in schema("raw_tweets").fields],
            "_created",
            "_fetched",
        )
    )


def _declared(field: StructField) -> Column:
    value = F.col(f"tweet.{field.name}")
    is_list = isinstance(field.dataType, ArrayType)
    typed = versions_in(value) if is_list else value.try_cast(field.dataType)
    return typed.alias(field.name)


def accepted(frame: DataFrame) -> DataFrame:
    """The valid ones of checked records, with dt and all their columns."""
    return frame.where(F.col("reason").isNull()).drop("reason", "raw")


def rejected(run_id: str, rejected_at: str) -> Transform:
    """The invalid records, as rows of the quarantine."""

    def transform(frame: DataFrame) -> DataFrame:
        return frame.where(F.col("reason").isNotNull()).select(
            F.lit(run_id).alias("run_id"),
            F.lit("clean").alias("stage"),
            "reason",
            "raw",
            F.lit(rejected_at).alias("refused_at"),
        )

    return transform
