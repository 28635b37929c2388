"""What the benchmark prints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from lstm.scores import scores

from ml.bench.agreement import Agreement
from ml.bench.data import Data, labels_of
from ml.bench.models import Made
from ml.bench.serving_speed import Speed

# Macro recall on TweetEval's sentiment test: its leaderboard, and the paper of SemEval-2017.
PUBLISHED = (
    ("TimeLMs-2021 (transformer)", 73.7),
    ("RoBERTa-Base (transformer)", 71.3),
    ("winners of SemEval-2017 task 4A", 68.1),
    ("FastText", 62.9),
    ("SVM", 62.9),
    ("LSTM", 58.3),
)


@dataclass(frozen=True)
class Row:
    system: str
    macro_recall: float
    accuracy: float
    macro_f1: float
    train_seconds: float | None


def quality_row(system: str, data: Data, answers: np.ndarray, seconds: float | None) -> Row:
    found = scores(labels_of(data.judged), answers)
    figures = [found[name] for name in ("macro_recall", "accuracy", "macro_f1")]
    recall, accuracy, f1 = (100 * figure for figure in figures if isinstance(figure, float))
    return Row(system, recall, accuracy, f1, seconds)


def print_quality(data: Data, rows: list[Row], models: list[Made], costs: dict[str, float]) -> None:
    print(
        f"\nQuality on {data.judged_name}, {len(data.judged)} rows (ours as the archive serves)\n"
    )
    _table(
        ("system", "macro recall", "accuracy", "macro F1", "train s"),
        [
            (
                row.system,
                f"{row.macro_recall:.1f}",
                f"{row.accuracy:.1f}",
                f"{row.macro_f1:.1f}",
                "" if row.train_seconds is None else f"{row.train_seconds:.0f}",
            )
            for row in rows
        ],
    )
    ours = np.array([row.macro_recall for row in rows[-len(models) :]])
    print(f"\nours, mean of {len(ours)} seeds: {ours.mean():.2f} ± {ours.std():.2f}")
    print("published, TweetEval test: " + ", ".join(f"{name} {value}" for name, value in PUBLISHED))
    print(
        "seconds on the clock: " + ", ".join(f"{name} {each:.0f}" for name, each in costs.items())
    )
    for made in models:
        serving = made.serving
        print(
            f"seed {made.seed}: {serving.network} serves; macro recall on validation fp32 "
            f"{100 * serving.fp32_macro_recall:.2f}, int8 {100 * serving.int8_macro_recall:.2f}"
        )


def print_training_speed(ours: float, naive: float) -> None:
    print(
        f"\nTraining, one thread: {ours:.0f} tweets/s; naive loop (60 tokens, batches of 32, dense "
        f"Adam) {naive:.0f} tweets/s: {ours / naive:.1f} times as fast"
    )


def print_serving_speed(speeds: list[Speed]) -> None:
    print("\nServing, tweets/s, tokenizing included; two cores are two processes\n")
    columns = sorted({key for speed in speeds for key in speed.rates}, key=lambda key: key[::-1])
    _table(
        ("system", *(f"batch {batch}, {cores} core" for batch, cores in columns), "peak MB"),
        [
            (
                speed.system,
                *(f"{speed.rates[key]:.0f}" for key in columns),
                "" if speed.peak_megabytes is None else f"{speed.peak_megabytes:.0f}",
            )
            for speed in speeds
        ],
    )
    of = {speed.system: speed.rates[64, 1] for speed in speeds}
    ours = of["ours, serving program, int8"]
    print(
        f"\nint8 at batch 64 on one core: {ours / of['VADER in Python']:.2f} times VADER, "
        f"{ours / of[next(name for name in of if name.startswith('transformer'))]:.0f} times the "
        "transformer"
    )


def print_agreements(found: list[Agreement]) -> None:
    print("\nAlone and in batches of 64, differences of probabilities")
    for each in found:
        print(
            f"{each.network}: largest {each.largest:.1e}, mean {each.mean:.1e}; {each.other_label} "
            f"of {each.texts} texts get another label"
        )


def print_sizes(models: list[Made], own_megabytes: float) -> None:
    print()
    for made in models:
        parts = ", ".join(
            f"{path.name} {path.stat().st_size / 1e6:.1f}" for path in sorted(made.folder.iterdir())
        )
        print(
            f"seed {made.seed}: archive {made.archive.stat().st_size / 1e6:.1f} MB ({parts}), "
            f"peak memory of its training {made.peak_megabytes:.0f} MB"
        )
    print(f"peak memory of this process {own_megabytes:.0f} MB")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for row in (head, tuple("---" for _ in head), *rows):
        print("| " + " | ".join(row) + " |")
