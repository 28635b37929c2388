"""The folder that is benchmarked on, and the files beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lstm.data import Row, read_lines
from lstm.labels import INDEX_OF, LABELS
from lstm.pretraining import Corpus, read_corpora

TRAIN, VALIDATION, AUXILIARY = "sentiment-train", "sentiment-val", "auxiliary"


@dataclass(frozen=True)
class Data:
    """`judged` are the rows that systems are scored on: the test file's, else the validation's."""

    train: list[Row]
    validation: list[Row]
    corpora: list[Corpus]
    judged: list[Row]
    judged_name: str


def read_data(folder: Path, test: Path | None, limit: int | None) -> Data:
    """`limit` keeps so many rows of each file, for a quick look. Raises ValueError or OSError."""
    train = read_rows(_file(folder, TRAIN))[:limit]
    validation = read_rows(_file(folder, VALIDATION))[:limit]
    auxiliary = _file(folder, AUXILIARY, may_miss=True)
    return Data(
        train,
        validation,
        [] if auxiliary is None else _cut(read_corpora(auxiliary), limit),
        validation if test is None else read_rows(test),
        f"validation ({VALIDATION})" if test is None else test.name,
    )


def read_rows(path: Path | None) -> list[Row]:
    """JSON Lines, gzipped or not, of `{"text": …, "label": "positive"}`."""
    assert path is not None
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            text, label = record["text"], INDEX_OF[record["label"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}, line {number}: expected {{"text": "…", "label": '
                f'"{"|".join(LABELS)}"}}: {error}'
            ) from error
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        rows.append(Row(digest, text, label))
    if not rows:
        raise ValueError(f"{path} holds no row")
    return rows


def read_texts(path: Path) -> list[str]:
    """One text a line; an empty line is an empty text."""
    content = path.read_text("utf-8").replace("\r\n", "\n")
    return content.removesuffix("\n").split("\n")


def labels_of(rows: list[Row]) -> np.ndarray:
    return np.array([row.label for row in rows], dtype=np.int64)


def _file(folder: Path, name: str, may_miss: bool = False) -> Path | None:
    found = [
        path for suffix in ("jsonl.gz", "jsonl") if (path := folder / f"{name}.{suffix}").is_file()
    ]
    if found:
        return found[0]
    if may_miss:
        return None
    raise ValueError(f"{folder} holds neither {name}.jsonl.gz nor {name}.jsonl")


def _cut(corpora: list[Corpus], limit: int | None) -> list[Corpus]:
    return [
        Corpus(corpus.task, corpus.texts[:limit], corpus.labels[:limit], corpus.classes)
        for corpus in corpora
    ]
