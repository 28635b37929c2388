"""Whatever a line holds, its record is read or rejected with a reason: no line ends the job."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_tweets import DAY, GOOD

from etl.records import NAMES, InvalidRecordError, checked

VERSIONS = "edit_history_tweet_ids"
VALUES = st.one_of(
    st.sampled_from([None, True, 0, -1, 2**70, 1.5, "", " ", "0" * 5000, "9" * 5000, [], {}]),
    st.sampled_from(["0001-01-01T00:00:00+18:00", "9999-12-31T23:59:59-18:00", "20", "\ud800"]),
    st.lists(st.sampled_from(["0" * 5000, "20", None, 5, ["x"], "\ud800"]), max_size=3),
    st.text(max_size=8),
)


def outcome(line: bytes, day: str = DAY) -> str | None:
    """The reason of a rejected line; None for a record."""
    try:
        checked(line, day)
    except InvalidRecordError as error:
        return str(error)
    return None


@settings(max_examples=1000, deadline=None)
@given(
    st.dictionaries(st.sampled_from((*NAMES, VERSIONS)), VALUES, max_size=4),
    st.sampled_from([DAY, "2026-11-19"]),
)
def test_every_record_is_read_or_rejected(changes: dict[str, Any], day: str) -> None:
    reason = outcome(json.dumps({**GOOD, **changes}).encode(), day)

    acting = {"Cc", "Cf", "Cs"}
    assert reason is None or acting.isdisjoint(unicodedata.category(sign) for sign in reason)


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+18:00", "9999-12-31T23:59:59-18:00"])
def test_an_instant_outside_of_the_calendar_is_none(sent: str) -> None:
    line = json.dumps({**GOOD, "id": "20", "created_at": sent}).encode()

    assert outcome(line) == f'created_at: not an ISO 8601 instant (got "{sent}")'


def test_a_version_of_thousands_of_digits_has_no_day_of_its_own() -> None:
    line = json.dumps({**GOOD, VERSIONS: ["0" * 5000, GOOD["id"]]}).encode()

    reason = outcome(line, "2026-11-19")

    assert reason is not None and reason.startswith("created_at: its UTC day is not the folder's")


def test_a_deep_value_is_rejected_at_every_depth() -> None:
    rest = json.dumps(GOOD)[1:].encode()
    for name in ("like_count", VERSIONS):
        for depth in range(300, 1100):
            value = b"[" * depth + b"]" * depth
            outcome(
                b'{"%s": [1, %s], %s'
                % (name.encode(), value, rest.replace(b'"like_count": 3, ', b""))
            )
