"""Self-training: a student learns the mean answer of several teachers, on the labelled texts and on
others of which nobody said anything.

The teachers differ by their seed alone. They are trained two at a time, in a process each: two
processes of one thread are faster than one of two.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np
import torch
from vectors import WordVectors

from lstm.model import SentimentLstm
from lstm.processes import end_with_parent
from lstm.recipe import Lesson, Material, Trained
from lstm.settings import Hyperparameters
from lstm.starts import Start, new_model
from lstm.training import Examples, Fitted, fit, make_repeatable, probabilities

PROCESSES = 2
POLL_SECONDS = 0.5
# Far from the seeds that people choose for the student.
FIRST_TEACHER_SEED = 1000


@dataclasses.dataclass(frozen=True)
class Taught:
    """What a teacher says of every text, (N, 3), and its network."""

    seed: int
    soft: np.ndarray
    state: dict[str, np.ndarray]
    fitted: Fitted


@dataclasses.dataclass(frozen=True)
class Teachers:
    """Teachers' mean answer about the lesson's texts and then the unlabelled ones, (N, 3), and the
    best of them, for a training that is stopped before it has a student."""

    soft: np.ndarray
    best: Taught


def train_student(
    lesson: Lesson,
    known: WordVectors,
    options: Hyperparameters,
    start: Start | None,
    stop: Callable[[], bool],
) -> Trained:
    """A student of `options.teachers` teachers; the best teacher if it is stopped before that."""
    teachers = train_teachers(lesson, known, options, start, stop)
    make_repeatable(options.seed)
    return learn_from(teachers, lesson, known, options, start, stop)


def learn_from(
    teachers: Teachers,
    lesson: Lesson,
    known: WordVectors,
    options: Hyperparameters,
    start: Start | None,
    stop: Callable[[], bool],
) -> Trained:
    """Trains the student of existing teachers."""
    material = Material.of(lesson, known, options, start)
    torch.manual_seed(options.seed)
    model = new_model(material.vocabulary, known, options, start)
    share = options.soft_weight
    labelled = len(lesson.texts)
    examples = Examples(
        material.examples.ids + material.tokenizer.encode(lesson.unlabelled),
        np.concatenate(
            [
                (1 - share) * material.examples.targets
                + share * lesson.weights[:, None] * teachers.soft[:labelled],
                share * teachers.soft[labelled:],
            ]
        ).astype(np.float32),
    )
    learning = dataclasses.replace(
        material.options,
        epochs=options.student_epochs,
        learning_rate=options.student_learning_rate,
    )
    print(f"student rows={len(examples.ids)} teachers={options.teachers}", flush=True)
    try:
        fitted = fit(model, examples, material.validation, learning, stop)
    except InterruptedError:
        _load(model, teachers.best.state)
        print(f"the teacher of seed {teachers.best.seed} is the model", flush=True)
        fitted = teachers.best.fitted
    return Trained(model, material.tokenizer, fitted)


def train_teachers(
    lesson: Lesson,
    known: WordVectors,
    options: Hyperparameters,
    start: Start | None,
    stop: Callable[[], bool],
) -> Teachers:
    """Raises InterruptedError if it is stopped before one teacher has finished an epoch."""
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    done: list[Taught] = []
    with ProcessPoolExecutor(
        min(PROCESSES, options.teachers), context, _begin, (stopped, os.getpid())
    ) as pool:
        waiting: set[Future[Taught]] = {
            pool.submit(
                _teach,
                lesson,
                known,
                dataclasses.replace(options, seed=FIRST_TEACHER_SEED + options.seed * 100 + number),
                start,
            )
            for number in range(options.teachers)
        }
        while waiting:
            finished, waiting = wait(waiting, POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                try:
                    taught = future.result()
                except InterruptedError:
                    continue  # it had no epoch yet
                done.append(taught)
                print(
                    f"teacher seed={taught.seed} epochs={taught.fitted.epochs} "
                    f"val_macro_recall={taught.fitted.recall:.4f}",
                    flush=True,
                )
            if stop():
                stopped.set()
    if not done:
        raise InterruptedError("stopped before any teacher had finished an epoch")
    # In the order of their seeds: a sum of floats depends on its order.
    done.sort(key=lambda taught: taught.seed)
    soft = np.mean([taught.soft for taught in done], axis=0)
    return Teachers(soft, max(done, key=lambda taught: taught.fitted.recall))


_stopped: Event


def _begin(stopped: Event, parent: int) -> None:
    """Runs first in a teacher's process: only the parent may stop it."""
    global _stopped
    _stopped = stopped
    end_with_parent(parent)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _must_stop() -> bool:
    return _stopped.is_set()


def _teach(lesson: Lesson, known: WordVectors, options: Hyperparameters, start: Any) -> Taught:
    if _must_stop():
        raise InterruptedError
    make_repeatable(options.seed)
    material = Material.of(lesson, known, options, start)
    model = new_model(material.vocabulary, known, options, start)
    fitted = fit(model, material.examples, material.validation, material.options, _must_stop)
    ids = material.examples.ids + material.tokenizer.encode(lesson.unlabelled)
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    return Taught(options.seed, probabilities(model, ids), state, fitted)


def _load(model: SentimentLstm, state: dict[str, np.ndarray]) -> None:
    model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
