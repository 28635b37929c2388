"""How the text of a tweet is read; no Spark is needed for it."""

import random
import time
from itertools import permutations

import pytest
from cases import cases
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
)

from etl.text import vader
from etl.text.key import normalise_for_key, text_hash
from etl.text.links import without_urls
from etl.text.words import clean_text, words_of

# Signs that mean something to a rule, beside random ones.
PARTS = st.sampled_from(
    ["http://", "https://t.co/a1", "https…", "://", "x.org/", "@", "＠ann", "@ann", "RT", "rt @a:"]
    + [
        "#",
        "#tag",
        "&amp;",
        "&lt;",
        "&#39;",
        "&",
        ";",
        "…",
        "(",
        ")",
        ".",
        "?",
        "'",
        "’",
        " ",
        "  ",
    ]
    + [
        "\u3000",
        "\u2028",
        "\u200d",
        "\ufe0f",
        "\u0301",
        "é",
        "İ",
        "ΟΣ",
        "ﬁ",
        "😀",
        "\ud83d",
        "日本",
    ]
)
TEXTS = st.lists(st.one_of(PARTS, PARTS, st.text(max_size=6)), max_size=14).map("".join)
RUNS = settings(max_examples=400, deadline=None)


@pytest.mark.parametrize(("sent", "kept"), cases("links.tsv"))
def test_a_link_ends_where_x_ends_it(sent: str, kept: str) -> None:
    assert without_urls(sent) == kept
    assert text_hash(sent) == text_hash(kept)


@pytest.mark.parametrize(("text", "clean"), cases("clean-texts.tsv"))
def test_the_words_of_a_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@pytest.mark.parametrize(("text", "hashtags", "mentions"), cases("tags-and-mentions.tsv"))
def test_the_hashtags_and_mentions_of_a_text(text: str, hashtags: str, mentions: str) -> None:
    _, found, names = words_of(text)

    assert list(found) == hashtags.split()
    assert list(names) == mentions.split()


@pytest.mark.parametrize(("text", "label"), cases("lexicon.tsv"))
def test_what_the_lexicon_hears(text: str, label: str) -> None:
    assert vader.label(vader.compound(text)) == label


@pytest.mark.parametrize(("one", "other", "same"), cases("same-text.tsv"))
def test_texts_that_people_read_as_one_have_one_key(one: str, other: str, same: str) -> None:
    assert (text_hash(one) == text_hash(other)) == (same == "yes")


@RUNS
@given(TEXTS)
@example("@@a@b https://t.co/a")
@example("Øhttp://\u0301")
def test_every_text_is_read_and_once_read_stays_as_it_is(text: str) -> None:
    kept = without_urls(text)
    assert without_urls(kept) == kept
    assert normalise_for_key(kept) == normalise_for_key(text)
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert -1 <= vader.compound(text) <= 1
    vader.prepare(text).encode("utf-8")
    if "&" not in text:
        key = normalise_for_key(text)
        assert normalise_for_key(key) == key


WORDS = st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x2AF), min_size=1, max_size=9)
NOT_WORDS = st.sampled_from(["@ann", "#tag1", "https://t.co/a1", "https://x.org/a?b=c"])


@RUNS
@given(st.lists(st.tuples(st.booleans(), WORDS, NOT_WORDS), max_size=12))
def test_nothing_but_links_mentions_and_tags_is_lost(parts: list[tuple[bool, str, str]]) -> None:
    text = " ".join(word if is_word else other for is_word, word, other in parts)
    words = [word for is_word, word, _ in parts if is_word]

    cleaned = clean_text(text)

    # A retweet mark before a mention goes with it.
    expected = [word.lower() for word in words if word.lower() != "rt"]
    assert [word for word in cleaned.split() if word != "rt"] == " ".join(expected).split()


def test_a_score_is_the_one_that_vader_gives() -> None:
    dice = random.Random(11)
    theirs, ours = SentimentIntensityAnalyzer(), vader.analyzer()
    rated = [word for word in theirs.lexicon if not any(sign in theirs.emojis for sign in word)]
    others = [*BOOSTER_DICT, *NEGATE, *SPECIAL_CASES, "but", "so", "this", "least", "at", "or"]
    others += ["BUT", "without", "doubt", "kind", "of", "GREAT", "the", "a", "!", "??", "nor"]
    for _ in range(2_000):
        words = [
            dice.choice(rated if dice.random() < 0.4 else others)
            for _ in range(dice.randint(0, 25))
        ]
        text = dice.choice([str, str, str.title, str.upper])(" ".join(words))
        if not any(sign in theirs.emojis for sign in text):
            assert ours.compound(text) == theirs.polarity_scores(text)["compound"], text


def test_every_modifier_counts_wherever_it_is_near_a_rated_word() -> None:
    theirs, ours = SentimentIntensityAnalyzer(), vader.analyzer()
    alone = {
        *" ".join([*BOOSTER_DICT, *NEGATE, *SPECIAL_CASES]).split(),
        "but",
        "kind",
        "of",
        "nor",
    }
    common = ["never", "so", "this", "no", "least", "very", "or", "not", "without", "doubt", "but"]
    near = [place for place in range(8) if place != 4]
    placed = [{place: word} for place in near for word in alone | {*common}]
    placed += [
        {place: one, other: another}
        for place, other in permutations(near, 2)
        for one, another in permutations(common, 2)
    ]
    for words in placed:
        tokens = [words.get(place, "table") for place in range(8)]
        tokens[4] = "good"
        text = " ".join(tokens)
        assert ours.compound(text) == theirs.polarity_scores(text)["compound"], text


LONGEST = vader.MAX_CHARACTERS
UNITS = [
    "love ",
    ":) ",
    "GREAT or bad ",
    "good but bad ",
    "not so good ",
    "!",
    "?!",
    "a",
    "@",
    "@a ",
]
UNITS += ["#0", "&", "http://", "http://a/(", "http://a/)", "a.", "www.", "rt ", "htt…", "("]
UNITS += ["e\u0301\u0316", "\u0301", "\ufdfa", "あ", "😂", "🎉😡", "https://t.co/", "\0", "://"]


@pytest.mark.parametrize("unit", UNITS)
def test_no_text_as_long_as_x_takes_them_takes_long(unit: str) -> None:
    text = (unit * LONGEST)[:LONGEST]

    started = time.process_time()
    vader.compound(text)
    clean_text(text)
    text_hash(text)

    # The slowest, emoji alone, take half a second on one core.
    assert time.process_time() - started < 4


def test_a_long_post_is_read_to_its_end() -> None:
    text = ("the bus " * 3_100)[: LONGEST - 20]

    assert vader.compound(text) == 0
    assert vader.label(vader.compound(text + " I hate it")) == "negative"
