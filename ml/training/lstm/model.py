"""The network: GloVe vectors and lexicon features, a BiLSTM, three poolings, and a linear layer
that also gets VADER's features of the complete text (about 1 point of macro recall). Everywhere a
word's valence is what VADER's rules make of it, negated and boosted by the words before it; of a
negated word that feels, nothing else is seen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from vectors import DIMENSIONS, WordVectors

from lstm import lexicon
from lstm.labels import LABELS
from lstm.settings import Hyperparameters
from lstm.tokenizer import PAD_ID, UNKNOWN_ID, Vocabulary

RULE_FEATURES = 4
# Words after a negation that it negates.
NEGATION_REACH = 4


def initial_vectors(vocabulary: Vocabulary, vectors: WordVectors, seed: int) -> np.ndarray:
    """(V, 100) float32: each word's GloVe vector, small noise without one, zeros for padding."""
    place = {word: index for index, word in enumerate(vectors.words)}
    table = np.random.default_rng(seed).normal(0, 0.1, (len(vocabulary.words), DIMENSIONS))
    known = [(row, place[word]) for row, word in enumerate(vocabulary.words) if word in place]
    if known:
        rows, columns = zip(*known, strict=True)
        table[list(rows)] = vectors.vectors[list(columns)]
    table[PAD_ID] = 0
    return table.astype(np.float32)


def lexicon_table(vocabulary: Vocabulary) -> np.ndarray:
    """(V, 4) float32: the lexicon's features of each word; constant, never trained."""
    return np.array([lexicon.features(word) for word in vocabulary.words], dtype=np.float32)


class Encoder(nn.Module):
    """Ids to a text's features: the part of the network that pre-training provides."""

    def __init__(
        self, table: np.ndarray, lexicon_rows: np.ndarray, options: Hyperparameters
    ) -> None:
        super().__init__()
        self.options = options
        # Sparse gradients: a batch touches a few hundred of the table's rows.
        self.embedding = nn.Embedding.from_pretrained(
            torch.from_numpy(table), freeze=False, sparse=True
        )
        self.register_buffer("lexicon", torch.from_numpy(lexicon_rows))
        width = table.shape[1] + lexicon_rows.shape[1]
        self.lstm = nn.LSTM(width, options.hidden_size, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(2 * options.hidden_size, 1)
        self.dropout = nn.Dropout(options.dropout)
        self.features = 6 * options.hidden_size + RULE_FEATURES

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """`ids` (B, T) int64, longest row first; `lengths` (B,) int64, 1 to T. (B, 6H + 4)."""
        if self.training:
            dropped = torch.rand(ids.shape) < self.options.word_dropout
            ids = torch.where(dropped & (ids != PAD_ID), torch.full_like(ids, UNKNOWN_ID), ids)
        words = self.embedding(ids).float()  # (B, T, 100)
        if self.training:
            # Drops complete channels, so that the model does not depend on single ones.
            words = words * _kept_channels(words, self.options.channel_dropout)
        features = nn.functional.embedding(ids, self.lexicon)  # (B, T, 4)
        valence, negated = valence_in_context(features)  # (B, T) each
        # Of a negated word that feels, the network sees the valence alone: from its vector it
        # would learn, by the many texts without a "not", that "happy" is happy.
        rated = (features[:, :, 0] != 0).float()
        words = words * (1 - negated * rated).unsqueeze(2)
        inputs = torch.cat([words, valence.unsqueeze(2), features[:, :, 1:]], dim=2)

        exporting = torch.onnx.is_in_onnx_export()
        states = (_packed if exporting else _both_ways)(self.lstm, inputs, lengths)  # (B, T, 2H)
        if self.training:
            states = states * _kept_channels(states, self.options.dropout)

        real = (torch.arange(ids.shape[1]) < lengths.unsqueeze(1)).unsqueeze(2)  # (B, T, 1)
        # Adding is faster than selecting by a mask.
        hidden = (~real).float() * -1e9
        attention = (self.attention(torch.tanh(states)) + hidden).softmax(dim=1)
        pooled = torch.cat(
            [
                (attention * states).sum(dim=1),
                (states + hidden).max(dim=1).values,
                (states * real).sum(dim=1) / lengths.unsqueeze(1),
            ],
            dim=1,
        )  # (B, 6H)
        return torch.cat([self.dropout(pooled), rule_features(valence)], dim=1)


def _packed(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, 2H) from inputs (B, T, C). Packed, or the backward direction would read the padding
    first, and a text's answer would depend on how long its neighbours in the batch are. The
    exporter turns this into ONNX's own sequence lengths."""
    packed = pack_padded_sequence(inputs, lengths, batch_first=True)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True)[0]


def _both_ways(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """As `_packed` but for the values in the padding, and up to twice as fast: torch's fast LSTM
    needs texts of one length. So the backward direction gets each text reversed within its own
    length. Both directions read the padding after the text, where it has no effect on it."""
    batch, longest, _ = inputs.shape
    places = torch.arange(longest)
    turned = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    rows = (turned + longest * torch.arange(batch)[:, None]).flatten()

    def turn(values: Tensor) -> Tensor:
        return values.flatten(0, 1).index_select(0, rows).unflatten(0, (batch, longest))

    nothing = inputs.new_zeros(1, batch, lstm.hidden_size)

    def run(values: Tensor, direction: str) -> Tensor:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weights = [getattr(lstm, f"{name}_l0{direction}") for name in names]
        return torch.lstm(
            values, (nothing, nothing), weights, True, 1, 0.0, lstm.training, False, True
        )[0]

    return torch.cat([run(inputs, ""), turn(run(turn(inputs), "_reverse"))], dim=2)


def _kept_channels(values: Tensor, dropped: float) -> Tensor:
    """(B, 1, C) factors that drop some channels of each text (B, T, C), the same ones at each word.
    A mask of single values needs T times as many random numbers: an eighth of a step's time."""
    kept = 1 - dropped
    return (torch.rand(values.shape[0], 1, values.shape[2]) < kept) / kept


class SentimentLstm(nn.Module):
    """Ids to logits of the three classes."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.classify = nn.Linear(encoder.features, len(LABELS))

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """As `Encoder.forward`; logits, (B, 3)."""
        return self.classify(self.encoder(ids, lengths))


class MultiTask(nn.Module):
    """One encoder with a head for each task; `classes` has the number of classes by task."""

    def __init__(self, encoder: Encoder, classes: dict[str, int]) -> None:
        super().__init__()
        self.encoder = encoder
        # A list, because a task's name may contain a dot and a module's name may not.
        self.tasks = {task: index for index, task in enumerate(classes)}
        self.heads = nn.ModuleList(nn.Linear(encoder.features, count) for count in classes.values())

    def forward(self, task: str, ids: Tensor, lengths: Tensor) -> Tensor:
        """As `Encoder.forward`; logits of the task's classes."""
        return self.heads[self.tasks[task]](self.encoder(ids, lengths))


def valence_in_context(features: Tensor) -> tuple[Tensor, Tensor]:
    """The valence of each word after the rules, (B, T), in quarters of VADER's scale, and 1 for
    each negated word, else 0, (B, T); from the lexicon's features of the words (B, T, 4).

    The rules are Hutto & Gilbert's: a booster up to three words before adds 0.293, less with
    distance; a negation before reverses the valence and takes off a quarter. Theirs reaches three
    words, ours one more ("didn't find it very good"), unless a word of doubt takes it back.
    """
    valence = features[:, :, 0] * lexicon.MAX_VALENCE
    before = nn.functional.pad(features, (0, 0, NEGATION_REACH, 0))  # (B, 4 + T, 4)
    booster, negation = before[:, :, 2], before[:, :, 3]
    boost = 0.293 * (
        _earlier(booster, 1) + 0.95 * _earlier(booster, 2) + 0.9 * _earlier(booster, 3)
    )
    negations = [_earlier(negation, words) for words in range(1, NEGATION_REACH + 1)]
    negated = torch.stack(negations).sum(dim=0).clamp(min=0, max=1)
    return (valence + valence.sign() * boost) * (1 - 1.74 * negated) / lexicon.MAX_VALENCE, negated


def rule_features(valence: Tensor) -> Tensor:
    """VADER's features of a text, (B, 4), from its `valence_in_context`, (B, T): compound score,
    sum of the positive valences, sum of the negative ones, number of words with a valence.

    The sum s of the valences is the compound score s / sqrt(s^2 + 15). Padding has no valence and
    comes last, so it has no effect.
    """
    total = valence.sum(dim=1) * lexicon.MAX_VALENCE
    return torch.stack(
        [
            total / (total * total + 15).sqrt(),
            valence.clamp(min=0).sum(dim=1),
            valence.clamp(max=0).sum(dim=1),
            (valence != 0).float().sum(dim=1) / lexicon.MAX_VALENCE,
        ],
        dim=1,
    )


def _earlier(before: Tensor, words: int) -> Tensor:
    """(B, T) from `before` (B, 4 + T): the values that many words earlier, 0 at the beginning. The
    bounds are constants, because the exporter turns a bound like T into six more operators."""
    return before[:, NEGATION_REACH - words : -words]
