"""The model archive, which serving loads and the next training scores as the champion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from lstm.data import Row
from lstm.export import to_int8
from lstm.files import only_archive, parts_of_folder, parts_of_tar, sha256, write_json
from lstm.labels import LABELS
from lstm.scores import macro_recall
from lstm.settings import Hyperparameters
from lstm.tokenizer import PAD_ID, UNKNOWN_ID, Tokenizer
from lstm.training import by_length, pad

BATCH_SIZE = 64
NETWORK, INT8_NETWORK = "model.onnx", "model.int8.onnx"
TOKENIZER, DESCRIPTION = "tokenizer.json", "model.json"
PARTS = (NETWORK, INT8_NETWORK, TOKENIZER, DESCRIPTION)


@dataclass(frozen=True)
class Archive:
    """A model as it serves: the same runtime and the same files."""

    version: str
    tokenizer: Tokenizer
    session: onnxruntime.InferenceSession
    # The fp32 network, even if the int8 one serves.
    network: bytes
    # Of everything that the answers depend on: `digest_of`.
    digest: str

    @classmethod
    def from_folder(cls, folder: Path, serves: str | None = None) -> Archive:
        """`serves`: NETWORK or INT8_NETWORK; by default the one that the description names.
        Raises ValueError."""
        return cls._load(parts_of_folder(folder, PARTS), str(folder), serves)

    @classmethod
    def from_tar(cls, path: Path) -> Archive:
        """Raises ValueError if the file is damaged or not a model of this project."""
        return cls._load(parts_of_tar(path, PARTS), str(path), None)

    @classmethod
    def _load(cls, parts: Mapping[str, bytes], where: str, serves: str | None) -> Archive:
        missing = [name for name in (NETWORK, TOKENIZER, DESCRIPTION) if name not in parts]
        if missing:
            raise ValueError(f"{where} lacks a part of the model: {', '.join(missing)}")
        try:
            description = json.loads(parts[DESCRIPTION])
            version, labels = description["model_version"], description["labels"]
            max_tokens, expected = description["max_tokens"], dict(description["sha256"])
            # Archives of schema 1 hold one network.
            serves = serves or description.get("network", NETWORK)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{where}: {DESCRIPTION} is not a model's description: {error}"
            ) from error
        if serves not in parts:
            raise ValueError(f"{where} lacks a part of the model: {serves}")
        for name in parts.keys() - {DESCRIPTION}:
            if sha256(parts[name]) != expected.get(name):
                raise ValueError(f"{where}: {name} does not have the checksum {DESCRIPTION} gives")
        if labels != list(LABELS):
            raise ValueError(f"{where}: answers {labels}, not {list(LABELS)}")
        return cls(
            version,
            Tokenizer(parts[TOKENIZER].decode("utf-8"), max_tokens),
            _session(parts[serves], f"{where}: {serves}"),
            parts[NETWORK],
            digest_of(
                {
                    "model_version": version,
                    "network": serves,
                    "labels": ",".join(LABELS),
                    "max_tokens": max_tokens,
                    "pad_id": description.get("pad_id", PAD_ID),
                    "unknown_id": description.get("unknown_id", UNKNOWN_ID),
                },
                {name: sha256(content) for name, content in parts.items() if name != DESCRIPTION},
            ),
        )

    def probabilities(self, texts: list[str]) -> np.ndarray:
        """(N, 3) float32, in the order of LABELS."""
        encoded = self.tokenizer.encode(texts)
        result = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
        for batch in by_length(encoded, BATCH_SIZE):
            ids, lengths = pad([encoded[row] for row in batch])
            [result[batch]] = self.session.run(None, {"ids": ids, "lengths": lengths})
        return result


def digest_of(settings: Mapping[str, object], files: Mapping[str, str]) -> str:
    """SHA-256, in hexadecimal, of everything that a model's answers depend on: a line
    `<name> <value>` for each setting, in the order of `settings`, and `sha256 <file> <checksum>`
    for each file, sorted.

    The archive's own checksum would not do: SageMaker packs it after the job, and it also has the
    evaluation. ml/serving/model.ts computes the same digest of the files it loaded.
    """
    lines = [
        *(f"{name} {value}\n" for name, value in settings.items()),
        *(f"sha256 {name} {files[name]}\n" for name in sorted(files)),
    ]
    return sha256("".join(lines).encode())


def _session(network: bytes, where: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors share no base class
        raise ValueError(f"{where} cannot be loaded: {error}") from error


def save(folder: Path, network: bytes, tokenizer: Tokenizer, model_version: str) -> None:
    """Writes both networks, the tokenizer and a description; the fp32 network serves."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK).write_bytes(network)
    (folder / INT8_NETWORK).write_bytes(to_int8(network))
    (folder / TOKENIZER).write_text(tokenizer.definition, "utf-8")
    seal(folder, tokenizer, model_version, NETWORK)


def seal(folder: Path, tokenizer: Tokenizer, model_version: str, serves: str) -> None:
    """Writes `model.json`: the settings that serving needs, and the checksum of every file in the
    folder. Call it again after adding files."""
    write_json(
        folder / DESCRIPTION,
        {
            "schema_version": 2,
            "model_version": model_version,
            "labels": list(LABELS),
            "max_tokens": tokenizer.max_tokens,
            "pad_id": PAD_ID,
            "unknown_id": UNKNOWN_ID,
            "network": serves,
            "sha256": {
                path.name: sha256(path.read_bytes())
                for path in sorted(folder.iterdir())
                if path.is_file() and path.name != DESCRIPTION
            },
        },
    )


def find_archive(folder: Path, channel: str) -> Archive | None:
    """The archive of a channel; None if the job has no such channel. Raises ValueError."""
    path = only_archive(folder, channel)
    return None if path is None else Archive.from_tar(path)


@dataclass(frozen=True)
class Serving:
    """The network's file, and the macro recall of both on the held-out rows."""

    network: str
    fp32_macro_recall: float
    int8_macro_recall: float


def choose_network(folder: Path, held_out: list[Row], options: Hyperparameters) -> Serving:
    """The network that `options.serves` names. int8 is chosen only if its macro recall on
    `held_out` is at most `int8_tolerance` lower than that of fp32."""
    truth = np.array([row.label for row in held_out], dtype=np.int64)
    texts = [row.text for row in held_out]
    exact, fast = (
        macro_recall(truth, Archive.from_folder(folder, name).probabilities(texts).argmax(axis=1))
        for name in (NETWORK, INT8_NETWORK)
    )
    holds = fast >= exact - options.int8_tolerance
    network = INT8_NETWORK if options.serves == "int8" and holds else NETWORK
    print(f"serves={network} fp32_recall={exact:.4f} int8_recall={fast:.4f}", flush=True)
    return Serving(network, exact, fast)
