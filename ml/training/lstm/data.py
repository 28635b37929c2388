"""Reads labelled rows from the channels, and splits them into train, validation and test."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow
import pyarrow.compute as pc
import pyarrow.lib
import pyarrow.parquet

from etl.text import key
from etl.text.label_rules import MAY_BE_AHEAD, SAMPLINGS
from lstm.files import MAX_UNPACKED_BYTES, SetAside, files_in, lines_in, read_object
from lstm.labels import INDEX_OF, LABELS

TEST_PERCENT = 20
VALIDATION_PERCENT = 10
TEXT_HASH = re.compile(r"[0-9a-f]{64}")
LABEL_FIELDS = ("text_hash", "text", "label", "source", "imported_at")
TEXT_HASH_ALONE = r"\A[0-9a-f]{64}\z"
RECORD_COLUMNS = ["text_hash", "text", "label", "label_confidence"]
WEAK_COLUMNS = [*RECORD_COLUMNS, "lang", "label_source"]
BATCH_ROWS = 16_384

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Row:
    """A labelled text; `label` is an index into LABELS, `confidence` is 1 for a human label."""

    # Computed from the text by this release; an older release or a person may have stored another.
    text_hash: str
    text: str
    label: int
    confidence: float = 1.0
    # False for a text that was labelled only because a model was unsure of it: such hard texts do
    # not show how good a model is on ordinary texts.
    may_be_held_out: bool = True
    # The hash stored with the text's oldest label, which decides the split; None: `text_hash`.
    first_hash: str | None = None

    @property
    def split(self) -> Split:
        return split_of(self.first_hash or self.text_hash) if self.may_be_held_out else "train"


@dataclass(frozen=True)
class HumanLabels:
    """One row per text, by text_hash, and how many texts had labels that disagreed."""

    rows: list[Row]
    conflicts: int

    def of(self, split: Split) -> list[Row]:
        return [row for row in self.rows if row.split == split]

    def not_trained_on(self, text_hashes: Set[str]) -> HumanLabels:
        """Without the rows of these texts, but for the test split, which the gate counts again."""
        kept = [row for row in self.rows if row.split == "test" or row.text_hash not in text_hashes]
        return replace(self, rows=kept)


def split_of(text_hash: str) -> Split:
    """20 % test, 10 % validation, by the hash alone. Call it with the hash stored with a text's
    oldest label: then a text stays in its split when a new release computes hashes differently."""
    bucket = int(text_hash[:8], 16) % 100
    if bucket < TEST_PERCENT:
        return "test"
    return "validation" if bucket < TEST_PERCENT + VALIDATION_PERCENT else "train"


def read_labels(folder: Path, aside: SetAside | None = None) -> HumanLabels:
    """The labels channel: NDJSON, gzipped or not.

    docs/labels.md says which of several labels of a text counts
    (test/fixtures/labels-that-count.json). Labels belong to one text if their texts have the same
    key now, whatever hash is stored with them. Raises ValueError that names file and line, or if
    there are no labels; with `aside`, invalid lines are noted there and left out, as the gate
    (functions/lake/labels.ts) and the Spark job (etl/labels.py) do.
    """
    of_text: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    first: dict[str, tuple[str, str]] = {}
    may_be_held_out: set[str] = set()
    for path in files_in(folder):
        # The gate reads objects up to the same size.
        for number, line in lines_in(path, folder, aside, MAX_UNPACKED_BYTES):
            try:
                row, imported_at = _label_row(line)
            except ValueError as error:
                if aside is None:
                    raise ValueError(f"{path}, line {number}: {error}") from error
                aside.add(folder, path, f"line {number}: {error}")
                continue
            of_text[row.text_hash].append((imported_at, row.label, row.text))
            stored = (imported_at, row.first_hash or row.text_hash)
            first[row.text_hash] = min(stored, first.get(row.text_hash, stored))
            if row.may_be_held_out:
                may_be_held_out.add(row.text_hash)
    if not of_text:
        raise ValueError(
            f"no human labels in {folder}: validation and test rows need them; "
            "import some (npm run lake -- import-labels <file>)"
        )
    return HumanLabels(
        rows=[
            replace(
                _winner(text_hash, of_text[text_hash]),
                may_be_held_out=text_hash in may_be_held_out,
                first_hash=first[text_hash][1],
            )
            for text_hash in sorted(of_text)
        ],
        conflicts=sum(len({label for _, label, _ in labels}) > 1 for labels in of_text.values()),
    )


def _label_row(line: str) -> tuple[Row, str]:
    record = read_object(line)
    for name in LABEL_FIELDS:
        if not isinstance(record.get(name), str):
            raise ValueError(f"{name} must be a string, not {record.get(name)!r}")
    if not TEXT_HASH.fullmatch(record["text_hash"]):
        raise ValueError(f"text_hash must be a SHA-256 in hex, not {record['text_hash']!r}")
    latest = (datetime.now(UTC) + MAY_BE_AHEAD).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if not record["imported_at"].isascii():
        raise ValueError(f"imported_at must be ASCII, not {record['imported_at']!r}")
    if record["imported_at"] > latest:
        raise ValueError(f"imported_at is in the future: {record['imported_at']!r}")
    if record["label"] not in INDEX_OF:
        raise ValueError(f"label must be one of {', '.join(LABELS)}, not {record['label']!r}")
    sampling = "import" if record.get("sampling") is None else record["sampling"]
    if sampling not in SAMPLINGS:
        raise ValueError(f"sampling must be one of {', '.join(SAMPLINGS)}, not {sampling!r}")
    text_hash = key.text_hash(record["text"])
    if text_hash == key.EMPTY:
        raise ValueError("text has nothing but mentions and links")
    row = Row(
        text_hash,
        record["text"],
        INDEX_OF[record["label"]],
        may_be_held_out=sampling != "uncertain",
        first_hash=record["text_hash"],
    )
    return row, record["imported_at"]


def _winner(text_hash: str, labels: list[tuple[str, int, str]]) -> Row:
    newest = max(imported_at for imported_at, _, _ in labels)
    votes = Counter(label for imported_at, label, _ in labels if imported_at == newest)
    label = min(votes, key=lambda candidate: (-votes[candidate], candidate))
    text = min(
        text for imported_at, chosen, text in labels if (imported_at, chosen) == (newest, label)
    )
    return Row(text_hash, text, label)


def read_weak_rows(
    folder: Path,
    labels: HumanLabels,
    per_human: float,
    languages: frozenset[str],
    left_out: Set[str] = frozenset(),
) -> list[Row]:
    """Texts of the tweets channel that only the lexicon labelled, each once, by text_hash.

    At most `per_human` for each human training row, those stored with the smallest hashes: this
    needs no seed and hardly changes from run to run. `languages` are X's tags; a tweet without a
    tag is taken. Only texts of the train split: a text of the test split may get a human label
    later, and no model may have seen it. No text with a hash in `left_out`. Memory depends on the
    number of rows returned, not on the size of the channel. Raises ValueError that names the file.
    """
    left_out = left_out | {row.text_hash for row in labels.rows}
    smallest = _Smallest(int(per_human * len(labels.of("train"))))
    for path in files_in(folder):
        for stored, text, label, confidence in _weak_records(path, languages, smallest):
            # Computed again: an older release may have stored another hash.
            row = Row(key.text_hash(text), text, INDEX_OF[label], float(confidence))
            sides = {split_of(row.text_hash), split_of(stored)}
            if row.text_hash not in left_out and sides == {"train"}:
                smallest.add(stored, row)
    return smallest.rows()


class _Smallest:
    """The rows with the smallest ranks, each text once. It holds `limit` rows and some more."""

    # Rows beyond the limit before the largest are dropped: a sort for each row would take hours.
    SPARE = 50_000

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ranked: dict[str, tuple[str, Row]] = {}
        # Larger ranks cannot be among the smallest any more. A "g" is above every hex digit.
        self.ceiling = "g" if limit > 0 else ""

    def add(self, rank: str, row: Row) -> None:
        before = self._ranked.get(row.text_hash)
        if before is None or rank < before[0]:
            self._ranked[row.text_hash] = (rank, row)
        if len(self._ranked) >= self._limit + self.SPARE:
            self._drop_largest()

    def _drop_largest(self) -> None:
        by_rank = sorted(self._ranked.items(), key=lambda item: (item[1][0], item[0]))
        self._ranked = dict(by_rank[: self._limit])
        if 0 < self._limit <= len(by_rank):
            self.ceiling = by_rank[self._limit - 1][1][0]

    def rows(self) -> list[Row]:
        """By text_hash."""
        self._drop_largest()
        return [self._ranked[text_hash][1] for text_hash in sorted(self._ranked)]


def _weak_records(
    path: Path, languages: frozenset[str], smallest: _Smallest
) -> Iterator[tuple[str, str, str, float]]:
    """Stored hash, text, label and confidence of the file's weak rows that may be among the
    smallest. A few thousand rows are in memory at a time. Raises ValueError."""
    try:
        # File by file, not as a data set: dt= and run= folders must not become columns. With a
        # buffer, a column of a large row group is not read in one piece.
        with pyarrow.parquet.ParquetFile(path, buffer_size=2**20) as file:
            missing = [name for name in WEAK_COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise ValueError(f"{path} lacks the column {', '.join(missing)}")
            first_row = 1
            for batch in file.iter_batches(BATCH_ROWS, columns=WEAK_COLUMNS):
                weak = _usable(batch, languages, f"{path}, row", first_row)
                first_row += batch.num_rows
                # Once there are enough rows, few are left to look at one by one.
                few = weak.filter(pc.less_equal(weak["text_hash"], smallest.ceiling))
                columns = [few[name].to_pylist() for name in RECORD_COLUMNS]
                yield from zip(*columns, strict=True)
    except (OSError, pyarrow.lib.ArrowException) as error:
        raise ValueError(f"{path} is not readable Parquet: {error}") from error


def _usable(
    batch: pyarrow.RecordBatch, languages: frozenset[str], place: str, first_row: int
) -> pyarrow.RecordBatch:
    """The batch's weak rows in one of the languages. Raises ValueError that names the first whose
    label or hash cannot be used."""
    lang = batch["lang"]
    speaks = pc.or_(pc.is_null(lang), pc.is_in(lang, pyarrow.array(sorted(languages))))
    is_weak = pc.fill_null(pc.and_(pc.equal(batch["label_source"], "lexicon"), speaks), False)
    fits = pc.and_(
        pc.is_in(batch["label"], pyarrow.array(LABELS)),
        pc.fill_null(pc.match_substring_regex(batch["text_hash"], TEXT_HASH_ALONE), False),
    )
    wrong = pc.index(pc.and_not(is_weak, fits), True).as_py()
    if wrong >= 0:
        raise ValueError(
            f"{place} {first_row + wrong}: label {batch['label'][wrong].as_py()!r} of "
            f"text_hash {batch['text_hash'][wrong].as_py()!r} cannot be used"
        )
    return batch.filter(is_weak)


def require_every_class(labels: HumanLabels) -> None:
    """Raises ValueError unless each split holds at least one row of each class."""
    splits: tuple[Split, ...] = ("train", "validation", "test")
    for split in splits:
        rows = labels.of(split)
        for index, label in enumerate(LABELS):
            if not any(row.label == index for row in rows):
                raise ValueError(
                    f"no row labelled {label!r} among the {len(rows)} {split} rows "
                    f"({len(labels.rows)} labelled texts in all): import more labels"
                )


def rows_digest(rows: list[Row]) -> str:
    """SHA-256 of the texts' hashes and labels; the order of the rows does not matter."""
    lines = sorted(f"{row.text_hash} {LABELS[row.label]}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
