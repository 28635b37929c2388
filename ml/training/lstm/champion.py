"""The champion's weights as initial weights, read back from its archive's ONNX network."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from lstm.archive import Archive
from lstm.starts import Start


def start_from(champion: Archive) -> Start:
    """Raises ValueError if the network is not one that `archive.to_onnx` wrote."""
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
            f"champion {champion.version}: its network cannot be trained on: {error}"
        ) from error
    return Start(champion.version, champion.tokenizer.words, table, parts, head)


def _ending(stored: dict[str, np.ndarray], name: str) -> np.ndarray:
    [found] = [value for key, value in stored.items() if key.endswith(name)]
    return found.copy()


def _lstm(inputs: np.ndarray, states: np.ndarray, biases: np.ndarray) -> dict[str, np.ndarray]:
    """Torch's parameters of ONNX's W (2, 4H, I), R (2, 4H, H), B (2, 8H): both directions in one
    array there, apart here."""
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
