"""One record of a raw page: read and checked. Its faults are reported by field."""

import json
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Any, NamedTuple

from etl.posts import day_of, instant_of, time_of_id, time_text
from etl.schemas import columns, required
from etl.text.signs import well_formed
from etl.withheld import is_withheld_notice

# As functions/x/created-at.ts: how far a post's date may be from the time inside its id.
_ID_TOLERANCE_MS = 2 * 60 * 60 * 1000
_MOST_SHOWN = 80
# Control characters, which could act on a terminal, are removed from reasons.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_BLANKS = " \t\r\n"

NAMES = tuple(column["name"] for column in columns("raw_tweets"))
_TEXTS = tuple(column["name"] for column in columns("raw_tweets") if column["type"] == "string")
_NUMBERS = tuple(column["name"] for column in columns("raw_tweets") if column["type"] == "bigint")
# A tweet that has only a URL has an empty text, and is valid.
_NOT_BLANK = tuple(name for name in required("raw_tweets") if name != "text")
_VERSIONS = "edit_history_tweet_ids"

_ID = re.compile(r"[0-9]{1,20}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_LARGEST = 2**63 - 1
_NO_OBJECT = "record: not one JSON object"


class InvalidRecordError(Exception):
    """The field that is wrong, its problem and its value, in one line."""

    def __init__(self, what: str, got: Any = None) -> None:
        super().__init__(what if got is None else f'{what} (got "{_shown(got)}")')


class _Fraction(NamedTuple):
    """A number that is not whole, as it is written."""

    text: str


def _constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


_read = json.JSONDecoder(parse_float=_Fraction, parse_constant=_constant).raw_decode
_read_pairs = json.JSONDecoder(object_pairs_hook=list, parse_constant=_constant).raw_decode
_fetched_at = lru_cache(maxsize=1024)(instant_of)


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, _Fraction):
        return value.text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shown(value: Any) -> str:
    """A value in one line, shortened and without control characters."""
    text = _text_of(value)
    shown = "".join(
        "\ufffd" if unicodedata.category(sign) in _UNSEEN else sign for sign in text[:_MOST_SHOWN]
    )
    return shown if len(text) <= _MOST_SHOWN else f"{shown}\u2026"


def _parsed(line: str) -> dict[str, Any]:
    try:
        record, end = _read(line)
    except ValueError:
        raise InvalidRecordError(_NO_OBJECT, line) from None
    if not isinstance(record, dict) or end != len(line):
        raise InvalidRecordError(_NO_OBJECT, line)
    # Two records without a line end between them make one object with fields twice. Reading the
    # pairs is a second parse, done only if a line has other colons than those of its fields.
    if line.count('":') != len(record) or " :" in line or "\t:" in line:
        names = Counter(name for name, _ in _read_pairs(line)[0])
        if len(names) < names.total():
            raise InvalidRecordError("record: a field stands twice")
    # JSON escapes may hold half a character, which UTF-8 cannot.
    if "\\u" in line:
        for name in _TEXTS:
            if isinstance(record.get(name), str):
                record[name] = well_formed(record[name])
    return record


def _whole_number(name: str, value: Any) -> int:
    number = value
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        number = int(value)
    if type(number) is not int or not -_LARGEST <= number <= _LARGEST:
        raise InvalidRecordError(f"{name}: not a whole number", value)
    if number < 0:
        raise InvalidRecordError(f"{name}: is negative", value)
    return number


def _versions(history: Any) -> list[str] | None:
    """The ids of a post's versions; None if there are fewer than two."""
    if not isinstance(history, list) or len(history) < 2:
        return None
    return [well_formed(_text_of(version)) for version in history]


def _by_age(post_id: str) -> str:
    """Pads an id, so that ids sort like numbers."""
    return post_id.rjust(20, "0")[:20]


def _replaces_one_of(day: str, post_id: str, versions: list[str] | None) -> bool:
    """Whether the record is an edit of a post first sent on this day."""
    return any(
        _by_age(version) < _by_age(post_id)
        and (time := time_of_id(version)) is not None
        and day_of(time * 1000) == day
        for version in versions or ()
    )


def checked(line: bytes, day: str) -> tuple[Any, ...]:
    """The record of a line in a page of a day: the values of raw_tweets' columns (`NAMES`), then
    created_at and fetched_at in microseconds since 1970. Raises InvalidRecordError."""
    try:
        return _checked(line, day)
    except RecursionError:
        raise InvalidRecordError("record: a value is nested too deeply") from None


def _checked(line: bytes, day: str) -> tuple[Any, ...]:
    try:
        text = line.decode("utf-8").strip(_BLANKS)
    except UnicodeDecodeError:
        raise InvalidRecordError("record: not UTF-8") from None
    record = _parsed(text)
    for name in _TEXTS:
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidRecordError(f"{name}: not a text", text)
    for name in _NOT_BLANK:
        if not (record.get(name) or "").strip(_BLANKS):
            raise InvalidRecordError(f"{name}: missing")
    post_text = record.get("text")
    if post_text is None:
        raise InvalidRecordError("text: missing")
    for name in _NUMBERS:
        value = record.get(name)
        if type(value) is not int or not 0 <= value <= _LARGEST:
            record[name] = None if value is None else _whole_number(name, value)
    post_id = record["id"]
    if not _ID.fullmatch(post_id):
        raise InvalidRecordError("id: not a decimal number", post_id)
    record[_VERSIONS] = _versions(record.get(_VERSIONS))
    created, fetched = _times(record, post_id, day)
    if is_withheld_notice(post_text):
        raise InvalidRecordError(
            "text: X withholds the post, and this is its notice, not what the author wrote",
            post_text,
        )
    return (*map(record.get, NAMES), created, fetched)


def _times(record: dict[str, Any], post_id: str, day: str) -> tuple[int, int]:
    sent, fetched_at = record["created_at"], record["fetched_at"]
    created = instant_of(sent)
    if created is None:
        raise InvalidRecordError("created_at: not an ISO 8601 instant", sent)
    held = time_of_id(post_id)
    if held is not None and abs(created // 1000 - held) > _ID_TOLERANCE_MS:
        raise InvalidRecordError(
            f"created_at: not the time its id holds, which is {time_text(held)}", sent
        )
    if day_of(created) != day and not _replaces_one_of(day, post_id, record[_VERSIONS]):
        raise InvalidRecordError("created_at: its UTC day is not the folder's", sent)
    fetched = _fetched_at(fetched_at)
    if fetched is None:
        raise InvalidRecordError("fetched_at: not an ISO 8601 instant", fetched_at)
    return created, fetched
