"""`npm run bench:model` on the rows of tiny_job."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import fast
import pytest
import tiny_job

from ml.bench.data import read_rows

ROOT = tiny_job.TRAINING.parents[1]


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    lines = [json.dumps({"text": row["text"], "label": row["label"]}) + "\n" for row in rows]
    path.write_text("".join(lines), "utf-8")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ('{"text": "so nice", "label": 1}', 'line 2: expected {"text": .* not {"text": "so nice"'),
        ('{"label": "positive"}', "line 2: expected"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "sentiment-val.jsonl"
    path.write_text('{"text": "so nice", "label": "positive"}\n' + line + "\n", "utf-8")

    with pytest.raises(ValueError, match=complaint):
        read_rows(path)


def test_it_prints_the_quality_of_each_seed_and_keeps_archives_and_labels(
    slow: None, tmp_path: Path
) -> None:
    fast.starts("a training")
    rows = tiny_job.label_rows(120)
    tiny_job.write_vectors(tmp_path / "vectors.npz")
    write_rows(tmp_path / "sentiment-train.jsonl", rows[:60])
    write_rows(tmp_path / "sentiment-val.jsonl", rows[60:90])
    write_rows(tmp_path / "test.jsonl", rows[90:])
    (tmp_path / "texts").write_text("what a lovely day\n\nawful\n", "utf-8")
    command = [sys.executable, "-m", "ml.bench", "--no-speed", "--seeds", "2"]
    for name, value in (
        ("data", "."),
        ("test", "test.jsonl"),
        ("predict", "texts"),
        ("out", "labels"),
        ("keep", "models"),
    ):
        command += [f"--{name}", str(tmp_path / value)]

    finished = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "VECTORS_PATH": str(tmp_path / "vectors.npz")},
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert finished.returncode == 0, finished.stderr
    assert "rows train=60 validation=30 test=30" in finished.stdout
    lines = re.findall(
        r"^\| ([^|]+) \| (\d+\.\d) \| \d+\.\d \| \d+\.\d \|", finished.stdout, re.MULTILINE
    )
    recalls = {system: float(recall) for system, recall in lines}
    assert list(recalls) == [
        "lexicon (VADER)",
        "TF-IDF + linear SVM",
        "ours, seed 1",
        "ours, seed 2",
    ]
    # The labels follow from words that VADER knows.
    assert recalls["lexicon (VADER)"] > 90
    assert "of 30 labels change" in finished.stdout
    for seed, name in ((1, "labels"), (2, "labels.seed-2")):
        labels = (tmp_path / name).read_text("utf-8").splitlines()
        assert len(labels) == 3 and {*labels} <= {"negative", "neutral", "positive"}
        assert (tmp_path / "models" / f"seed-{seed}" / "model.tar.gz").is_file()
