"""The manifest: which data and code a model was trained with, enough to reproduce it months later.
And the model card: what a person should know before using the model."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from lstm.archive import sha256
from lstm.data import HumanLabels, Row, SetAside, rows_digest
from lstm.settings import Hyperparameters

PACKAGES = (
    "torch",
    "numpy",
    "onnx",
    "onnxruntime",
    "pyarrow",
    "scikit-learn",
    "tokenizers",
    "vaderSentiment",
)
REQUIREMENTS = Path(__file__).parent.parent / "requirements.txt"


def read_request(folder: Path) -> dict[str, Any]:
    """The request channel's `request.json`, with everything that only the caller knows: snapshots,
    label objects, git commit, images, fingerprint. Empty without the channel. Raises ValueError."""
    path = folder / "request.json"
    if not path.exists():
        return {}
    try:
        request = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise ValueError(f"{path} must hold an object")
    return request


def languages_of(request: dict[str, Any]) -> frozenset[str]:
    """X's language tags of the tweets to train on; English if the request has none. Raises
    ValueError."""
    languages = request.get("languages", ["en"])
    if not isinstance(languages, list) or not all(isinstance(tag, str) for tag in languages):
        raise ValueError(f"request.json: languages must be a list of tags, not {languages!r}")
    return frozenset(languages)


def build(
    *,
    model_version: str,
    request: dict[str, Any],
    labels: HumanLabels,
    weak: list[Row],
    learnt_from: str,
    options: Hyperparameters,
    vectors_path: Path,
    evaluation: dict[str, Any],
    files: dict[str, str],
    aside: SetAside,
) -> dict[str, Any]:
    """`manifest.json`. `files` are the checksums of the archive's parts."""
    return {
        "schema_version": 1,
        "model_version": model_version,
        "request": request,
        "rows": {
            **{
                split: {"rows": len(labels.of(split)), "sha256": rows_digest(labels.of(split))}
                for split in ("train", "validation", "test")
            },
            "weak": {"rows": len(weak), "sha256": rows_digest(weak)},
            "conflicting_labels": labels.conflicts,
        },
        # By which a later job sees that it would learn from the same (lstm/inputs.py).
        "training_input": learnt_from,
        "hyperparameters": dataclasses.asdict(options),
        "seed": options.seed,
        "inputs": {
            "requirements.txt": sha256(REQUIREMENTS.read_bytes()),
            "vectors.npz": sha256(vectors_path.read_bytes()),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        "files": files,
        # Files and lines of the channels that could not be read and were left out.
        "set_aside": aside.as_list(),
        "metrics": {
            key: evaluation[key]
            for key in ("candidate", "champion", "lexicon", "majority", "training")
        },
    }


def model_card(manifest: dict[str, Any], evaluation: dict[str, Any]) -> str:
    """Markdown, from `manifest.json` and `evaluation.json`."""
    rows, options, serving = manifest["rows"], manifest["hyperparameters"], manifest["serving"]
    training = evaluation["training"]
    start = manifest["start"]["version"] or "word vectors only"
    systems = {
        "this model": evaluation["candidate"],
        **({"the champion": evaluation["champion"]} if evaluation["champion"] else {}),
        "lexicon (VADER)": evaluation["lexicon"],
        "commonest class": evaluation["majority"],
    }
    table = "\n".join(
        f"| {name} | {_percent(score['macro_recall'])} | {_percent(score['accuracy'])} | "
        f"{_percent(score['macro_f1'])} | "
        f"{' / '.join(_percent(recall) for recall in score['recall'].values())} |"
        for name, score in systems.items()
    )
    data = "\n".join(
        f"| {what} | {rows[name]['rows']} | `{rows[name]['sha256']}` |"
        for name, what in (
            ("train", "human labels to train on"),
            ("weak", "tweets labelled by lexicon and champion"),
            ("validation", "human labels to choose the epoch"),
            ("test", "human labels held out"),
        )
    )
    return f"""# {manifest["model_version"]}

Sentiment of a tweet in English: negative, neutral or positive, with a probability of each.

A bidirectional LSTM ({options["hidden_size"]} units each way) over word vectors and lexicon
features, pooled by attention, maximum and mean. Trained from {start} in
{training["seconds"]} s ({training["epochs"]} epochs, seed {options["seed"]}).

## Data

| rows | number | SHA-256 |
|---|---|---|
{data}

## On the held-out rows

| system | macro recall | accuracy | macro F1 | recall negative / neutral / positive |
|---|---|---|---|---|
{table}

`{serving["network"]}` serves: macro recall {_percent(serving["fp32_macro_recall"])} with fp32,
{_percent(serving["int8_macro_recall"])} with int8.

## Use and limits

- For the mood of many tweets. A single prediction is often wrong: never judge a person by it.
- English only. A word in another script is an unknown word.
- It has the biases of its labellers and of the lexicon.
- Most mistakes are irony, quotations and news of bad events.
- With int8, a tweet's probabilities depend a little on the other tweets of its batch.
"""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
