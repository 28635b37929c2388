"""The training job: `python train.py train`, under SageMaker's /opt/ml contract (ML_ROOT moves it).

Reads the channels `labels`, `tweets`, `request` and `champion`, trains the LSTM, exports it, scores
it against champion and lexicon, and leaves archive, evaluation and manifest. Exit code 1 and a
reason in output/failure if that cannot be done. On SIGTERM the best epoch so far is the model.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import vectors
from evaluation import contest, report
from evaluation.champions import find_champion
from evaluation.curve import learning_curve
from lstm import archive, manifest
from lstm.data import HumanLabels, Row, read_labels, read_weak_rows, require_every_class
from lstm.model import SentimentLstm, initial_vectors, lexicon_table
from lstm.settings import Hyperparameters, Places, read_hyperparameters
from lstm.tokenizer import Tokenizer, build_vocabulary, definition
from lstm.training import Examples, answers, fit, use_one_thread

VECTORS_PATH = Path(os.environ.get("VECTORS_PATH", "/opt/program/vectors.npz"))


class Stop:
    """Set by SIGTERM, which SageMaker sends 120 s before it kills."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked


def run(places: Places, model_version: str, stop: Stop) -> None:
    """The whole job. Raises ValueError or OSError with a message for the person who started it."""
    options = read_hyperparameters(places)
    request = manifest.read_request(places.channel("request"))
    labels = read_labels(places.channel("labels"))
    require_every_class(labels)
    weak = (
        read_weak_rows(
            places.channel("tweets"),
            labels,
            options.weak_per_human,
            manifest.languages_of(request),
        )
        if options.weak_weight > 0
        else []
    )
    golden, level = contest.golden_texts(request), contest.level_of(request)
    champion = find_champion(places.channel("champion"), request)
    print(
        f"rows train={len(labels.of('train'))} validation={len(labels.of('validation'))} "
        f"test={len(labels.of('test'))} weak={len(weak)} "
        f"champion={champion.archive.version if champion.archive else champion.problem or 'none'}",
        flush=True,
    )

    started = time.monotonic()
    model, tokenizer, epochs = train(labels, weak, options, stop)
    seconds = time.monotonic() - started

    archive.save(places.model, archive.to_onnx(model), tokenizer, model_version)
    candidate = archive.Archive.from_folder(places.model)
    verdict = {
        **contest.Contest(
            candidate=candidate,
            champion=champion,
            train=labels.of("train"),
            held_out=labels.of("test"),
            golden=golden,
            seed=options.seed,
            level=level,
        ).evaluate(),
        "training": {
            "epochs": epochs,
            "seconds": round(seconds, 1),
            "seed": options.seed,
            "rows": {
                "train": len(labels.of("train")),
                "validation": len(labels.of("validation")),
                "test": len(labels.of("test")),
                "weak": len(weak),
            },
        },
        "learning_curve": None,
    }
    if options.learning_curve:
        verdict["learning_curve"] = _curve(labels, options, verdict, stop)
    made_of = manifest.build(
        model_version=model_version,
        request=request,
        labels=labels,
        weak=weak,
        options=options,
        vectors_path=VECTORS_PATH,
        evaluation=verdict,
        files={name: archive.sha256((places.model / name).read_bytes()) for name in archive.PARTS},
    )
    for folder in (places.model, places.output_data):
        archive.write_json(folder / "evaluation.json", verdict)
        archive.write_json(folder / "manifest.json", made_of)
    # Only here: the page shows texts, and the archive goes where the model goes.
    (places.output_data / "evaluation.html").write_text(
        report.page(verdict, labels.of("test")), "utf-8"
    )
    print(
        f"test_macro_recall={verdict['candidate']['macro_recall']:.4f} "
        f"lexicon_macro_recall={verdict['lexicon']['macro_recall']:.4f} "
        f"test_accuracy={verdict['candidate']['accuracy']:.4f}",
        flush=True,
    )


def train(
    labels: HumanLabels, weak: list[Row], options: Hyperparameters, stop: Stop
) -> tuple[SentimentLstm, Tokenizer, int]:
    """The network at its best epoch, its tokenizer, and how many epochs ran."""
    use_one_thread(options.seed)
    known = vectors.load(VECTORS_PATH)
    rows = labels.of("train") + weak
    vocabulary = build_vocabulary([row.text for row in rows], known, options.frequent_words)
    tokenizer = Tokenizer(definition(vocabulary), options.max_tokens)
    model = SentimentLstm(
        initial_vectors(vocabulary, known, options.seed), lexicon_table(vocabulary), options
    )
    weights = [1.0] * len(labels.of("train")) + [
        options.weak_weight * row.confidence for row in weak
    ]
    epochs = fit(
        model,
        _examples(rows, weights, tokenizer),
        _examples(labels.of("validation"), None, tokenizer),
        options,
        stop,
    )
    return model, tokenizer, epochs


def _curve(
    labels: HumanLabels, options: Hyperparameters, verdict: dict[str, Any], stop: Stop
) -> list[dict[str, Any]]:
    """What fewer labels would have given, each time trained from the start."""

    def train_and_answer(part: HumanLabels, texts: list[str]) -> np.ndarray:
        model, tokenizer, _ = train(part, [], options, stop)
        return answers(model, tokenizer.encode(texts))

    return learning_curve(labels, train_and_answer, verdict)


def _examples(rows: list[Row], weights: list[float] | None, tokenizer: Tokenizer) -> Examples:
    return Examples(
        ids=tokenizer.encode([row.text for row in rows]),
        labels=np.array([row.label for row in rows], dtype=np.int64),
        weights=np.array([1.0] * len(rows) if weights is None else weights, dtype=np.float32),
    )


def main(arguments: list[str]) -> int:
    if arguments != ["train"]:
        print("usage: python train.py train", file=sys.stderr)
        return 2
    places = Places.from_environment()
    stop = Stop()
    try:
        model_version = os.environ.get("TRAINING_JOB_NAME", "")
        if not model_version:
            raise ValueError("TRAINING_JOB_NAME is not set; it becomes the model's version")
        run(places, model_version, stop)
    except Exception as error:
        # A ValueError or OSError was raised for a person to read; anything else is a defect.
        expected = isinstance(error, (ValueError, OSError))
        reason = str(error) if expected else f"{type(error).__name__}: {error}"
        if not expected:
            traceback.print_exc()
        print(f"training failed: {reason}", file=sys.stderr, flush=True)
        places.failure.parent.mkdir(parents=True, exist_ok=True)
        # SageMaker shows the first 1,024 characters as the job's FailureReason.
        places.failure.write_text(reason[:1024], "utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
