"""Human labels as stored in the lake: NDJSON that people may have written by hand.

Invalid lines are skipped and their object is reported. `ml/training/lstm/data.py` and
`functions/lake/labels.ts` read the same way: test/fixtures/label-lines.json tests all three.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from etl.schemas import columns, required, schema
from etl.text import key
from etl.text.label_rules import LABELS, MAY_BE_AHEAD, SAMPLINGS
from etl.unreadable import DamagedError, files_below, unpack

_TEXT_HASH = re.compile(r"[0-9a-f]{64}")
_FIELDS = tuple(column["name"] for column in columns("labels"))
_REQUIRED = required("labels")


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _latest_import() -> str:
    return (datetime.now(UTC) + MAY_BE_AHEAD).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _label(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or any(isinstance(value, (dict, list)) for value in row.values()):
        return None
    fits = (
        all(isinstance(row.get(name), str) for name in _REQUIRED)
        and _TEXT_HASH.fullmatch(row["text_hash"]) is not None
        # Spark, Python and JavaScript order other characters differently.
        and row["imported_at"].isascii()
        and row["imported_at"] <= _latest_import()
        and row["label"] in LABELS
        and (row.get("sampling") is None or row["sampling"] in SAMPLINGS)
    )
    if not fits:
        return None
    # Computed again: an older release or a person may have written another hash.
    text_hash = key.text_hash(row["text"])
    if text_hash == key.EMPTY:
        return None
    return {**{name: row.get(name) for name in _FIELDS}, "text_hash": text_hash}


def parse_labels(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """The labels in an object's text, and the problem with its other lines, if any."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    parsed = [(number, _label(line)) for number, line in lines]
    rows = [row for _, row in parsed if row is not None]
    wrong = [number for number, row in parsed if row is None]
    if not wrong:
        return rows, None
    return (
        rows,
        f"holds {len(wrong)} lines of {len(lines)} that are no labels, "
        f"the first is line {wrong[0]}",
    )


def _read(path: str, content: bytes | None) -> tuple[list[dict[str, Any]], str | None]:
    try:
        return parse_labels(unpack(content, path.endswith(".gz")).decode("utf-8"))
    except DamagedError as problem:
        return [], str(problem)
    except UnicodeDecodeError:
        return [], "is not UTF-8"


def _rows(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for files in batches:
        for path, content in zip(files["path"], files["content"], strict=True):
            yield pd.DataFrame(_read(path, content)[0], columns=list(_FIELDS))


def _problems(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for files in batches:
        problems = [
            _read(path, content)[1]
            for path, content in zip(files["path"], files["content"], strict=True)
        ]
        yield pd.DataFrame({"path": files["path"], "problem": problems}).dropna()


def read_labels(spark: SparkSession, path: str) -> tuple[DataFrame, dict[str, str]]:
    """The rows of the data set `labels` below a path, and the problem of each bad file, by path."""
    declared = schema("labels")
    files = files_below(spark, [path])
    rows = [row.asDict() for row in files.mapInPandas(_rows, declared).collect()]
    found = files.mapInPandas(_problems, "path string, problem string").collect()
    return spark.createDataFrame(rows, declared), {row["path"]: row["problem"] for row in found}
