"""Pre-training: one encoder learns several tasks at once from labelled corpora, and is stored.

A corpus is JSON Lines, gzipped or not, of `{"task": "emotion", "text": "...", "label": 2}`. A label
is a string or a number; equal labels of different tasks have nothing in common.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm.files import (
    SetAside,
    files_in,
    lines_in,
    only_archive,
    parts_of_folder,
    parts_of_tar,
    read_object,
    sha256,
    write_json,
)
from lstm.initial_weights import InitialWeights
from lstm.model import Encoder, MultiTask
from lstm.settings import Hyperparameters
from lstm.tokenizer import Tokenizer
from lstm.training import Optimizers, loss_of, one_hot, pad, shuffled_by_length, smoothed

# Labels with fewer rows are left out: too few to learn from.
RAREST_LABEL = 10


@dataclass(frozen=True)
class Corpus:
    """The rows of one task; `labels` are indices into `classes`."""

    task: str
    texts: list[str]
    labels: np.ndarray
    classes: list[str]

    @property
    def digest(self) -> str:
        """SHA-256 of texts and labels; the order of the rows does not matter."""
        lines = sorted(
            f"{self.classes[label]} {text}\n"
            for text, label in zip(self.texts, self.labels, strict=True)
        )
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def read_corpora(place: Path, aside: SetAside | None = None) -> list[Corpus]:
    """The tasks of a file, or of all files of a folder, sorted by name. Raises ValueError that
    names file and line; with `aside`, unusable files and lines are noted there and left out."""
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    files_of: dict[str, Path] = {}
    for path in [place] if place.is_file() else files_in(place):
        for number, line in lines_in(path, place, aside):
            try:
                task, text, label = _corpus_row(line)
            except ValueError as error:
                if aside is None:
                    raise ValueError(f"{path}, line {number}: {error}") from error
                aside.add(place, path, f"line {number}: {error}")
                continue
            rows[task].append((text, label))
            files_of.setdefault(task, path)
    corpora = []
    for task in sorted(rows):
        try:
            corpora.append(_corpus(task, rows[task]))
        except ValueError as error:
            if aside is None:
                raise
            aside.add(place, files_of[task], str(error))
    return corpora


def _corpus_row(line: str) -> tuple[str, str, str]:
    record = read_object(line)
    task, text, label = record.get("task"), record.get("text"), record.get("label")
    if not isinstance(task, str) or not task:
        raise ValueError(f"task must be a name, not {task!r}")
    if not isinstance(text, str):
        raise ValueError(f"text must be a string, not {text!r}")
    if isinstance(label, bool) or not isinstance(label, (str, int)):
        raise ValueError(f"label must be a string or a whole number, not {label!r}")
    return task, text, str(label)


def _corpus(task: str, rows: list[tuple[str, str]]) -> Corpus:
    counts = Counter(label for _, label in rows)
    classes = sorted(label for label, count in counts.items() if count >= RAREST_LABEL)
    if len(classes) < 2:
        raise ValueError(
            f"task {task!r} has {len(classes)} labels with {RAREST_LABEL} rows or more "
            f"(its labels: {', '.join(sorted(counts)[:5])}); it needs two"
        )
    index = {label: number for number, label in enumerate(classes)}
    kept = [(text, index[label]) for text, label in rows if label in index]
    return Corpus(
        task,
        [text for text, _ in kept],
        np.array([label for _, label in kept], dtype=np.int64),
        classes,
    )


def pretrain(
    encoder: Encoder,
    corpora: list[Corpus],
    tokenizer: Tokenizer,
    options: Hyperparameters,
    stop: Callable[[], bool],
) -> int:
    """Train `encoder` in place; returns how many epochs ran.

    Each batch has rows of one task; batches of all tasks are mixed. When `stop` returns True, the
    encoder is kept as it is: half a pre-training is better than none. Raises InterruptedError if no
    epoch was finished.
    """
    model = MultiTask(encoder, {corpus.task: len(corpus.classes) for corpus in corpora})
    ids = {corpus.task: tokenizer.encode(corpus.texts) for corpus in corpora}
    targets = {
        corpus.task: smoothed(
            one_hot(corpus.labels, len(corpus.classes)), options.label_smoothing
        ).astype(np.float32)
        for corpus in corpora
    }
    size = options.pretrain_batch_size
    steps = options.pretrain_epochs * sum(math.ceil(len(rows) / size) for rows in ids.values())
    optimizers = Optimizers(model, encoder, steps, options, options.learning_rate)
    rng = np.random.default_rng(options.seed)
    finished = 0

    for epoch in range(1, options.pretrain_epochs + 1):
        started = time.monotonic()
        losses: dict[str, list[float]] = defaultdict(list)
        batches = [
            (task, batch) for task in ids for batch in shuffled_by_length(ids[task], size, rng)
        ]
        model.train()
        for number in rng.permutation(len(batches)):
            if stop():
                break
            task, batch = batches[number]
            logits = model(task, *map(torch.from_numpy, pad([ids[task][row] for row in batch])))
            loss = loss_of(logits, torch.from_numpy(targets[task][batch]))
            losses[task].append(optimizers.step(loss))
        if stop():
            print(f"stopped in pre-training epoch {epoch}/{options.pretrain_epochs}", flush=True)
            break
        finished = epoch
        seconds = time.monotonic() - started
        print(
            f"pre-training epoch {epoch}/{options.pretrain_epochs} "
            f"pretrain_loss={np.mean([np.mean(each) for each in losses.values()]):.4f} "
            f"seconds={seconds:.1f} "
            f"tweets_per_second={sum(map(len, ids.values())) / seconds:.0f}",
            flush=True,
        )
    if finished == 0:
        raise InterruptedError("stopped before the first epoch of pre-training was finished")
    return finished


# The files of a stored encoder.
WEIGHTS, DESCRIPTION = "encoder.npz", "encoder.json"
# Names of the arrays in the file that are not parameters.
WORDS, TABLE = "words", "table"


def save_encoder(
    folder: Path,
    initial: InitialWeights,
    options: Hyperparameters,
    corpora: list[Corpus],
    seconds: float,
) -> None:
    """Writes both files. The table is float16: training changes it by more than the rounding."""
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    arrays: dict[str, Any] = {
        WORDS: np.frombuffer("\n".join(initial.words).encode(), dtype=np.uint8),
        TABLE: initial.table.astype(np.float16),
        **initial.parts,
    }
    np.savez(content, **arrays)
    (folder / WEIGHTS).write_bytes(content.getvalue())
    write_json(
        folder / DESCRIPTION,
        {
            "schema_version": 1,
            "encoder_version": initial.version,
            "hidden_size": initial.hidden_size,
            "words": len(initial.words),
            "tasks": {
                corpus.task: {
                    "rows": len(corpus.texts),
                    "classes": corpus.classes,
                    "sha256": corpus.digest,
                }
                for corpus in corpora
            },
            "hyperparameters": dataclasses.asdict(options),
            "seconds": round(seconds, 1),
            "sha256": {WEIGHTS: sha256(content.getvalue())},
        },
    )


def find_encoder(channel: Path) -> InitialWeights | None:
    """The encoder of the encoder channel: its files, or the archive of a pre-training job. None if
    the job has no such channel. Raises ValueError."""
    parts = parts_of_folder(channel, (WEIGHTS, DESCRIPTION))
    if parts:
        return load_encoder(parts, str(channel))
    path = only_archive(channel, "encoder")
    return (
        None
        if path is None
        else load_encoder(parts_of_tar(path, (WEIGHTS, DESCRIPTION)), str(path))
    )


def load_encoder(parts: Mapping[str, bytes], where: str) -> InitialWeights:
    """Raises ValueError if a part is missing or damaged."""
    try:
        description = json.loads(parts[DESCRIPTION])
        version, expected = description["encoder_version"], description["sha256"][WEIGHTS]
        weights = parts[WEIGHTS]
    except KeyError as error:
        raise ValueError(f"{where} is not an encoder: it lacks {error}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {DESCRIPTION} is not an encoder's description") from error
    if sha256(weights) != expected:
        raise ValueError(f"{where}: {WEIGHTS} does not have the checksum {DESCRIPTION} gives")
    with np.load(io.BytesIO(weights), allow_pickle=False) as stored:
        words = stored[WORDS].tobytes().decode("utf-8").split("\n")
        table = stored[TABLE].astype(np.float32)
        others = {name: stored[name] for name in stored.files if name not in (WORDS, TABLE)}
    return InitialWeights(version, words, table, others)
