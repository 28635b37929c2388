"""What a model was made of: enough to say, months later, which data and which code, and to make it
again."""

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
    """The request channel's `request.json`: what only the caller knows (versions of the data, label
    objects, git commit, images, fingerprint). Empty without the channel. Raises ValueError."""
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
    """X's language tags of the tweets to learn from; English where the request names none."""
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
        # What of the channels could not be read, and was left out.
        "set_aside": aside.as_list(),
        "metrics": {
            key: evaluation[key]
            for key in ("candidate", "champion", "lexicon", "majority", "training")
        },
    }
