"""Initial weights of a training: word vectors only, a pre-trained encoder, or the champion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from vectors import WordVectors

from lstm.model import Encoder, SentimentLstm, initial_vectors, lexicon_table
from lstm.settings import Hyperparameters
from lstm.tokenizer import Vocabulary


@dataclass(frozen=True)
class Start:
    """An encoder that learned before: its words, their rows `table` (V, 100), and `parts`, the
    other parameters by their name in `Encoder`. `head` are those of the layer above it, if it was
    trained for the same three classes."""

    version: str
    words: list[str]
    table: np.ndarray
    parts: Mapping[str, np.ndarray]
    head: Mapping[str, np.ndarray] | None = None

    @classmethod
    def of(cls, version: str, encoder: Encoder, words: list[str]) -> Start:
        parts = {
            name: value.detach().numpy().copy()
            for name, value in encoder.named_parameters()
            if name != "embedding.weight"
        }
        return cls(version, words, encoder.embedding.weight.detach().numpy().copy(), parts)

    @property
    def hidden_size(self) -> int:
        return self.parts["lstm.weight_hh_l0"].shape[1]


def fitted_to(start: Start | None, options: Hyperparameters) -> Hyperparameters:
    """The options with the size of the encoder that training starts from."""
    if start is None:
        return options
    return dataclasses.replace(options, hidden_size=start.hidden_size)


def new_encoder(
    vocabulary: Vocabulary, known: WordVectors, options: Hyperparameters, start: Start | None
) -> Encoder:
    """An encoder for these words; what `start` learned about them, it knows."""
    table = initial_vectors(vocabulary, known, options.seed)
    if start is not None:
        place = {word: index for index, word in enumerate(start.words)}
        rows = [row for row, word in enumerate(vocabulary.words) if word in place]
        table[rows] = start.table[[place[vocabulary.words[row]] for row in rows]]
    encoder = Encoder(table, lexicon_table(vocabulary), fitted_to(start, options))
    if start is not None:
        _load(encoder, start.parts)
    return encoder


def new_model(
    vocabulary: Vocabulary, known: WordVectors, options: Hyperparameters, start: Start | None
) -> SentimentLstm:
    model = SentimentLstm(new_encoder(vocabulary, known, options, start))
    if start is not None and start.head is not None:
        _load(model.classify, start.head)
    return model


def _load(module: torch.nn.Module, parts: Mapping[str, np.ndarray]) -> None:
    own = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in parts.items():
            own[name].copy_(torch.tensor(value))
