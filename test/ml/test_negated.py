from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from lstm.data import Row
from lstm.labels import INDEX_OF
from lstm.model import NEGATION_REACH
from lstm.negated import BAD_NEGATED, FURTHEST, GOOD_NEGATED, NEGATIONS, negated_copies
from lstm.recipe import TrainingSet
from lstm.settings import Hyperparameters


def row(text: str, label: str) -> Row:
    return Row(text, text, INDEX_OF[label])


def test_a_negation_is_put_before_the_rated_word_or_up_to_two_words_earlier() -> None:
    text = "Guys, the new harbour bus is great, take it!"
    found = {negated_copies([row(text, "positive")], seed)[0] for seed in range(200)}

    places = ["bus is great", "is great", "great"]
    expected = {
        (text.replace(place, f"{word} {place}"), GOOD_NEGATED)
        for place in places
        for word in NEGATIONS
    }
    assert found == expected
    assert FURTHEST < NEGATION_REACH


def test_a_negated_bad_word_is_at_best_good() -> None:
    [(text, target)] = negated_copies([row("terrible coffee", "negative")], seed=1)

    assert text.endswith(" terrible coffee") and text.split()[0] in NEGATIONS
    assert target == BAD_NEGATED


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("the bus to the station", "neutral"),
        ("a great and lovely day", "positive"),
        ("a great day", "neutral"),
        ("a great day", "negative"),
        ("never a great day", "positive"),
        ("it isn't great", "positive"),
        ("", "positive"),
    ],
)
def test_no_copy_without_one_rated_word_that_agrees_with_the_label(text: str, label: str) -> None:
    assert negated_copies([row(text, label)], seed=1) == []


def test_a_text_has_the_same_copy_whatever_rows_are_beside_it() -> None:
    texts = [row(f"the {word} was great", "positive") for word in ("bus", "film", "menu")]

    alone = [copy for one in texts for copy in negated_copies([one], seed=3)]

    assert negated_copies(texts, seed=3) == alone
    assert negated_copies(texts, seed=4) != alone


def test_copies_of_human_rows_have_their_own_weight_and_can_be_left_out() -> None:
    human = [row("a great day", "positive"), row("the bus", "neutral")]
    weak = [row("a lovely day", "positive")]
    options = Hyperparameters(negated_weight=0.25)

    found = TrainingSet.of(human, weak, None, [], options)
    without = TrainingSet.of(human, weak, None, [], dataclasses.replace(options, negated_weight=0))

    assert [len(found.texts), found.targets.shape] == [4, (4, 3)]
    assert found.texts[:3] == without.texts == ["a great day", "the bus", "a lovely day"]
    np.testing.assert_allclose(found.weights, [1, 1, 0.1, 0.25])
    np.testing.assert_allclose(found.targets[3], GOOD_NEGATED)
