"""The trained baseline: TF-IDF of words and characters, and a linear support vector machine."""

from __future__ import annotations

import warnings

import numpy as np
from lstm.data import Row

NAME = "tfidf-linear"
# More rows take minutes to fit and improve the baseline little.
MAX_ROWS = 60_000


def answers(train: list[Row], texts: list[str], seed: int) -> np.ndarray:
    """Class indices (N,), int64, after training on `train`, the rows that people labelled."""
    # Imported here because it takes a second, and most users of this package do not need it.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    rows = sorted(train, key=lambda row: row.text_hash)[:MAX_ROWS]
    model = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True, min_df=2),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=3),
        ),
        LinearSVC(C=0.2, class_weight="balanced", random_state=seed),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may not converge, which is good enough here
        model.fit([row.text for row in rows], [row.label for row in rows])
    return np.asarray(model.predict(texts), dtype=np.int64)
