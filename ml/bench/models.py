"""Our models, a seed each, in two processes of one thread; each ends as an archive."""

from __future__ import annotations

import dataclasses
import multiprocessing
import resource
import sys
import tarfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import vectors
from lstm import archive
from lstm.export import to_onnx
from lstm.recipe import Lesson, pretrain_encoder, train_model
from lstm.serving_choice import Serving, choose_network
from lstm.settings import Hyperparameters
from lstm.starts import Start, fitted_to

from ml.bench.data import Data

PROCESSES = 2


def never() -> bool:
    return False


@dataclasses.dataclass(frozen=True)
class Made:
    """A trained model: where its parts are, and what it cost. `seconds` are its own training's."""

    seed: int
    folder: Path
    archive: Path
    serving: Serving
    seconds: float
    peak_megabytes: float


@dataclasses.dataclass(frozen=True)
class _Job:
    data: Data
    options: Hyperparameters
    start: Start | None
    vectors_path: Path
    target: Path


def pretrain(data: Data, options: Hyperparameters, vectors_path: Path) -> tuple[Start, float]:
    """The encoder of the auxiliary corpora, and its seconds; in a process of its own."""
    started = time.monotonic()
    with _pool(1) as pool:
        start = pool.submit(_pretrain, data, options, vectors_path).result()
    return start, time.monotonic() - started


def _pretrain(data: Data, options: Hyperparameters, vectors_path: Path) -> Start:
    return pretrain_encoder("bench", data.corpora, vectors.load(vectors_path), options, never)


def make_models(
    data: Data,
    options: Hyperparameters,
    seeds: list[int],
    start: Start | None,
    vectors_path: Path,
    target: Path,
) -> list[Made]:
    """One model a seed."""
    jobs = [
        _Job(
            data,
            dataclasses.replace(fitted_to(start, options), seed=seed),
            start,
            vectors_path,
            target / f"seed-{seed}",
        )
        for seed in seeds
    ]
    with _pool(min(PROCESSES, len(jobs))) as pool:
        return list(pool.map(_make, jobs))


def _pool(processes: int) -> ProcessPoolExecutor:
    # A new process for each model, so that its peak memory is its own.
    return ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        max_tasks_per_child=1,
    )


def _make(job: _Job) -> Made:
    started = time.monotonic()
    lesson = Lesson.of(job.data.train, [], None, job.data.validation, job.options)
    known = vectors.load(job.vectors_path)
    trained = train_model(lesson, known, job.options, job.start, never)
    seconds = time.monotonic() - started
    folder = job.target / "model"
    version = f"bench-seed-{job.options.seed}"
    archive.save(folder, to_onnx(trained.model), trained.tokenizer, version)
    serving = choose_network(folder, job.data.validation, job.options)
    archive.seal(folder, trained.tokenizer, version, serving.network)
    packed = job.target / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(folder, arcname=".")
    return Made(job.options.seed, folder, packed, serving, seconds, peak_megabytes())


def peak_megabytes() -> float:
    """The largest this process has been."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
