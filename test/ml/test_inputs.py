"""What counts as changed for a training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lstm import inputs
from lstm.data import HumanLabels, Row
from lstm.inputs import same_as_last, training_input
from lstm.pretraining import Corpus
from lstm.settings import Hyperparameters

TRAIN, TEST = "6" + "0" * 63, "0" * 64
LABELS = HumanLabels([Row(TEST, "held out", 0), Row(TRAIN, "learnt", 2)], conflicts=0)
WEAK = [Row("7" + "0" * 63, "weak", 1, 0.7)]
REQUEST = {"images": {"training": "repository:1"}, "cleaned_data": [{"version": "a"}]}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.npz"
    path.write_bytes(b"vectors")
    return path


def digest(vectors: Path, **changes: Any) -> str:
    given: dict[str, Any] = {
        "labels": LABELS,
        "weak": WEAK,
        "options": Hyperparameters(),
        "request": REQUEST,
        "encoder": None,
        "corpora": [],
        **changes,
    }
    labels, weak, options = given.pop("labels"), given.pop("weak"), given.pop("options")
    return training_input(labels, weak, options, vectors_path=vectors, **given)


def labels_with(place: int, **change: Any) -> HumanLabels:
    rows = list(LABELS.rows)
    rows[place] = dataclasses.replace(rows[place], **change)
    return dataclasses.replace(LABELS, rows=rows)


CORPUS = Corpus("mood", ["text"], np.array([0]), ["good"])
CHANGES: dict[str, dict[str, Any]] = {
    "a corrected label to train on": {"labels": labels_with(1, label=1)},
    "a corrected label that is held out": {"labels": labels_with(0, label=1)},
    "another text with the same key": {"labels": labels_with(1, text="Learnt")},
    "a label that may no longer be held out": {"labels": labels_with(0, may_be_held_out=False)},
    "one more label": {
        "labels": dataclasses.replace(LABELS, rows=[*LABELS.rows, Row("9" * 64, "more", 0)])
    },
    "another weak row": {"weak": [*WEAK, Row("8" + "0" * 63, "more", 1, 0.7)]},
    "one weak row less": {"weak": []},
    "another label of a weak row": {"weak": [dataclasses.replace(WEAK[0], label=0)]},
    "another confidence of a weak row": {"weak": [dataclasses.replace(WEAK[0], confidence=0.8)]},
    "another option": {"options": Hyperparameters(seed=2)},
    "another image": {"request": {**REQUEST, "images": {"training": "repository:2"}}},
    "a corpus": {"corpora": [CORPUS]},
    "an encoder": {"request": {**REQUEST, "encoder": {"version": "one"}}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_what_is_learnt_from_is_seen(vectors: Path, change: dict[str, Any]) -> None:
    assert digest(vectors, **change) != digest(vectors)


def test_other_word_vectors_are_seen(vectors: Path) -> None:
    before = digest(vectors)
    vectors.write_bytes(b"others")

    assert digest(vectors) != before


def test_other_code_is_seen(vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program").mkdir()
    module = tmp_path / "program" / "train.py"
    module.write_text("one", "utf-8")
    monkeypatch.setattr(inputs, "PROGRAM", tmp_path / "program")
    before = digest(vectors)
    module.write_text("two", "utf-8")

    assert digest(vectors) != before


def test_another_snapshot_with_the_same_rows_is_no_change(vectors: Path) -> None:
    request = {**REQUEST, "cleaned_data": [{"version": "b"}], "champion": {"version": "sl-2"}}

    assert digest(vectors, request=request) == digest(vectors)


def test_an_encoder_counts_the_same_whether_it_is_given_or_made_in_the_job(vectors: Path) -> None:
    request = {**REQUEST, "encoder": {"version": "one"}}

    assert digest(vectors, request=request, corpora=[CORPUS]) == digest(vectors, request=request)


def test_only_a_job_that_is_told_of_the_last_training_compares() -> None:
    last = {"version": "sl-1", "training_input": "abc"}

    assert same_as_last({"last_training": last}, "abc") == "sl-1"
    assert same_as_last({"last_training": last}, "abd") is None
    assert same_as_last({"last_training": None}, "abc") is None
    assert same_as_last({}, "abc") is None
