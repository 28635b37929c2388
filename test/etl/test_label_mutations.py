"""Damaged label objects, as the Spark job and the training job read them: nothing stops either, and
both take the same lines for labels."""

import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ml" / "training"))

from lstm.data import read_labels
from lstm.files import SetAside
from lstm.labels import LABELS
from mutations import mutated, strict

from etl.labels import parse_labels
from etl.text import key
from etl.unreadable import DamagedError, unpack

OBJECTS = 300


def good(number: int) -> bytes:
    rows = (
        {
            "text_hash": key.text_hash(text),
            "text": text,
            "label": LABELS[row % 3],
            "source": "people",
            "imported_at": "2026-11-20T00:00:00.000Z",
            "sampling": "import",
        }
        for row in range(4)
        for text in [f"what a sunny day, {number} and {row} «naïve»"]
    )
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def by_spark(body: bytes) -> dict[str, str]:
    try:
        text = unpack(body, True).decode()
    except (DamagedError, UnicodeDecodeError):
        return {}
    return {row["text_hash"]: row["label"] for row in parse_labels(text)[0]}


def by_training(folder: Path, body: bytes) -> tuple[dict[str, str], bool]:
    aside = SetAside()
    (folder / "labels.ndjson.gz").write_bytes(body)
    try:
        rows = read_labels(folder, aside).rows
    except ValueError as error:
        assert "no human labels" in str(error)
        rows = []
    return {row.text_hash: LABELS[row.label] for row in rows}, bool(aside.as_list())


def test_no_mutation_of_labels_stops_a_reader_or_is_read_two_ways(tmp_path: Path) -> None:
    random_ = random.Random(2)
    for number in range(OBJECTS):
        whole = good(number)
        name, body = mutated(random_, whole)

        of_training, was_named = by_training(tmp_path, body)

        assert by_spark(body) == of_training, name
        try:
            content = unpack(body, True)
        except DamagedError:
            # Of no bytes at all there is nothing to say.
            assert was_named or body == b"", f"{name}: passed over without a word"
            continue
        lines = [line for line in content.split(b"\n") if line.strip()]
        untouched = [strict(line) for line in lines if line in whole.split(b"\n")]
        if was_named and not of_training:
            continue  # Not UTF-8: the object is left out as a whole.
        assert {row["text_hash"] for row in untouched if row} <= of_training.keys(), name
        # Whatever is no label is named, by both.
        assert was_named == (parse_labels(content.decode())[1] is not None), name
