"""The training job: `python train.py train`, under SageMaker's /opt/ml contract (ML_ROOT moves it).

Reads the channels `labels`, `tweets`, `request`, `champion`, `best`, `encoder` and `corpora`; only
`labels` is required. Trains the LSTM, exports it, compares it with champion, best and lexicon, and
writes the archive, the evaluation and the manifest. With `corpora` and no `labels` it pre-trains
and writes an encoder. If it would learn from the same as the last training, which a nightly run
names in the request, it trains nothing and writes output/data/unchanged.json. A failed job has
exit code 1 and its reason in output/failure. On SIGTERM the training stops and keeps its best
epoch.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import vectors
from evaluation import comparison, report
from evaluation.behaviour import text_keys
from evaluation.champions import find_champion
from evaluation.curve import learning_curve
from lstm import archive, manifest
from lstm.archive import choose_network
from lstm.data import HumanLabels, read_labels, read_weak_rows, require_every_class
from lstm.export import to_onnx
from lstm.files import SetAside
from lstm.initial_weights import InitialWeights, fitted_to, start_from
from lstm.inputs import same_as_last, training_input
from lstm.pretraining import Corpus, find_encoder, read_corpora, save_encoder
from lstm.recipe import TrainingSet, pretrain_encoder, train_model
from lstm.settings import Hyperparameters, Places, read_hyperparameters
from lstm.training import probabilities
from vectors import WordVectors

VECTORS_PATH = Path(os.environ.get("VECTORS_PATH", "/opt/program/vectors.npz"))


class Stop:
    """Set by SIGTERM, which SageMaker sends 120 s before it kills."""

    def __init__(self) -> None:
        self.requested = False
        signal.signal(signal.SIGTERM, self._request)

    def _request(self, *_: object) -> None:
        self.requested = True

    def __call__(self) -> bool:
        return self.requested


def run(places: Places, model_version: str, stop: Stop) -> None:
    """Runs the job. Raises ValueError or OSError with a message for the person who started it."""
    options = read_hyperparameters(places)
    request = manifest.read_request(places.channel("request"))
    aside = SetAside()
    corpora = read_corpora(places.channel("corpora"), aside)
    if corpora and not places.channel("labels").exists():
        run_pretraining(places.model, model_version, corpora, options, stop)
        return
    tests = text_keys()
    labels = read_labels(places.channel("labels"), aside).not_trained_on(tests)
    require_every_class(labels)
    weak = (
        read_weak_rows(
            places.channel("tweets"),
            labels,
            options.weak_per_human,
            manifest.languages_of(request),
            tests,
        )
        if options.weak_weight > 0
        else []
    )
    golden, level = comparison.golden_texts(request), comparison.level_of(request)
    found = find_champion(places.channel("champion"), request)
    champion = found.archive
    encoder = find_encoder(places.channel("encoder"))
    print(
        f"rows train={len(labels.of('train'))} validation={len(labels.of('validation'))} "
        f"test={len(labels.of('test'))} weak={len(weak)} "
        f"champion={champion.version if champion else found.problem or 'none'} "
        f"encoder={encoder.version if encoder else 'none'}",
        flush=True,
    )

    learnt_from = training_input(
        labels,
        weak,
        options,
        request=request,
        encoder=encoder,
        corpora=corpora,
        vectors_path=VECTORS_PATH,
    )
    last = same_as_last(request, learnt_from)
    if last is not None:
        unchanged = {
            "schema_version": 1,
            "same_as": last,
            "labels": len(labels.rows),
            "weak": len(weak),
        }
        places.output_data.mkdir(parents=True, exist_ok=True)
        archive.write_json(places.output_data / "unchanged.json", unchanged)
        print(f"nothing trained: {last} learnt from the same", flush=True)
        return

    started = time.monotonic()
    known = vectors.load(VECTORS_PATH)
    initial = initial_weights(options, encoder, champion)
    if initial is None and corpora and options.start_from == "encoder":
        initial = run_pretraining(
            places.output_data / "encoder",
            encoder_version(request, model_version),
            corpora,
            options,
            stop,
        )
    options = fitted_to(initial, options)
    training_set = TrainingSet.of(
        labels.of("train"), weak, champion, labels.of("validation"), options
    )
    trained = train_model(training_set, known, options, initial, stop)
    seconds = time.monotonic() - started

    archive.save(places.model, to_onnx(trained.model), trained.tokenizer, model_version)
    serving = choose_network(places.model, labels.of("test"), options)
    archive.seal(places.model, trained.tokenizer, model_version, serving.network)
    candidate = archive.Archive.from_folder(places.model)
    evaluation = {
        **comparison.Comparison(
            candidate=candidate,
            champion=found,
            best=find_champion(places.channel("best"), request, "best"),
            train=labels.of("train"),
            held_out=labels.of("test"),
            golden=golden,
            seed=options.seed,
            level=level,
        ).evaluate(),
        "training": {
            "epochs": trained.fitted.epochs,
            "seconds": round(seconds, 1),
            "seed": options.seed,
            "rows": {
                "train": len(labels.of("train")),
                "validation": len(labels.of("validation")),
                "test": len(labels.of("test")),
                "weak": len(weak),
            },
        },
        "training_curve": {
            "best_epoch": trained.fitted.best.epoch,
            "epochs": [dataclasses.asdict(epoch) for epoch in trained.fitted.curve],
        },
        "learning_curve": None,
    }
    if options.learning_curve:
        evaluation["learning_curve"] = _curve(labels, known, options, initial, evaluation, stop)
    record = {
        **manifest.build(
            model_version=model_version,
            request=request,
            labels=labels,
            weak=weak,
            learnt_from=learnt_from,
            options=options,
            vectors_path=VECTORS_PATH,
            evaluation=evaluation,
            aside=aside,
            files={
                path.name: archive.sha256(path.read_bytes())
                for path in sorted(places.model.iterdir())
                if path.name != archive.DESCRIPTION
            },
        ),
        "start": {"from": options.start_from, "version": initial.version if initial else None},
        "serving": dataclasses.asdict(serving),
    }
    for folder in (places.model, places.output_data):
        archive.write_json(folder / "evaluation.json", evaluation)
        archive.write_json(folder / "manifest.json", record)
    # Only in the output: the page shows texts, and the archive is copied wherever the model serves.
    (places.output_data / "evaluation.html").write_text(
        report.page(evaluation, labels.of("test")), "utf-8"
    )
    (places.model / "model-card.md").write_text(manifest.model_card(record, evaluation), "utf-8")
    # Sealed again, so that model.json has the checksums of the files written since.
    archive.seal(places.model, trained.tokenizer, model_version, serving.network)
    print(
        f"test_macro_recall={evaluation['candidate']['macro_recall']:.4f} "
        f"lexicon_macro_recall={evaluation['lexicon']['macro_recall']:.4f} "
        f"test_accuracy={evaluation['candidate']['accuracy']:.4f}",
        flush=True,
    )


def run_pretraining(
    folder: Path, version: str, corpora: list[Corpus], options: Hyperparameters, stop: Stop
) -> InitialWeights:
    """Trains an encoder and saves it in `folder` for later jobs."""
    started = time.monotonic()
    print(
        "tasks " + " ".join(f"{corpus.task}={len(corpus.texts)}" for corpus in corpora), flush=True
    )
    encoder = pretrain_encoder(version, corpora, vectors.load(VECTORS_PATH), options, stop)
    save_encoder(folder, encoder, options, corpora, time.monotonic() - started)
    return encoder


def encoder_version(request: dict[str, Any], model_version: str) -> str:
    """The version that the caller chose for the encoder of this job; else the model's version."""
    encoder = request.get("encoder")
    if isinstance(encoder, dict) and "version" in encoder:
        return str(encoder["version"])
    return model_version


def _curve(
    labels: HumanLabels,
    known: WordVectors,
    options: Hyperparameters,
    initial: InitialWeights | None,
    evaluation: dict[str, Any],
    stop: Stop,
) -> list[dict[str, Any]]:
    """Scores with fewer labels, each time trained from the same initial weights."""

    def train_and_answer(part: HumanLabels, texts: list[str]) -> np.ndarray:
        training_set = TrainingSet.of(part.of("train"), [], None, part.of("validation"), options)
        trained = train_model(training_set, known, options, initial, stop)
        ids = trained.tokenizer.encode(texts)
        return probabilities(trained.model, ids).argmax(axis=1)

    return learning_curve(labels, train_and_answer, evaluation)


def initial_weights(
    options: Hyperparameters,
    encoder: InitialWeights | None,
    champion: archive.Archive | None,
) -> InitialWeights | None:
    """The initial weights that `start_from` names; None for word vectors only, or if there is no
    encoder yet. Raises ValueError without a champion to start from."""
    match options.start_from:
        case "champion":
            if champion is None:
                raise ValueError(
                    "start_from is champion, but there is no champion yet: leave start_from out, "
                    "or train a first model"
                )
            return start_from(champion)
        case "encoder":
            return encoder
        case _:
            return None


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
        # Messages of ValueError and OSError are for the user; anything else is a bug.
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
