"""A text put together from the readings of its tokens says what the rules say of it as a whole."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_text import PARTS

from etl import reading
from etl.reading import Reading, read
from etl.text import key, vader, words

# Signs and words that change what another token means, or that look like another sign.
OTHERS = st.sampled_from(
    ["rt", "Rt:", "ＲＴ", "İrt", "ﬁrt", "\u200brt", "@rt", "：", "／／", "&#64;", "&#58;", "&nbsp;"]
    + ["not", "never", "so", "this", "but", "kind", "of", "VERY", "good", "bad", "no", "least"]
    + ["www.", "a.bc/d", "https:/", "htt..", "!", "?", "'s", "\n", "\u00b4", "Σ", "1", ":)"]
)
TEXTS = st.lists(st.one_of(PARTS, OTHERS, OTHERS, st.just(" ")), max_size=14).map("".join)
SPACED = st.lists(st.one_of(PARTS, OTHERS), max_size=14).map(" ".join)


def as_a_whole(text: str) -> Reading:
    return Reading(*words.words_of(text), key.text_hash(text), vader.compound(text))


@settings(max_examples=2000, deadline=None)
@given(st.one_of(TEXTS, SPACED))
@example("heart @ann RT @bob: so good")
@example("@rt @ann 's")
@example("on bad htt.. @rt @a: x")
@example("good\u200brt @a:x RT")
@example("(https://t.co/a)日 ://")
@example("a ://x (https://t.co/a)b")
@example("#Tag @Ann #tag @ann/list RT @Bob: @ann #TAG @aaaaaaaaaaaaaaaaaaaaa")
def test_tokens_say_what_the_text_says(text: str) -> None:
    assert read([text]) == [as_a_whole(text)]


@pytest.mark.parametrize("most", [0, 3, 50_000])
def test_what_was_read_before_changes_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_REMEMBERED", most)
    reading._tokens.cache_clear()
    dice = random.Random(3)
    fixture = Path(__file__).parents[1] / "fixtures" / "text-keys.json"
    cases = [case["text"] for case in json.loads(fixture.read_text("utf-8"))]
    tokens = [token for text in cases for token in text.split(" ")]
    texts = cases + [" ".join(dice.choices(tokens, k=8)) for _ in range(500)]

    assert read(texts) == [as_a_whole(text) for text in texts]
    assert read(texts[::-1]) == [as_a_whole(text) for text in texts[::-1]]
    reading._tokens.cache_clear()
