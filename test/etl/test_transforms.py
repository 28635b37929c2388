import hashlib
import json
import re
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from raw_tweets import DAY, raw_frame, tweet

from etl.labels import parse_labels
from etl.pages import accepted, rejected
from etl.reading import read
from etl.schemas import columns, schema
from etl.text import key
from etl.text.key import EMPTY
from etl.transforms import attach_label, decided_labels, to_tweets
from etl.versions import newest_per_tweet

FIXTURES = Path(__file__).parents[1] / "fixtures"

# One job for the whole table: a Spark job costs more than a row.
NO_OBJECT = "record: not one JSON object"
REFUSALS = [
    ("{not json", f'{NO_OBJECT} (got "{{not json")'),
    ("[1, 2]", f'{NO_OBJECT} (got "[1, 2]")'),
    ("null", f'{NO_OBJECT} (got "null")'),
    ("\x1b[2J\u202e", f'{NO_OBJECT} (got "\ufffd[2J\ufffd")'),
    (
        tweet(id="8") + tweet(id="9"),
        f'{NO_OBJECT} (got "{(tweet(id="8") + tweet(id="9"))[:80]}\u2026")',
    ),
    (
        tweet(id="8") + "," + tweet(id="9"),
        f'{NO_OBJECT} (got "{tweet(id="8")[:80]}\u2026")',
    ),
    (tweet() + " torn", f'{NO_OBJECT} (got "{tweet()[:80]}\u2026")'),
    (tweet(like_count="many"), 'like_count: not a whole number (got "many")'),
    (tweet(quote_count=1.5), 'quote_count: not a whole number (got "1.5")'),
    (tweet(reply_count=-1), 'reply_count: is negative (got "-1")'),
    ('{"text": "another", ' + tweet()[1:], "record: a field stands twice"),
    (tweet()[:-1] + ', "lang" : null}', "record: a field stands twice"),
    # Colons behind quotation marks in a text, and fields that are missing, are no repeated field.
    (tweet(id="6", text='he wrote {"id":1,"id":2}', lang=None, author_username=None), None),
    *(
        (line, f'{name}: not a text (got "{line[:80]}\u2026")')
        for name, line in (
            ("text", tweet(text={"a": "b"})),
            ("author_id", tweet(author_id=42)),
            ("lang", tweet(lang=["en"])),
        )
    ),
    (
        tweet(query_name=float("inf")),
        f'{NO_OBJECT} (got "{tweet(query_name=float("inf"))[:80]}\u2026")',
    ),
    (tweet(id="5").replace('"text": ', '"text"\t:  '), None),
    (tweet(id=None), "id: missing"),
    (tweet(id="12a"), 'id: not a decimal number (got "12a")'),
    (tweet(id="1" * 21), f'id: not a decimal number (got "{"1" * 21}")'),
    (tweet(author_id="  "), "author_id: missing"),
    (tweet(author_id=" \t\r\n"), "author_id: missing"),
    (tweet(text=None), "text: missing"),
    # Nothing but a URL, which ingest has removed.
    (tweet(id="8", text=""), None),
    (tweet(created_at="yesterday"), 'created_at: not an ISO 8601 instant (got "yesterday")'),
    (
        tweet(created_at=f"{DAY}T25:99:00Z"),
        f'created_at: not an ISO 8601 instant (got "{DAY}T25:99:00Z")',
    ),
    (
        tweet(id="9", created_at="2026-11-19T23:59:59Z"),
        'created_at: its UTC day is not the folder\'s (got "2026-11-19T23:59:59Z")',
    ),
    (tweet(fetched_at="now"), 'fetched_at: not an ISO 8601 instant (got "now")'),
    # Good, so that the table is not refused as a whole.
    (tweet(id="7"), None),
]


def test_refuses_a_record_that_does_not_fit_and_says_why(spark: SparkSession) -> None:
    checked = raw_frame(spark, *[line for line, _ in REFUSALS])

    rows = checked.transform(rejected("run-9", "2026-11-21T02:00:00Z")).collect()

    assert {row["raw"]: row["reason"] for row in rows} == {
        line: reason for line, reason in REFUSALS if reason is not None
    }
    assert {row["run_id"] for row in rows} == {"run-9"}
    kept = checked.transform(accepted).collect()
    assert sorted(row["id"] for row in kept) == ["5", "6", "7", "8"]


def test_an_instant_with_another_offset_counts_in_utc(spark: SparkSession) -> None:
    line = tweet(id="9", created_at="2026-11-21T00:30:00+01:00")

    checked = raw_frame(spark, line)

    assert checked.first()["reason"] is None


def test_keeps_the_row_that_was_fetched_last(spark: SparkSession) -> None:
    frame = raw_frame(
        spark,
        tweet(like_count=1, fetched_at="2026-11-21T02:00:00.000Z"),
        tweet(like_count=9, fetched_at="2026-11-21T03:00:00.000Z"),
        tweet(like_count=5, fetched_at="2026-11-21T02:30:00.000Z"),
        tweet(id="7", like_count=2),
    ).transform(accepted)

    rows = frame.transform(newest_per_tweet).collect()

    assert sorted((row["id"], row["like_count"]) for row in rows) == [
        ("2123695339729846273", 9),
        ("7", 2),
    ]


def texts_frame(spark: SparkSession, *texts: str) -> DataFrame:
    """The accepted records of good tweets with these texts."""
    lines = [tweet(id=str(number), text=text) for number, text in enumerate(texts)]
    return raw_frame(spark, *lines).transform(accepted)


def labelled(frame: DataFrame, labels: DataFrame) -> DataFrame:
    return frame.transform(attach_label(labels)).transform(to_tweets)


def no_labels(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], schema("labels"))


CLEANED = [
    ("I LOVE this!!!", "i love this"),
    ("RT @ada_l: so good https://t.co/Ab1?x=2 #Yes", "so good"),
    ("  RT @ada_l so RT fine", "so rt fine"),
    ("@a @b hi #one #two ＃wide ＠wide", "hi"),
    ("@ada's #day’s it", "it"),
    # An apostrophe, of whichever kind, is inside a word.
    ("don't won’t can`t it´s ‘so’", "dont wont cant its so"),
    # Signs that nobody sees neither part words nor stay as words.
    ("zero\u200bwidth so\u00adft @\u2060ada", "zerowidth soft"),
    ("love ❤\ufe0f 1\ufe0f\u20e3 👩\u200d💻", "love 1"),
    ("fish &amp; chips &lt;3", "fish chips 3"),
    ("a &quot;quoted&quot;&nbsp;word &amp;lt;", "a quoted word lt"),
    ("see bit.ly/abc or www.example.org now", "see or now"),
    ("awww.so cute, HTTPS://X.com/a?b#c, (http://x.y)", "awww so cute"),
    ("1/2 and/or a.b", "1 2 and or a b"),
    ("\x00a\x1fb\x7fc", "a b c"),
    ("e\u0301te\u0301 ½", "e\u0301te\u0301 ½"),
    ("naïve Straße 東京 नमस्ते", "naïve straße 東京 नमस्ते"),
    ("great 😀🇩🇪 day_out", "great day out"),
    ("@only #tags https://x.y", ""),
    ("  tabs\tand\nlines  ", "tabs and lines"),
]


def test_removes_mentions_hashtags_urls_and_special_characters(spark: SparkSession) -> None:
    frame = texts_frame(spark, *[text for text, _ in CLEANED])

    rows = {row["text"]: row for row in labelled(frame, no_labels(spark)).collect()}

    assert {text: row["clean_text"] for text, row in rows.items()} == dict(CLEANED)
    assert all(row["tokens"] == row["clean_text"].split() for row in rows.values())


def test_a_human_label_beats_the_lexicon(spark: SparkSession) -> None:
    frame = texts_frame(spark, "I love this", "I hate that", "a table")
    key = {row["text"]: row["text_hash"] for row in frame.collect()}
    labels = spark.createDataFrame(
        [
            (
                key["I love this"],
                "I love this",
                "negative",
                "people",
                "2026-11-01T00:00:00Z",
                "import",
            )
        ],
        schema("labels"),
    )

    rows = {row["text"]: row for row in labelled(frame, labels).collect()}

    loved = rows["I love this"]
    assert (loved["label"], loved["label_source"], loved["label_confidence"]) == (
        "negative",
        "human",
        1.0,
    )
    assert loved["lexicon_label"] == "positive"
    hated = rows["I hate that"]
    assert (hated["label"], hated["label_source"]) == ("negative", "lexicon")
    assert hated["label_confidence"] == pytest.approx(abs(hated["lexicon_compound"]))
    assert rows["a table"]["label"] == "neutral"


def test_a_tweet_of_which_nothing_is_left_has_no_label_of_a_person(spark: SparkSession) -> None:
    frame = texts_frame(spark, "@ann @bob", "https://t.co/abc ", "RT @ann: @bob", "fine")
    label = (EMPTY, "@ann", "positive", "people", "2026-11-01T00:00:00Z", "import")
    labels = spark.createDataFrame([label], schema("labels"))

    rows = frame.transform(attach_label(labels)).collect()

    nothing_left = [row for row in rows if row["text"] != "fine"]
    assert {row["text_hash"] for row in nothing_left} == {EMPTY}
    assert {(row["label_source"], row["label"]) for row in nothing_left} == {("lexicon", "neutral")}


CASES = json.loads((FIXTURES / "labels-that-count.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_label_that_counts_is_that_of_training_and_gate(
    spark: SparkSession, order: int
) -> None:
    lines = [json.dumps(row) for case in CASES for row in case["labels"]][::order]
    rows, _ = parse_labels("\n".join(lines))

    decided = decided_labels(spark.createDataFrame(rows, schema("labels"))).collect()

    assert {row["text_hash"]: row["human_label"] for row in decided} == {
        key.text_hash(case["labels"][0]["text"]): case["counts"]
        for case in CASES
        if case["counts"] is not None
    }


def test_labels_of_no_known_class_or_of_no_text_do_not_count(spark: SparkSession) -> None:
    votes = [("unknown", "angry"), (EMPTY, "positive")]
    rows = [(text_hash, "text", label, "people", "2026", "import") for text_hash, label in votes]

    assert decided_labels(spark.createDataFrame(rows, schema("labels"))).collect() == []


def test_decides_as_gate_and_training_do(spark: SparkSession) -> None:
    fixture = json.loads((FIXTURES / "held-out.json").read_text("utf-8"))
    sampled: dict[str, set[str | None]] = {}
    for row in fixture["labels"]:
        sampled.setdefault(row["text_hash"], set()).add(row.get("sampling"))
    labels = spark.createDataFrame(fixture["labels"], schema("labels"))

    decided = decided_labels(labels).collect()

    # On the test side, and not only ever labelled because a model was unsure.
    lines = sorted(
        f"{row['text_hash']} {row['human_label']}\n"
        for row in decided
        if int(row["text_hash"][:8], 16) % 100 < 20 and sampled[row["text_hash"]] != {"uncertain"}
    )
    assert {
        "rows": len(lines),
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    } == fixture["held_out"]


def test_ends_with_the_declared_columns_in_order(spark: SparkSession) -> None:
    frame = (
        raw_frame(spark, tweet())
        .transform(accepted)
        .transform(newest_per_tweet)
        .transform(attach_label(spark.createDataFrame([], schema("labels"))))
        .transform(to_tweets)
    )

    assert frame.columns == [*[column["name"] for column in columns("tweets")], "dt"]
    declared = {field.name: field.dataType for field in schema("tweets").fields}
    assert {field.name: field.dataType for field in frame.drop("dt").schema.fields} == declared


def test_no_handle_tag_or_address_survives_in_a_mixed_crowd() -> None:
    parts = ["@Ann", "#MadeIt", "https://t.co/x1", "why?", "no_way", "ok…", "www.site.com", "#ü1"]
    crowd = [
        " ".join([parts[a], "word", parts[b], parts[c]])
        for a in range(len(parts))
        for b in range(len(parts))
        for c in range(len(parts))
    ]

    readings = read(crowd)

    left_over = re.compile(r"@|#|http|www|[^\w ]|_|ann|madeit|site|ü1")
    assert [one.clean_text for one in readings if left_over.search(one.clean_text)] == []


def test_takes_the_same_lines_for_labels_as_gate_and_training() -> None:
    lines = json.loads((FIXTURES / "label-lines.json").read_text("utf-8"))

    assert all(parse_labels(line)[1] is None for line in lines["labels"])
    assert all(parse_labels(line)[0] == [] for line in lines["others"])
