"""Pre-training: one encoder learns several tasks at once from whatever labelled corpora there are.

A corpus is JSON Lines, gzipped or not, of `{"task": "emotion", "text": "...", "label": 2}`; a
label is a string or a number and means something within its task only.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lstm.batches import pad, shuffled_by_length
from lstm.data import SetAside, files_in, lines_in, read_object
from lstm.model import Encoder, MultiTask
from lstm.optimizers import Optimizers
from lstm.settings import Hyperparameters
from lstm.tokenizer import Tokenizer
from lstm.training import loss_of, one_hot, smoothed

# A rarer label is too rare to learn.
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
        """SHA-256 of which texts these are and what they are labelled, in whatever order."""
        lines = sorted(
            f"{self.classes[label]} {text}\n"
            for text, label in zip(self.texts, self.labels, strict=True)
        )
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def read_corpora(place: Path, aside: SetAside | None = None) -> list[Corpus]:
    """Every task of a file, or of the files of a folder, by name. Raises ValueError that names file
    and line; with `aside`, what cannot be used is noted there and left out."""
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
            f"({', '.join(sorted(counts)[:5])} are its labels): there is nothing to tell apart"
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

    Batches are of one task each, all tasks mixed. `stop` ends it where it stands: an encoder is a
    start to train from, and half a pre-training is a start, too. Raises InterruptedError if not
    even one epoch was finished.
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
