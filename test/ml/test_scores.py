from __future__ import annotations

import numpy as np
import pytest
from lstm.scores import Bootstrap, macro_recall, scores

TRUTH = np.array([0, 0, 1, 1, 1, 1, 2, 2])
ANSWERS = np.array([0, 1, 1, 1, 1, 0, 2, 2])


def test_scores_are_the_ones_counted_by_hand() -> None:
    found = scores(TRUTH, ANSWERS)

    assert found["recall"] == {"negative": 0.5, "neutral": 0.75, "positive": 1.0}
    assert found["macro_recall"] == pytest.approx(0.75)
    assert found["accuracy"] == pytest.approx(6 / 8)
    assert found["macro_f1"] == pytest.approx((0.5 + 0.75 + 1) / 3)


def test_a_class_never_answered_scores_nothing_instead_of_dividing_by_zero() -> None:
    found = scores(TRUTH, np.full_like(TRUTH, 2))

    assert found["recall"] == {"negative": 0.0, "neutral": 0.0, "positive": 1.0}
    assert found["macro_f1"] == pytest.approx(2 * 2 / (2 + 8) / 3)


def test_a_system_does_not_differ_from_itself() -> None:
    found = Bootstrap(seed=1).difference(TRUTH, ANSWERS, ANSWERS)

    assert (found["value"], found["low"], found["high"]) == (0, 0, 0)


def test_the_interval_covers_a_known_difference_and_excludes_zero() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 900)
    one = np.where(rng.random(900) < 0.8, truth, (truth + 1) % 3)
    other = np.where(rng.random(900) < 0.6, truth, (truth + 1) % 3)

    found = Bootstrap(seed=1).difference(truth, one, other)

    assert found["value"] == pytest.approx(macro_recall(truth, one) - macro_recall(truth, other))
    assert 0 < found["low"] < 0.2 < found["high"] < 0.3
    # Two independent systems on 900 rows: sqrt(0.8*0.2/900 + 0.6*0.4/900), 1.96 times, both ways.
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * 0.0211, rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    found = [Bootstrap(seed=5).difference(TRUTH, ANSWERS, TRUTH) for _ in range(2)]

    assert found[0] == found[1]


def test_drawing_counts_is_drawing_rows() -> None:
    rng = np.random.default_rng(2)
    truth = np.repeat([0, 1, 2], [200, 60, 340])
    one = np.where(rng.random(600) < 0.7, truth, (truth + 1) % 3)
    other = np.where(rng.random(600) < 0.65, truth, (truth + 2) % 3)
    differences = []
    for _ in range(4000):
        drawn = np.concatenate(
            [
                rng.choice(np.flatnonzero(truth == label), (truth == label).sum())
                for label in (0, 1, 2)
            ]
        )
        differences.append(
            macro_recall(truth[drawn], one[drawn]) - macro_recall(truth[drawn], other[drawn])
        )

    found = Bootstrap(seed=1).difference(truth, one, other)

    low, high = np.quantile(differences, [0.025, 0.975])
    assert found["low"] == pytest.approx(low, abs=0.006)
    assert found["high"] == pytest.approx(high, abs=0.006)


def test_a_lower_level_gives_a_narrower_interval() -> None:
    wide, narrow = (Bootstrap(1, level).interval(TRUTH, ANSWERS) for level in (0.95, 0.5))

    assert wide["low"] < narrow["low"] <= 0.75 <= narrow["high"] <= wide["high"]
