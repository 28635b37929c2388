"""Systems to compare with, trained on the same rows: index of the class for each judged text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lstm import lexicon
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from ml.bench.data import Data, labels_of


@dataclass(frozen=True)
class Answers:
    system: str
    answers: np.ndarray
    train_seconds: float | None


def baselines(data: Data) -> Iterator[Answers]:
    texts = [row.text for row in data.judged]
    labels = labels_of(data.train)
    majority = int(np.bincount(labels).argmax())
    yield Answers("commonest class", np.full(len(texts), majority), None)
    yield Answers("VADER, ±0.05", lexicon.classify(texts), None)

    started = time.monotonic()
    linear = make_pipeline(
        FeatureUnion(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
                (
                    "characters",
                    TfidfVectorizer(
                        analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True
                    ),
                ),
            ]
        ),
        LinearSVC(C=0.1, class_weight="balanced"),
    )
    linear.fit([row.text for row in data.train], labels)
    yield Answers(
        "TF-IDF of words and characters + linear SVM",
        linear.predict(texts),
        time.monotonic() - started,
    )
