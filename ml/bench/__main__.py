"""`npm run bench:model -- --data <folder>`: trains, compares and times models; see `--help`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import vectors
from evaluation import linear
from lstm import archive, lexicon
from lstm.archive import choose_network
from lstm.data import Row
from lstm.export import to_onnx
from lstm.initial_weights import InitialWeights, fitted_to
from lstm.labels import LABELS
from lstm.pretraining import read_corpora
from lstm.recipe import TrainingSet, pretrain_encoder, train_model
from lstm.scores import scores
from lstm.settings import LARGE, Hyperparameters

from ml.bench import ROOT
from ml.bench.data import find, read_rows, read_texts, require
from ml.bench.serving_speed import BATCHES, serving_speeds
from ml.bench.training_speed import training_speed

DEFAULT_VECTORS = ROOT / ".venv" / "share" / "sentiment-lake" / "vectors.npz"
DEFAULT_ARCHIVES = ROOT / "dist" / "bench-model"
AGREEMENT_TEXTS = 1000


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="npm run bench:model --",
        description="Trains the model on labelled tweets and compares it with baselines.",
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of the training files: docs/model.md")
    add("--test", type=Path, help="score on this file instead of sentiment-val")
    add("--seeds", type=int, default=3, help="number of models to train (3)")
    add("--predict", type=Path, help="file of texts, one a line")
    add("--out", type=Path, help="file for the first model's label of each of these texts")
    add("--keep", type=Path, default=DEFAULT_ARCHIVES, help="folder for the archives")
    add("--no-speed", action="store_true", help="leave the timings out")
    arguments = parser.parse_args()
    if (arguments.predict is None) != (arguments.out is None):
        parser.error("--predict and --out go together")
    if arguments.seeds < 1:
        parser.error("--seeds must be 1 or more")
    return arguments


def run(arguments: argparse.Namespace) -> None:
    """Raises ValueError or OSError with a message for the person who started it."""
    known = vectors.load(Path(os.environ.get("VECTORS_PATH", DEFAULT_VECTORS)))
    human = read_rows(require(arguments.data, "sentiment-train"))
    validation = read_rows(require(arguments.data, "sentiment-val"))
    test = read_rows(arguments.test) if arguments.test else validation
    auxiliary = find(arguments.data, "auxiliary")
    texts = read_texts(arguments.predict) if arguments.predict else []
    options = dataclasses.replace(LARGE, serves="int8")
    training_set = TrainingSet.of(human, [], None, validation, options)
    print(f"rows train={len(human)} validation={len(validation)} test={len(test)}", flush=True)

    shutil.rmtree(arguments.keep, ignore_errors=True)
    initial = None
    if auxiliary is not None:
        started = time.monotonic()
        initial = pretrain_encoder("bench", read_corpora(auxiliary), known, options, never)
        print(f"pre-training: {time.monotonic() - started:.0f} s", flush=True)
    rows = baselines(human, test)
    for seed in range(1, arguments.seeds + 1):
        started = time.monotonic()
        seeded = dataclasses.replace(fitted_to(initial, options), seed=seed)
        model = train(arguments.keep / f"seed-{seed}", training_set, known, seeded, initial)
        seconds = time.monotonic() - started
        rows.append(quality(f"ours, seed {seed}", test, answers_of(model, test), seconds))
        if texts:
            out = arguments.out if seed == 1 else Path(f"{arguments.out}.seed-{seed}")
            labels = [LABELS[index] for index in model.probabilities(texts).argmax(axis=1)]
            out.write_text("".join(f"{label}\n" for label in labels), "utf-8")
    print_table(("system", "macro recall", "accuracy", "macro F1", "seconds"), rows)

    folder = arguments.keep / "seed-1" / "model"
    print("A text's probabilities alone and in batches of 64:")
    for network in (archive.NETWORK, archive.INT8_NETWORK):
        print(f"{network}: {agreement(archive.Archive.from_folder(folder, network), test)}")
    if not arguments.no_speed:
        ours, naive = training_speed(training_set, known, options)
        print(
            f"\nTraining, one thread: {ours:.0f} tweets/s, {ours / naive:.1f} times a naive loop\n"
        )
        rates = serving_speeds([row.text for row in validation], folder)
        print("Serving on one core, tweets/s, tokenizing included:")
        print_table(
            ("system", *(f"batch {size}" for size in BATCHES)),
            [(name, *(f"{rate:.0f}" for rate in found)) for name, found in rates.items()],
        )


def train(
    folder: Path,
    training_set: TrainingSet,
    known: vectors.WordVectors,
    options: Hyperparameters,
    initial: InitialWeights | None,
) -> archive.Archive:
    """Trains a model; `folder` gets its files in `model/`, and its archive."""
    trained = train_model(training_set, known, options, initial, never)
    model, packed = folder / "model", folder / "model.tar.gz"
    version = f"bench-seed-{options.seed}"
    archive.save(model, to_onnx(trained.model), trained.tokenizer, version)
    serving = choose_network(model, training_set.validation, options)
    archive.seal(model, trained.tokenizer, version, serving.network)
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(model, arcname=".")
    print(f"{packed}: {packed.stat().st_size / 1e6:.1f} MB", flush=True)
    return archive.Archive.from_folder(model)


def never() -> bool:
    """For `stop` of a training: nothing stops a benchmark early."""
    return False


def answers_of(model: archive.Archive, rows: list[Row]) -> np.ndarray:
    """Class indices, (N,), as in serving."""
    return model.probabilities([row.text for row in rows]).argmax(axis=1)


def baselines(human: list[Row], test: list[Row]) -> list[tuple[str, ...]]:
    texts = [row.text for row in test]
    started = time.monotonic()
    answers = linear.answers(human, texts, seed=1)
    seconds = time.monotonic() - started
    return [
        quality("lexicon (VADER)", test, lexicon.classify(texts), None),
        quality("TF-IDF + linear SVM", test, answers, seconds),
    ]


def quality(
    system: str, test: list[Row], answers: np.ndarray, seconds: float | None
) -> tuple[str, ...]:
    """A line of the table: macro recall, accuracy and macro F1 in percent."""
    found = scores(np.array([row.label for row in test]), answers)
    percent = (f"{100 * found[name]:.1f}" for name in ("macro_recall", "accuracy", "macro_f1"))
    return (system, *percent, "" if seconds is None else f"{seconds:.0f}")


def agreement(model: archive.Archive, rows: list[Row]) -> str:
    """How much a text's probabilities depend on the other texts of its batch."""
    texts = [row.text for row in rows[:AGREEMENT_TEXTS]]
    together = model.probabilities(texts)
    alone = np.concatenate([model.probabilities([text]) for text in texts])
    apart = np.abs(together - alone)
    changed = int((together.argmax(axis=1) != alone.argmax(axis=1)).sum())
    return (
        f"differ by {apart.mean():.1e} on average, {apart.max():.1e} at most; "
        f"{changed} of {len(texts)} labels change"
    )


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    for cells in (head, tuple("---" for _ in head), *rows):
        print(f"| {' | '.join(cells)} |")
    print(flush=True)


def main() -> int:
    try:
        run(parse_arguments())
    except (ValueError, OSError) as error:
        print(f"bench:model: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
