from __future__ import annotations

import numpy as np
import pytest
import tiny_job
import torch
from lstm.archive import Archive
from lstm.data import Row
from lstm.initial_weights import fitted_to, new_model, start_from
from lstm.recipe import weak_labels
from lstm.settings import Hyperparameters
from lstm.tokenizer import Vocabulary
from lstm.training import pad
from tiny_job import Job, label_rows, packed
from vectors import DIMENSIONS, WordVectors

NOTHING = WordVectors([], np.zeros((0, DIMENSIONS), dtype=np.float16))


def test_a_model_made_of_the_champions_weights_answers_as_the_champion(trained: Job) -> None:
    champion = Archive.from_folder(trained.root / "model")
    texts = [row["text"] for row in label_rows(40)]

    start = start_from(champion)
    options = fitted_to(start, Hyperparameters())
    model = new_model(Vocabulary(start.words, {}), NOTHING, options, start).eval()

    rows = sorted(champion.tokenizer.encode(texts), key=len, reverse=True)
    with torch.inference_mode():
        ours = model(*map(torch.from_numpy, pad(rows))).softmax(dim=1).numpy()
    order = np.argsort([-len(row) for row in champion.tokenizer.encode(texts)], kind="stable")
    np.testing.assert_allclose(ours, champion.probabilities(texts)[order], atol=1e-5)


def test_a_training_starts_from_the_champion_if_asked(trained: Job, job: Job) -> None:
    packed(trained, job.root / "input" / "data" / "champion" / "model.tar.gz")
    tiny_job.write_hyperparameters(job.root, start_from="champion")

    finished = job.run(TRAINING_JOB_NAME="tiny-2")

    assert finished.returncode == 0, finished.stderr
    assert job.model_json("manifest.json")["start"] == {"from": "champion", "version": "tiny-1"}
    recalls = [each.model_json("evaluation.json")["candidate"] for each in (trained, job)]
    assert recalls[1] != recalls[0]


def test_starting_from_a_champion_that_is_not_there_fails_the_job(job: Job) -> None:
    tiny_job.write_hyperparameters(job.root, start_from="champion")

    assert job.run().returncode == 1
    assert job.failure().startswith("start_from is champion, but there is no champion yet")


class Says:
    """A champion that is this sure of each class, whatever the text."""

    def __init__(self, *shares: float) -> None:
        self.shares = shares

    def probabilities(self, texts: list[str]) -> np.ndarray:
        return np.array([self.shares] * len(texts))


@pytest.mark.parametrize(
    ("champion", "target", "weight"),
    [
        (None, [0, 0, 1], 0.8),
        (Says(0, 0, 1), [0.05, 0.05, 0.9], 0.9),
        (Says(1, 0, 0), [0.55, 0.05, 0.4], 0.55),
    ],
)
def test_a_weak_label_is_the_mean_of_lexicon_and_champion(
    champion: Says | None, target: list[float], weight: float
) -> None:
    row = Row("0" * 64, "so nice", 2, 0.8)

    targets, weights = weak_labels([row], champion)

    np.testing.assert_allclose(targets, [target])
    np.testing.assert_allclose(weights, [weight])
