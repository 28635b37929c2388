"""A pre-trained encoder as files: what `pretrain` leaves, what a night's training starts from."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm.files import only_archive, parts_of_folder, parts_of_tar, sha256, write_json
from lstm.pretraining import Corpus
from lstm.settings import Hyperparameters
from lstm.starts import Start

WEIGHTS, DESCRIPTION = "encoder.npz", "encoder.json"
# Names of arrays in the file that are no parameter.
WORDS, TABLE = "words", "table"


def save(
    folder: Path, start: Start, options: Hyperparameters, corpora: list[Corpus], seconds: float
) -> None:
    """Write both files; the table in half precision, which is far below what training moves."""
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    arrays: dict[str, Any] = {
        WORDS: np.frombuffer("\n".join(start.words).encode(), dtype=np.uint8),
        TABLE: start.table.astype(np.float16),
        **start.parts,
    }
    np.savez(content, **arrays)
    (folder / WEIGHTS).write_bytes(content.getvalue())
    write_json(
        folder / DESCRIPTION,
        {
            "schema_version": 1,
            "encoder_version": start.version,
            "hidden_size": start.hidden_size,
            "words": len(start.words),
            "tasks": {
                corpus.task: {
                    "rows": len(corpus.texts),
                    "classes": corpus.classes,
                    "sha256": corpus.digest,
                }
                for corpus in corpora
            },
            "hyperparameters": dataclasses.asdict(options),
            "seconds": round(seconds, 1),
            "sha256": {WEIGHTS: sha256(content.getvalue())},
        },
    )


def find(channel: Path) -> Start | None:
    """The encoder channel's, as files or as the archive of a job that made nothing else; None if
    the job has no such channel. Raises ValueError."""
    parts = parts_of_folder(channel, (WEIGHTS, DESCRIPTION))
    if parts:
        return load(parts, str(channel))
    path = only_archive(channel, "encoder")
    return None if path is None else load(parts_of_tar(path, (WEIGHTS, DESCRIPTION)), str(path))


def load(parts: Mapping[str, bytes], where: str) -> Start:
    """Raises ValueError if a part is missing or damaged."""
    try:
        description = json.loads(parts[DESCRIPTION])
        version, expected = description["encoder_version"], description["sha256"][WEIGHTS]
        weights = parts[WEIGHTS]
    except KeyError as error:
        raise ValueError(f"{where} is no encoder, it lacks {error}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {DESCRIPTION} is not an encoder's description") from error
    if sha256(weights) != expected:
        raise ValueError(f"{where}: {WEIGHTS} does not have the checksum {DESCRIPTION} gives")
    with np.load(io.BytesIO(weights), allow_pickle=False) as stored:
        words = stored[WORDS].tobytes().decode("utf-8").split("\n")
        table = stored[TABLE].astype(np.float32)
        others = {name: stored[name] for name in stored.files if name not in (WORDS, TABLE)}
    return Start(version, words, table, others)
