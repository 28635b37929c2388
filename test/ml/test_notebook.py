"""The notebook as it lies in the repository; test/end-to-end/ runs it in the embedded cloud."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import boto3
import nbformat
import pytest

ML = Path(__file__).parents[2] / "ml"
sys.path.insert(0, str(ML))

from lake_notebook import tables  # noqa: E402
from lake_notebook.lake import Lake  # noqa: E402
from tiny_job import Job  # noqa: E402


def test_the_notebook_is_whole_short_and_without_outputs() -> None:
    path = ML / "sagemaker_training.ipynb"
    notebook = nbformat.read(path, as_version=4)

    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert sum(len(cell.source.splitlines()) for cell in code) <= 40
    # Nothing that only one machine knows.
    assert "/home/" not in path.read_text("utf-8") and "127.0.0.1" not in path.read_text("utf-8")


def test_its_tables_show_the_evaluation_of_a_real_training(trained: Job) -> None:
    evaluation = json.loads((trained.root / "output" / "data" / "evaluation.json").read_text())

    shown = tables.scores(evaluation)

    assert [row[0] for row in shown.rows] == ["candidate", "linear", "lexicon", "majority"]
    recall = f"{evaluation['candidate']['macro_recall'] * 100:.1f}"
    assert shown.rows[0][1].startswith(f"{recall} [")
    assert recall in repr(shown)
    assert tables.learning_curve(evaluation).rows == []


def test_a_text_is_data_to_a_table() -> None:
    prediction = {"label": "neutral", "probabilities": {"neutral": 0.5}}

    shown = tables.predictions_of(["<b>x</b>"], [prediction])._repr_html_()

    assert "&lt;b&gt;x" in shown and "<b>" not in shown


def test_without_a_lake_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there.
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    # boto3's own session would keep these credentials for the tests after this one.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    with pytest.raises(RuntimeError, match="npm run up"):
        Lake()
