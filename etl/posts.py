"""The times of a post, in UTC."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# As functions/x/created-at.ts and functions/x/ids.ts; test/cases/created-at.tsv tests both.
_ID_EPOCH_MS = 1_288_834_974_657
_FIRST_ID_WITH_TIME = 10**15
_LARGEST_ID = 2**63 - 1
_ID = re.compile(r"[0-9]{1,20}")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):\d\d(?::\d\d(?:\.\d{1,9})?)?)"
    r" ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)",
    re.ASCII | re.IGNORECASE,
)
# No place on earth is further from UTC.
_MOST_OFFSET = timedelta(hours=18)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_US = 24 * 60 * 60 * 1_000_000


def instant_of(text: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 text with an offset, or None."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, time, zone = found.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{time}{zone if zone[0] in '+-' else 'Z'}")
        if abs(instant.utcoffset() or timedelta()) > _MOST_OFFSET:
            return None
        # Raises for an instant whose UTC day is before the year 1 or after 9999.
        return (instant.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def time_of_id(post_id: str) -> int | None:
    """The time inside an id, in milliseconds since 1970; None for an id without a time."""
    # Python reads no number of more than some thousand digits.
    number = int(post_id) if _ID.fullmatch(post_id) else _LARGEST_ID
    if number < _FIRST_ID_WITH_TIME:
        return None
    # An id above the range of bigint is in the far future, as is the largest bigint.
    return (min(number, _LARGEST_ID) >> 22) + _ID_EPOCH_MS


@lru_cache(maxsize=1024)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).date().isoformat()


def day_of(microseconds: int) -> str:
    """The UTC day of an instant, YYYY-MM-DD."""
    return _day(microseconds // _DAY_US)


def time_text(milliseconds: int) -> str:
    """An instant as ISO 8601, with milliseconds."""
    text = (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
