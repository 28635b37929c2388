"""The trained network as ONNX: fp32, and with its LSTM in int8."""

from __future__ import annotations

import copy
import io
import logging
import tempfile
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from lstm.model import SentimentLstm
from lstm.tokenizer import PAD_ID

OPSET = 17


class _Probabilities(torch.nn.Module):
    """The network as exported: returns probabilities; its table is float16, half the size."""

    def __init__(self, model: SentimentLstm) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval()
        table = self.model.encoder.embedding.weight
        table.data = table.data.half()

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.model(ids, lengths).softmax(dim=1)


def to_onnx(model: SentimentLstm) -> bytes:
    """The network as ONNX: `ids` (B, T) and `lengths` (B,), int64, to `probabilities` (B, 3).

    Uses torch's older exporter, which turns packed sequences into ONNX's own sequence lengths. The
    newer one rejects packed sequences, and without them a text's answer depends on its batch.
    """
    content = io.BytesIO()
    # Two rows of different lengths, so that tracing fixes neither the batch size nor the length.
    example = (torch.tensor([[5, 6, 7], [8, 9, PAD_ID]]), torch.tensor([3, 2]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two warnings about the choices explained above
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


def to_int8(network: bytes) -> bytes:
    """The same network with int8 weights in its LSTM, where most of the time is spent.

    The runtime scales activations by the largest one in the batch, so a text's probabilities depend
    a little (about 1e-3) on the other texts in its batch.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(network)
        logger = logging.getLogger()
        level = logger.level
        logger.setLevel(logging.ERROR)  # it recommends a pre-processing that does not help here
        try:
            quantize_dynamic(
                source,
                target,
                op_types_to_quantize=["LSTM"],
                per_channel=False,
                weight_type=QuantType.QInt8,
            )
        finally:
            logger.setLevel(level)
        return target.read_bytes()
