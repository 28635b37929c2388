"""Reads labelled tweets for the benchmark."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lstm.data import Row
from lstm.files import lines_in, read_object
from lstm.labels import INDEX_OF, LABELS


def read_rows(path: Path) -> list[Row]:
    """JSON Lines, gzipped or not, of `{"text": "…", "label": "positive"}`. Raises ValueError that
    names file and line."""
    rows = []
    for number, line in lines_in(path, path, None):
        try:
            record = read_object(line)
            text, label = record.get("text"), record.get("label")
            if not isinstance(text, str) or label not in LABELS:
                expected = f'{{"text": "…", "label": "{"|".join(LABELS)}"}}'
                raise ValueError(f"expected {expected}, not {line[:80]}")
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        rows.append(Row(digest, text, INDEX_OF[label]))
    if not rows:
        raise ValueError(f"{path} has no rows")
    return rows


def read_texts(path: Path) -> list[str]:
    """One text a line; an empty line is an empty text."""
    return path.read_text("utf-8").removesuffix("\n").split("\n")


def find(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}.{suffix}" for suffix in ("jsonl.gz", "jsonl"))
    return next((path for path in paths if path.is_file()), None)


def require(folder: Path, name: str) -> Path:
    """As `find`. Raises ValueError if there is no such file."""
    found = find(folder, name)
    if found is None:
        raise ValueError(f"{folder} has neither {name}.jsonl.gz nor {name}.jsonl")
    return found
