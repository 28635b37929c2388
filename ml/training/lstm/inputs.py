"""What a training learns from, as one hash: equal for two trainings that would learn the same."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import etl.text
from lstm.data import HumanLabels, Row
from lstm.files import sha256
from lstm.initial_weights import InitialWeights
from lstm.labels import LABELS
from lstm.pretraining import Corpus
from lstm.settings import Hyperparameters

PROGRAM = Path(__file__).parent.parent
TEXT_RULES = Path(etl.text.__file__).parent


def training_input(
    labels: HumanLabels,
    weak: list[Row],
    options: Hyperparameters,
    *,
    request: dict[str, Any],
    encoder: InitialWeights | None,
    corpora: list[Corpus],
    vectors_path: Path,
) -> str:
    """SHA-256 of the human labels of all splits, the chosen weak rows, the options, the corpora and
    the code. It does not depend on which files or snapshots hold the rows, nor on the champion:
    otherwise each promotion would lead to one more training on the same rows."""
    images = request.get("images")
    parts = [
        [[row.split, *_fields(row)] for row in labels.rows],
        [_fields(row) for row in weak],
        sorted(dataclasses.asdict(options).items()),
        _encoder_of(request, encoder) or sorted([each.task, each.digest] for each in corpora),
        images.get("training") if isinstance(images, dict) else None,
        sha256(vectors_path.read_bytes()),
        code_sha256(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _fields(row: Row) -> list[Any]:
    return [row.text_hash, row.text, LABELS[row.label], row.confidence]


def _encoder_of(request: dict[str, Any], encoder: InitialWeights | None) -> str | None:
    """A hash of the corpora, whether the encoder was made before or is made in this job."""
    wanted = request.get("encoder")
    if isinstance(wanted, dict) and "version" in wanted:
        return str(wanted["version"])
    return encoder.version if encoder else None


def code_sha256() -> str:
    """SHA-256 of the program, the text rules and the requirements: locally the image's name does
    not change with them."""
    files = {
        f"{name}/{path.relative_to(folder)}": sha256(path.read_bytes())
        for name, folder in (("program", PROGRAM), ("text", TEXT_RULES))
        for path in folder.rglob("*")
        if path.suffix in {".py", ".json", ".txt"}
    }
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()


def same_as_last(request: dict[str, Any], training_input: str) -> str | None:
    """The version of the last training if it learnt from the same; the caller names it with its
    hash (`last_training`) if it wants no second one."""
    last = request.get("last_training")
    if not isinstance(last, dict) or last.get("training_input") != training_input:
        return None
    return str(last.get("version"))
