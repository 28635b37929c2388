"""A post's times and versions, as columns."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# As functions/x/created-at.ts and functions/x/ids.ts; test/cases/created-at.tsv tests both.
_ID_EPOCH_MS = 1_288_834_974_657
_FIRST_ID_WITH_TIME = 10**15
_INSTANT = (
    r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
    r" ?([Zz]|UTC|GMT|[+-]\d{2}(:?\d{2})?)$"
)


def instant_of(text: Column) -> Column:
    """The UTC instant of an ISO 8601 text with an offset, or null."""
    # Spark needs seconds, and an upper-case T.
    complete = F.regexp_replace(F.upper(text), r"^(.{16})(?!:)", "$1:00")
    return F.when(text.rlike(_INSTANT), F.try_to_timestamp(complete))


def time_of_id(post_id: Column) -> Column:
    """The time inside an id, in milliseconds since 1970; null for an id without a time."""
    # An id above the range of bigint is in the far future, as is the largest bigint.
    number = F.coalesce(post_id.try_cast("bigint"), F.lit(2**63 - 1))
    return F.when(number >= _FIRST_ID_WITH_TIME, F.shiftright(number, 22) + F.lit(_ID_EPOCH_MS))


def day_of(instant: Column) -> Column:
    return instant.cast("date").cast("string")


def by_age(post_id: Column) -> Column:
    """Pads an id, so that ids sort like numbers."""
    return F.lpad(post_id, 20, "0")


def versions_in(history: Column) -> Column:
    """The ids of a post's versions, from the list's JSON text; null if there are fewer than two."""
    return F.when(history.contains(","), F.from_json(history, "array<string>"))
