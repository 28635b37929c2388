"""`npm run bench:model -- --data <folder>`: trains, compares, times; see `--help`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import vectors
from lstm import archive
from lstm.labels import LABELS
from lstm.recipe import Lesson
from lstm.scores import scores
from lstm.settings import LARGE, Hyperparameters

from ml.bench import ROOT, report
from ml.bench.agreement import agreements
from ml.bench.baselines import baselines
from ml.bench.data import Data, labels_of, read_data, read_texts
from ml.bench.models import Made, make_models, peak_megabytes, pretrain
from ml.bench.serve import labels_from
from ml.bench.serving_speed import serving_speeds
from ml.bench.training_speed import training_speed

DEFAULT_VECTORS = ROOT / ".venv" / "share" / "sentiment-lake" / "vectors.npz"


def main() -> int:
    options = arguments()
    try:
        run(options)
    except (ValueError, OSError) as error:
        print(f"bench:model: {error}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="npm run bench:model --",
        description="Trains the model on labelled tweets and compares it with baselines.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with sentiment-train and sentiment-val, and perhaps auxiliary "
        "(.jsonl.gz or .jsonl): text and label, in auxiliary task, too",
    )
    parser.add_argument("--test", type=Path, help="score on this file and not on the validation")
    parser.add_argument("--seeds", type=int, default=3, help="models of so many seeds (3)")
    parser.add_argument("--first-seed", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--predict", type=Path, help="file of texts, one a line")
    parser.add_argument(
        "--out",
        type=Path,
        help="a label a line for each of them: the first seed's; the others' go to <out>.seed-<n>",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        default=ROOT / "dist" / "bench-model",
        help="folder for the archives (dist/bench-model)",
    )
    parser.add_argument("--no-speed", action="store_true", help="leave the timings out")
    parser.add_argument("--limit", type=int, help="so many rows of each file, for a quick look")
    given = parser.parse_args()
    if (given.predict is None) != (given.out is None):
        parser.error("--predict and --out go together")
    if given.seeds < 1:
        parser.error("--seeds must be 1 or more")
    return given


def run(given: argparse.Namespace) -> None:
    vectors_path = Path(os.environ.get("VECTORS_PATH", DEFAULT_VECTORS))
    known = vectors.load(vectors_path)
    data = read_data(given.data, given.test, given.limit)
    texts = read_texts(given.predict) if given.predict else []
    options = dataclasses.replace(LARGE, serves="int8")
    print(
        f"train {len(data.train)}, validation {len(data.validation)}, auxiliary "
        f"{sum(len(corpus.texts) for corpus in data.corpora)}, judged on {data.judged_name}: "
        f"{len(data.judged)}",
        flush=True,
    )

    models, costs = train_all(given, data, options, vectors_path)
    rows = [
        report.quality_row(each.system, data, each.answers, each.train_seconds)
        for each in baselines(data)
    ]
    for made in models:
        served = labels_from(made.archive, [row.text for row in data.judged])
        answers = np.array([LABELS.index(label) for label in served])
        rows.append(report.quality_row(f"ours, seed {made.seed}", data, answers, made.seconds))
        print(
            f"seed {made.seed}: {scores(labels_of(data.judged), answers)['macro_recall']:.4f}",
            flush=True,
        )
    report.print_quality(data, rows, models, costs)

    for number, made in enumerate(models if given.predict else []):
        out = given.out if number == 0 else Path(f"{given.out}.seed-{made.seed}")
        out.write_text("".join(f"{label}\n" for label in labels_from(made.archive, texts)), "utf-8")
        print(f"{len(texts)} labels of seed {made.seed} in {out}")

    validation = [row.text for row in data.validation]
    report.print_agreements(agreements(models[0].folder, validation))
    if not given.no_speed:
        lesson = Lesson.of(data.train, [], None, data.validation, options)
        report.print_training_speed(*training_speed(lesson, known, options))
        report.print_serving_speed(serving_speeds(validation, *both_ways(models[0])))
    report.print_sizes(models, peak_megabytes())


def train_all(
    given: argparse.Namespace, data: Data, options: Hyperparameters, vectors_path: Path
) -> tuple[list[Made], dict[str, float]]:
    """The models, and seconds by phase as they passed on the clock."""
    shutil.rmtree(given.keep, ignore_errors=True)
    costs: dict[str, float] = {}
    start = None
    if data.corpora:
        start, costs["pre-training"] = pretrain(data, options, vectors_path)
    began = time.monotonic()
    seeds = list(range(given.first_seed, given.first_seed + given.seeds))
    models = make_models(data, options, seeds, start, vectors_path, given.keep)
    costs["training"] = time.monotonic() - began
    return models, costs


def both_ways(made: Made) -> tuple[Path, Path]:
    """The model's folder sealed with its int8 network serving, and with its fp32."""
    folders = []
    for name, network in (("int8", archive.INT8_NETWORK), ("fp32", archive.NETWORK)):
        folder = made.folder.parent / name
        shutil.copytree(made.folder, folder, dirs_exist_ok=True)
        archive.seal(folder, archive.Archive.from_folder(folder).tokenizer, name, network)
        folders.append(folder)
    return folders[0], folders[1]


if __name__ == "__main__":
    sys.exit(main())
