from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tiny_job  # noqa: F401 (puts ml/training on the path)
from evaluation import behaviour
from evaluation.behaviour import Answers, Sentence
from lstm.data import HumanLabels, Row, read_weak_rows, split_of
from lstm.labels import INDEX_OF, LABELS
from test_data import ENGLISH, weak, weak_file

from etl.text import key

CORPUS = Path(__file__).parents[2] / ".venv/share/sentiment-lake/tweets_GroundTruth.txt"
SENTENCES = behaviour.tests().sentences


class Model:
    """Answers by a function from a text to a score, -1 (negative) to 1 (positive)."""

    def __init__(self, score) -> None:
        self._score = score

    def probabilities(self, texts: list[str]) -> np.ndarray:
        scores = np.array([self._score(text) for text in texts])
        positive, negative = np.maximum(scores, 0), np.maximum(-scores, 0)
        return np.stack([negative, 1 - positive - negative, positive], axis=1)


def _counts(candidate: Model, champion: Model | None = None) -> dict[str, dict]:
    return {group["name"]: group for group in behaviour.behaviour(candidate, champion)["groups"]}


def test_some_hundreds_of_sentences_each_once_and_without_open_slots() -> None:
    texts = [one.text for one in SENTENCES]

    assert Counter(one.group for one in SENTENCES) == {
        name: 60
        for name in (
            "negation",
            "names",
            "intensifiers",
            "emoji",
            "irony",
            "noise",
            "questions",
        )
    }
    assert len(set(texts)) == len(texts) == 420
    assert not any("{" in text or "}" in text for text in behaviour.tests().texts())
    for one in SENTENCES:
        assert set(one.labels) <= set(LABELS)
        assert one.base != one.text
        # A sentence that every answer passes tests nothing.
        assert one.relation is not None or len(one.labels) < len(LABELS)


def test_the_sentences_are_the_same_in_every_process() -> None:
    assert SENTENCES[0].text == "the coffee was not good"
    assert SENTENCES[1].text == "the hotel was not great"


def test_no_group_is_passed_by_a_model_that_always_answers_the_same() -> None:
    for score in (-1.0, 0.0, 1.0):
        for name, group in _counts(Model(lambda _, score=score: score)).items():
            # Irony is never positive: there a model that calls everything negative is right.
            most = 60 if (name, score) == ("irony", -1.0) else 45
            assert group["passed"]["candidate"] <= most, name


@pytest.mark.parametrize(
    ("relation", "labels", "text_score", "base_score", "passes"),
    [
        (None, ("negative",), -0.9, 0.0, True),
        (None, ("negative",), 0.9, 0.0, False),
        (None, ("neutral", "positive"), 0.0, 0.0, True),
        ("same", LABELS, 0.9, 0.8, True),
        ("same", LABELS, 0.9, -0.8, False),
        # Equal to the unchanged sentence, and wrong like it.
        ("same", ("positive",), -0.9, -0.9, False),
        ("above", LABELS, 0.75, 0.8, True),
        ("above", LABELS, 0.65, 0.8, False),
        ("below", LABELS, -0.75, -0.8, True),
        ("below", LABELS, -0.65, -0.8, False),
    ],
)
def test_a_sentence_passes_if_label_and_relation_hold(
    relation: str | None,
    labels: tuple[str, ...],
    text_score: float,
    base_score: float,
    passes: bool,
) -> None:
    scores = {"text": text_score, "base": base_score}
    answers = Answers(
        {
            text: INDEX_OF["neutral" if score == 0 else "positive" if score > 0 else "negative"]
            for text, score in scores.items()
        },
        scores,
    )
    base = None if relation is None else "base"

    assert answers.passes(Sentence("group", 0, "text", labels, relation, base)) is passes


def test_templates_count_as_better_and_worse_than_the_champions() -> None:
    def hears_not(text: str) -> float:
        return -0.9 if "not" in text.split() or "n't" in text else 0.9

    hears = _counts(Model(hears_not), Model(lambda _: 0.9))["negation"]
    deaf = _counts(Model(lambda _: 0.9), Model(hears_not))["negation"]

    assert hears["passed"]["candidate"] == deaf["passed"]["champion"]
    assert hears["passed"]["champion"] == deaf["passed"]["candidate"] == 18
    counts = hears["against_champion"]
    # "the … wasn't bad" and "not bad at all" are what it now gets wrong.
    assert counts["better"] > counts["worse"] == 3
    assert deaf["against_champion"] == {"better": counts["worse"], "worse": counts["better"]}


def test_the_lexicon_hears_not_and_sees_no_irony() -> None:
    groups = _counts(Model(lambda _: 0.0))

    assert groups["negation"]["passed"]["lexicon"] >= 50
    assert groups["irony"]["passed"]["lexicon"] <= 10


def test_no_sentence_is_among_the_bundled_labels_or_the_golden_tweets() -> None:
    rows = CORPUS.read_bytes().decode("utf-8").split("\r\n")
    texts = [row.split("\t", 2)[2] for row in rows if row]
    golden = Path(__file__).parents[2] / "functions/model/golden-tweets.ts"

    assert len(texts) == 4200
    assert behaviour.text_keys().isdisjoint(map(key.text_hash, texts))
    code = golden.read_text("utf-8")
    assert not any(f"'{text}'" in code for text in behaviour.tests().texts())


def test_no_training_sees_a_sentence_whoever_labelled_it(tmp_path: Path) -> None:
    texts = behaviour.tests().texts()
    others = [f"another text {index}" for index in range(100)]
    rows = [Row(key.text_hash(text), text, INDEX_OF["positive"]) for text in [*texts, *others]]
    weak_file(tmp_path, [weak(text) for text in [*texts, *others]])
    keys = behaviour.text_keys()

    labels = HumanLabels(rows, 0).not_trained_on(keys)
    # Limits by the number of human rows do not matter here.
    weak_rows = read_weak_rows(tmp_path, HumanLabels(rows[-100:], 0), 100, ENGLISH, keys)
    unguarded = read_weak_rows(tmp_path, HumanLabels(rows[-100:], 0), 100, ENGLISH)

    for split in ("train", "validation"):
        assert keys.isdisjoint(row.text_hash for row in labels.of(split))
        assert len(labels.of(split)) == sum(
            split_of(key.text_hash(text)) == split for text in others
        )
    # The gate counts the held-out rows again from all labels.
    assert labels.of("test") == HumanLabels(rows, 0).of("test")
    assert keys.isdisjoint(row.text_hash for row in weak_rows)
    assert not keys.isdisjoint(row.text_hash for row in unguarded)
