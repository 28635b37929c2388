"""`python -m ml.bench.python_speed <vader|torch|transformer> <batch> <texts.json> [<model folder>]`

Prints the tweets/s of one process of one thread, tokenizing included.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from lstm import lexicon
from lstm.archive import Archive
from lstm.batches import pad
from lstm.champion import start_from
from lstm.model import SentimentLstm
from lstm.settings import Hyperparameters
from lstm.starts import fitted_to, new_model
from lstm.tokenizer import Tokenizer, Vocabulary
from vectors import DIMENSIONS, WordVectors

SECONDS = 6.0
# Texts that come together, as in serving-speed.ts.
REQUEST = 1000

# RoBERTa-base (Liu et al., 2019): 12 layers of 768, 12 heads, feed-forward 3,072, 50,265 words.
LAYERS, WIDTH, HEADS, FEED_FORWARD, WORDS = 12, 768, 12, 3072, 50_265

Answer = Callable[[list[str]], object]


def torch_model(folder: Path) -> Answer:
    """The archive's own network, in torch."""
    archive = Archive.from_folder(folder)
    start = start_from(archive)
    nothing = WordVectors([], np.zeros((0, DIMENSIONS), dtype=np.float16))
    options = fitted_to(start, Hyperparameters())
    model = new_model(Vocabulary(start.words, {}), nothing, options, start).eval()

    def answer(texts: list[str]) -> np.ndarray:
        return _logits(model, archive.tokenizer, texts).argmax(dim=1).numpy()

    return answer


def _logits(model: SentimentLstm, tokenizer: Tokenizer, texts: list[str]) -> torch.Tensor:
    rows = sorted(tokenizer.encode(texts), key=len, reverse=True)
    return model(*map(torch.from_numpy, pad(rows)))


def transformer(folder: Path) -> Answer:
    """An encoder of RoBERTa-base's shape with random weights: its speed does not depend on them.
    It gets our tokens, which are fewer than its own would be."""
    tokenizer = Archive.from_folder(folder).tokenizer
    layer = torch.nn.TransformerEncoderLayer(
        WIDTH, HEADS, FEED_FORWARD, activation="gelu", batch_first=True
    )
    # It skips the padding by nested tensors, and warns each time that they are a prototype.
    warnings.simplefilter("ignore")
    encoder = torch.nn.TransformerEncoder(layer, LAYERS).eval()
    embedding, head = torch.nn.Embedding(WORDS, WIDTH), torch.nn.Linear(WIDTH, 3)

    def answer(texts: list[str]) -> np.ndarray:
        ids, lengths = pad(tokenizer.encode(texts))
        hidden = np.arange(ids.shape[1])[None, :] >= lengths[:, None]
        states = encoder(
            embedding(torch.from_numpy(ids % WORDS)), src_key_padding_mask=torch.from_numpy(hidden)
        )
        return head(states[:, 0]).argmax(dim=1).numpy()

    return answer


def batches(texts: list[str], size: int) -> Iterator[list[str]]:
    """Batches without end; larger ones of like length, as a sorted request of many texts gives."""
    while True:
        for place in range(0, len(texts), REQUEST if size > 1 else 1):
            request = sorted(texts[place : place + (REQUEST if size > 1 else 1)], key=len)
            for start in range(0, len(request), size):
                yield request[start : start + size]


def main(arguments: list[str]) -> None:
    system, batch_text, texts_path, *rest = arguments
    texts, size = json.loads(Path(texts_path).read_text("utf-8")), int(batch_text)
    torch.set_num_threads(1)
    if system == "vader":
        answer: Answer = lexicon.classify
    else:
        answer = {"torch": torch_model, "transformer": transformer}[system](Path(rest[0]))
    with torch.inference_mode():
        answer(texts[:size])
        elapsed = 0.0
        started, done = time.monotonic(), 0
        for batch in batches(texts, size):
            elapsed = time.monotonic() - started
            if elapsed >= SECONDS:
                break
            answer(batch)
            done += len(batch)
    print(json.dumps({"tweets_per_second": done / elapsed}))


if __name__ == "__main__":
    main(sys.argv[1:])
