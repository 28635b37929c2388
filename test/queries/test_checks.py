"""Each check passes good rows and returns the bad ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from query_lake import TWEET, Lake

VERSION = "r1-0"
TWO_DAYS = "2026-11-20,2026-11-21"


def candidate(**changes: Any) -> dict[str, Any]:
    return {**TWEET, "run": VERSION, **changes}


def test_all_checks_pass_good_rows(lake: Lake) -> None:
    lake.add("tweets", TWEET)
    lake.add("tweets_candidates", candidate(), candidate(tweet_id="2", label="negative"))
    # Another version's rows are none of this version's business.
    lake.add("tweets_candidates", candidate(run="r0-0", tweet_id=None, label="angry"))

    assert lake.ask("checks/missing_keys", version=VERSION) == []
    assert lake.ask("checks/duplicate_ids", version=VERSION) == []
    assert lake.ask("checks/impossible_dates", version=VERSION) == []
    assert lake.ask("checks/unknown_labels", version=VERSION) == []
    assert lake.ask("checks/shrunken_days", version=VERSION, days=TWO_DAYS, forgotten="") == []
    lopsided = lake.ask("checks/lopsided_labels", version=VERSION, min_rows=2, max_label_share=0.9)
    assert lopsided == []


@pytest.mark.parametrize(
    "broken",
    [
        {"tweet_id": None},
        {"tweet_id": "  "},
        {"author_id": ""},
        {"text_hash": None},
        {"created_at": None},
        {"text": None},
        {"clean_text": None},
    ],
)
def test_missing_keys_returns_the_row_that_lacks_one(lake: Lake, broken: dict[str, Any]) -> None:
    lake.add("tweets_candidates", candidate(tweet_id="9"), candidate(**broken))

    assert len(lake.ask("checks/missing_keys", version=VERSION)) == 1


def test_duplicate_ids_counts_the_copies(lake: Lake) -> None:
    lake.add("tweets_candidates", candidate(), candidate(), candidate(tweet_id="2"))

    rows = lake.ask("checks/duplicate_ids", version=VERSION)

    assert rows == [{"dt": "2026-11-20", "tweet_id": "1", "copies": 2}]


def test_impossible_dates_returns_the_future_and_the_wrong_day(lake: Lake) -> None:
    def later(minutes: int) -> dict[str, Any]:
        then = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
        return {"created_at": then, "dt": f"{then:%Y-%m-%d}"}

    lake.add(
        "tweets_candidates",
        candidate(tweet_id="soon", **later(60)),
        candidate(tweet_id="skewed", **later(5)),
        candidate(tweet_id="misfiled", dt="2026-11-19"),
    )

    rows = lake.ask("checks/impossible_dates", version=VERSION)

    assert sorted(row["tweet_id"] for row in rows) == ["misfiled", "soon"]


def test_shrunken_days_sees_a_day_that_lost_rows_or_all_of_them(lake: Lake) -> None:
    lake.add("tweets", TWEET, {**TWEET, "tweet_id": "2"})
    lake.add("tweets", {**TWEET, "dt": "2026-11-21"}, {**TWEET, "dt": "2026-11-22"})
    lake.add("tweets_candidates", candidate())

    rows = lake.ask("checks/shrunken_days", version=VERSION, days=TWO_DAYS, forgotten="")

    assert rows == [
        {"dt": "2026-11-20", "published_rows": 2, "candidate_rows": 1},
        {"dt": "2026-11-21", "published_rows": 1, "candidate_rows": 0},
    ]


def test_shrunken_days_lets_a_day_lose_what_was_forgotten_and_no_row_more(lake: Lake) -> None:
    lake.add("tweets", *({**TWEET, "tweet_id": str(n)} for n in range(3)))
    lake.add("tweets", {**TWEET, "dt": "2026-11-21"})
    lake.add("tweets_candidates", candidate())

    def ask(forgotten: str) -> list[str]:
        rows = lake.ask("checks/shrunken_days", version=VERSION, days=TWO_DAYS, forgotten=forgotten)
        return [row["dt"] for row in rows]

    assert ask("2026-11-20=2,2026-11-21=1") == []
    assert ask("2026-11-20=1,2026-11-21=1") == ["2026-11-20"]
    assert ask("2026-11-21=1") == ["2026-11-20"]


@pytest.mark.parametrize(
    "broken",
    [
        {"label": "angry"},
        {"label": None},
        {"label_source": "guess"},
        {"label_source": None},
        {"lexicon_label": "POSITIVE"},
        {"lexicon_label": None},
    ],
)
def test_unknown_labels_returns_the_row(lake: Lake, broken: dict[str, Any]) -> None:
    lake.add("tweets_candidates", candidate(tweet_id="9"), candidate(**broken))

    rows = lake.ask("checks/unknown_labels", version=VERSION)

    assert [row["tweet_id"] for row in rows] == ["1"]


def test_lopsided_labels_returns_the_day_and_its_share(lake: Lake) -> None:
    many = [candidate(tweet_id=str(n)) for n in range(9)]
    lake.add("tweets_candidates", *many, candidate(tweet_id="x", label="neutral"))
    lake.add("tweets_candidates", candidate(tweet_id="y", dt="2026-11-21"))

    rows = lake.ask("checks/lopsided_labels", version=VERSION, min_rows=5, max_label_share=0.8)

    assert [(row["dt"], row["label"], row["share"]) for row in rows] == [
        ("2026-11-20", "positive", 0.9)
    ]
