"""The trained network as ONNX, in single precision and with its LSTM in eight bits."""

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
    """What serving asks of the network: probabilities, and a table of half the size."""

    def __init__(self, model: SentimentLstm) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval()
        table = self.model.encoder.embedding.weight
        table.data = table.data.half()

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


def to_int8(network: bytes) -> bytes:
    """The same network with eight-bit weights in its LSTM, which is where the time goes.

    The runtime scales what flows through it by the largest number of the whole batch, so a text's
    probabilities depend a little (some 1e-3) on the texts beside it.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(network)
        logger = logging.getLogger()
        level = logger.level
        logger.setLevel(logging.ERROR)  # it recommends a pre-processing that is of no use here
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
