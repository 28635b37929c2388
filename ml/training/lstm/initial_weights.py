"""Initial weights of a training: word vectors only, a pre-trained encoder, or the champion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from vectors import WordVectors

from lstm.archive import Archive
from lstm.model import Encoder, SentimentLstm, initial_vectors, lexicon_table
from lstm.settings import Hyperparameters
from lstm.tokenizer import Vocabulary


@dataclass(frozen=True)
class InitialWeights:
    """A trained encoder: its words, their rows `table` (V, 100), and `parts`, the other parameters
    by their name in `Encoder`. `head` has the parameters of the layer above it, if that was trained
    for the same three classes."""

    version: str
    words: list[str]
    table: np.ndarray
    parts: Mapping[str, np.ndarray]
    head: Mapping[str, np.ndarray] | None = None

    @classmethod
    def of(cls, version: str, encoder: Encoder, words: list[str]) -> InitialWeights:
        parts = {
            name: value.detach().numpy().copy()
            for name, value in encoder.named_parameters()
            if name != "embedding.weight"
        }
        return cls(version, words, encoder.embedding.weight.detach().numpy().copy(), parts)

    @property
    def hidden_size(self) -> int:
        return self.parts["lstm.weight_hh_l0"].shape[1]


def fitted_to(initial: InitialWeights | None, options: Hyperparameters) -> Hyperparameters:
    """The options with the size of the encoder that training starts from."""
    if initial is None:
        return options
    return dataclasses.replace(options, hidden_size=initial.hidden_size)


def new_encoder(
    vocabulary: Vocabulary,
    known: WordVectors,
    options: Hyperparameters,
    initial: InitialWeights | None,
) -> Encoder:
    """An encoder for these words, with the weights of `initial` for those it has."""
    table = initial_vectors(vocabulary, known, options.seed)
    if initial is not None:
        place = {word: index for index, word in enumerate(initial.words)}
        rows = [row for row, word in enumerate(vocabulary.words) if word in place]
        table[rows] = initial.table[[place[vocabulary.words[row]] for row in rows]]
    encoder = Encoder(table, lexicon_table(vocabulary), fitted_to(initial, options))
    if initial is not None:
        _load(encoder, initial.parts)
    return encoder


def new_model(
    vocabulary: Vocabulary,
    known: WordVectors,
    options: Hyperparameters,
    initial: InitialWeights | None,
) -> SentimentLstm:
    model = SentimentLstm(new_encoder(vocabulary, known, options, initial))
    if initial is not None and initial.head is not None:
        _load(model.classify, initial.head)
    return model


def _load(module: torch.nn.Module, parts: Mapping[str, np.ndarray]) -> None:
    own = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in parts.items():
            own[name].copy_(torch.tensor(value))


def start_from(champion: Archive) -> InitialWeights:
    """The champion's weights, read from its ONNX network. Raises ValueError if `export.to_onnx` did
    not write that network."""
    graph = onnx.load_from_string(champion.network).graph
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    try:
        [lstm] = [node for node in graph.node if node.op_type == "LSTM"]
        [attention] = [node for node in graph.node if node.op_type == "MatMul"]
        parts = {
            **_lstm(*(stored[name] for name in lstm.input[1:4])),
            "attention.weight": np.ascontiguousarray(stored[attention.input[1]].T),
            "attention.bias": _ending(stored, "attention.bias"),
        }
        table = _ending(stored, "embedding.weight").astype(np.float32)
        head = {name: _ending(stored, f"classify.{name}") for name in ("weight", "bias")}
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"cannot continue the training of champion {champion.version}: {error}"
        ) from error
    return InitialWeights(champion.version, champion.tokenizer.words, table, parts, head)


def _ending(stored: dict[str, np.ndarray], name: str) -> np.ndarray:
    [found] = [value for key, value in stored.items() if key.endswith(name)]
    return found.copy()


def _lstm(inputs: np.ndarray, states: np.ndarray, biases: np.ndarray) -> dict[str, np.ndarray]:
    """Torch's parameters from ONNX's W (2, 4H, I), R (2, 4H, H), B (2, 8H). ONNX has both
    directions in one array, torch has one array for each."""
    parts = {}
    for direction, suffix in enumerate(("", "_reverse")):
        bias_inputs, bias_states = np.split(biases[direction], 2)
        for name, value in (
            ("weight_ih", inputs[direction]),
            ("weight_hh", states[direction]),
            ("bias_ih", bias_inputs),
            ("bias_hh", bias_states),
        ):
            parts[f"lstm.{name}_l0{suffix}"] = _gates(value)
    return parts


def _gates(value: np.ndarray) -> np.ndarray:
    """ONNX has a layer's gates as input, output, forget, cell; torch as input, forget, cell,
    output."""
    gate_in, gate_out, gate_forget, cell = np.split(value, 4)
    return np.concatenate([gate_in, gate_forget, cell, gate_out])
