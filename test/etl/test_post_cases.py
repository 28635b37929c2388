"""The tables of test/cases/ that ingest and cleaning share: what one lets in, the other reads."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from raw_tweets import GOOD, checked_frame

from etl.pages import accepted
from etl.versions import newest_per_tweet, newest_versions, replaced_elsewhere

CASES = Path(__file__).parents[1] / "cases"


def rows(name: str) -> list[list[str]]:
    lines = (CASES / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def record(changes: dict[str, Any]) -> str:
    return json.dumps({**GOOD, **changes}, ensure_ascii=False)


def time_of(post_id: str) -> datetime:
    return datetime.fromtimestamp(((int(post_id) >> 22) + 1_288_834_974_657) / 1000, UTC)


def test_reads_the_same_instants_as_the_ingest(spark: SparkSession) -> None:
    cases = rows("created-at.tsv")
    expected = [ingest if clean == "=" else clean for _, _, ingest, clean, _ in cases]
    lines = [
        # `query_name` says which case it is.
        (record({"id": i, "created_at": json.loads(sent), "query_name": str(n)}), want[:10])
        for n, ((i, sent, *_), want) in enumerate(zip(cases, expected, strict=True))
    ]

    checked = checked_frame(spark, lines)
    reasons = {
        int(json.loads(row["raw"])["query_name"]): row["reason"]
        for row in checked.where("reason is not null").collect()
    }
    instants = {
        int(row["query_name"]): f"{row['_created']:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        for row in checked.transform(accepted).collect()
    }

    # A date that is no text is refused here for being none, whatever the ingest made of it.
    expected = [
        "created_at: not a text" if isinstance(json.loads(sent), (int, float)) else want
        for (_, sent, *_), want in zip(cases, expected, strict=True)
    ]
    found = [reasons.get(n) or instants[n] for n in range(len(cases))]
    assert [one[: len(want)] for one, want in zip(found, expected, strict=True)] == expected


def test_a_notice_of_a_withheld_post_is_nobodys_words(spark: SparkSession) -> None:
    cases = [(is_it, text) for is_it, marked, text in rows("withheld.tsv") if marked == "no"]
    lines = [
        (record({"id": str(n), "text": text}), GOOD["created_at"][:10])
        for n, (_, text) in enumerate(cases)
    ]

    checked = checked_frame(spark, lines)

    reasons = {
        int(json.loads(row["raw"])["id"]): row["reason"]
        for row in checked.where("reason is not null").collect()
    }
    assert [text for n, (_, text) in enumerate(cases) if n in reasons] == [
        text for is_it, text in cases if is_it == "yes"
    ]
    assert all(reason.startswith("text: X withholds") for reason in reasons.values())


def days_of(row: dict[str, Any]) -> set[str]:
    """The days that the ingest files a row under: daysOf in functions/x/tweets.ts."""
    own = time_of(row["id"])
    ids = [i for i in row.get("edit_history_tweet_ids") or [] if i.isdigit()]
    near = [time_of(i) for i in ids if abs((time_of(i) - own).total_seconds()) <= 7200]
    return {f"{own:%Y-%m-%d}", *(f"{time:%Y-%m-%d}" for time in near)}


def test_of_a_post_that_was_edited_the_newest_version_stays(spark: SparkSession) -> None:
    cases = json.loads((CASES / "edits.json").read_text("utf-8"))

    def own(n: int, post_id: str) -> str:
        """Each case has ids of its own, of the same time."""
        return str(int(post_id) + n) if post_id.isdigit() else post_id

    lines = []
    for n, case in enumerate(cases):
        for row in case["rows"]:
            history = row.get("edit_history_tweet_ids")
            made = {
                **row,
                "id": own(n, row["id"]),
                "query_name": str(n),
                "created_at": f"{time_of(row['id']):%Y-%m-%dT%H:%M:%S}.000Z",
                **(
                    {}
                    if history is None
                    else {"edit_history_tweet_ids": [own(n, i) for i in history]}
                ),
            }
            lines += [(record(made), day) for day in days_of(made)]

    checked = checked_frame(spark, lines)
    versions = checked.transform(accepted).transform(newest_per_tweet)
    kept = versions.transform(newest_versions).select("query_name", "dt", "text").collect()
    moved = versions.transform(replaced_elsewhere).collect()

    assert checked.where("reason is not null").count() == 0
    for n, case in enumerate(cases):
        of_case = [row for row in kept if row["query_name"] == str(n)]
        found = {
            day: sorted(row["text"] for row in of_case if row["dt"] == day) for day in case["kept"]
        }
        assert (case["name"], found) == (case["name"], case["kept"])
        assert len(of_case) == sum(map(len, case["kept"].values()))
    expected_moved: dict[str, int] = {}
    for case in cases:
        for day, count in case.get("moved", {}).items():
            expected_moved[day] = expected_moved.get(day, 0) + count
    assert {row["dt"]: row["rows"] for row in moved} == expected_moved
