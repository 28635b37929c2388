"""The model archive: what serving loads, what the next night's training scores as the champion."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tarfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from lstm.batches import by_length, pad
from lstm.labels import LABELS
from lstm.model import SentimentLstm
from lstm.tokenizer import PAD_ID, UNKNOWN_ID, Tokenizer

OPSET = 17
BATCH_SIZE = 64
NETWORK, TOKENIZER, DESCRIPTION = "model.onnx", "tokenizer.json", "model.json"
PARTS = (NETWORK, TOKENIZER, DESCRIPTION)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _Probabilities(torch.nn.Module):
    """What serving asks of the network: probabilities, and a table of half the size."""

    def __init__(self, model: SentimentLstm) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval()
        self.model.embedding.weight.data = self.model.embedding.weight.data.half()

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.model(ids, lengths).softmax(dim=1)


def to_onnx(model: SentimentLstm) -> bytes:
    """The network as ONNX: `ids` (B, T) and `lengths` (B,), int64, to `probabilities` (B, 3).

    Torch's older exporter, because it turns packed sequences into ONNX's own sequence lengths; the
    newer one refuses them, and without them a text's answer depends on its batch.
    """
    content = io.BytesIO()
    # Two rows of different length: a traced batch of one, or of one length, would be frozen in.
    example = (torch.tensor([[5, 6, 7], [8, 9, PAD_ID]]), torch.tensor([3, 2]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both are about the choices explained above
        torch.onnx.export(
            _Probabilities(model),
            example,
            content,
            input_names=["ids", "lengths"],
            output_names=["probabilities"],
            dynamic_axes={
                "ids": {0: "batch", 1: "time"},
                "lengths": {0: "batch"},
                "probabilities": {0: "batch"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    return content.getvalue()


def describe(model_version: str, network: bytes, tokenizer: Tokenizer) -> dict[str, Any]:
    """`model.json`: all that serving has to know beside the two files, and their checksums."""
    return {
        "schema_version": 1,
        "model_version": model_version,
        "labels": list(LABELS),
        "max_tokens": tokenizer.max_tokens,
        "pad_id": PAD_ID,
        "unknown_id": UNKNOWN_ID,
        "sha256": {NETWORK: sha256(network), TOKENIZER: sha256(tokenizer.definition.encode())},
    }


@dataclass(frozen=True)
class Archive:
    """A model as it serves: scored by the same runtime, from the same files."""

    version: str
    tokenizer: Tokenizer
    session: onnxruntime.InferenceSession

    @classmethod
    def from_folder(cls, folder: Path) -> Archive:
        return cls._load(lambda name: (folder / name).read_bytes(), str(folder))

    @classmethod
    def from_tar(cls, path: Path) -> Archive:
        """Raises ValueError if the file is damaged or is no model of ours."""
        try:
            with tarfile.open(path, "r:gz") as tar:
                parts = {
                    Path(member.name).name: _content(tar, member)
                    for member in tar.getmembers()
                    if member.isfile() and Path(member.name).name in PARTS
                }
        except (OSError, EOFError, tarfile.TarError) as error:
            raise ValueError(f"{path} is not a readable tar.gz: {error}") from error
        return cls._load(parts.__getitem__, str(path))

    @classmethod
    def _load(cls, read: Callable[[str], bytes], where: str) -> Archive:
        try:
            parts: Mapping[str, bytes] = {name: read(name) for name in PARTS}
        except (KeyError, OSError) as error:
            raise ValueError(f"{where} lacks a part of the model: {error}") from error
        try:
            description = json.loads(parts[DESCRIPTION])
            version, labels = description["model_version"], description["labels"]
            max_tokens, expected = description["max_tokens"], description["sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{where}: {DESCRIPTION} is not a model's description: {error}"
            ) from error
        for name in (NETWORK, TOKENIZER):
            if sha256(parts[name]) != expected.get(name):
                raise ValueError(f"{where}: {name} does not have the checksum {DESCRIPTION} gives")
        if labels != list(LABELS):
            raise ValueError(f"{where}: answers {labels}, not {list(LABELS)}")
        return cls(
            version,
            Tokenizer(parts[TOKENIZER].decode("utf-8"), max_tokens),
            _session(parts[NETWORK], where),
        )

    def probabilities(self, texts: list[str]) -> np.ndarray:
        """(N, 3) float32, in the order of LABELS."""
        encoded = self.tokenizer.encode(texts)
        result = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
        for batch in by_length(encoded, BATCH_SIZE):
            ids, lengths = pad([encoded[row] for row in batch])
            [result[batch]] = self.session.run(None, {"ids": ids, "lengths": lengths})
        return result


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _session(network: bytes, where: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors share no base class
        raise ValueError(f"{where}: {NETWORK} cannot be loaded: {error}") from error


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", "utf-8")


def save(folder: Path, network: bytes, tokenizer: Tokenizer, model_version: str) -> None:
    """Write the three parts that serving loads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK).write_bytes(network)
    (folder / TOKENIZER).write_text(tokenizer.definition, "utf-8")
    write_json(folder / DESCRIPTION, describe(model_version, network, tokenizer))


def find_champion(folder: Path) -> Archive | None:
    """The archive of the champion channel; None on the first night, when there is no channel."""
    found = sorted(folder.rglob("model.tar.gz"))
    if len(found) > 1:
        raise ValueError(f"{len(found)} archives in {folder}; the champion is one model.tar.gz")
    if not found:
        strangers = [path.name for path in folder.rglob("*") if path.is_file()]
        if strangers:
            raise ValueError(f"no model.tar.gz in {folder}, only {', '.join(sorted(strangers))}")
        return None
    return Archive.from_tar(found[0])
