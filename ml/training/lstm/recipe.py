"""From rows, initial weights and hyperparameters to a trained network and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from vectors import WordVectors

from lstm.archive import Archive
from lstm.data import Row
from lstm.initial_weights import InitialWeights, fitted_to, new_encoder, new_model
from lstm.labels import LABELS
from lstm.model import SentimentLstm
from lstm.negated import negated_copies
from lstm.pretraining import Corpus, pretrain
from lstm.settings import Hyperparameters
from lstm.tokenizer import Tokenizer, Vocabulary, build_vocabulary, definition
from lstm.training import (
    Examples,
    Fitted,
    HeldOut,
    balance,
    fit,
    make_repeatable,
    one_hot,
    smoothed,
)


@dataclass(frozen=True)
class TrainingSet:
    """Texts with their targets (N, 3), which sum to 1, and weights (N,), and the rows that choose
    the best epoch."""

    texts: list[str]
    targets: np.ndarray
    weights: np.ndarray
    validation: list[Row]

    @classmethod
    def of(
        cls,
        human: list[Row],
        weak: list[Row],
        champion: Archive | None,
        validation: list[Row],
        options: Hyperparameters,
    ) -> TrainingSet:
        """A human label has weight 1, a weak one `weak_weight` times its confidence, a negated copy
        of a text with a human label `negated_weight`."""
        weak_targets, confidence = weak_labels(weak, champion)
        copies = negated_copies(human, options.seed) if options.negated_weight > 0 else []
        return cls(
            [row.text for row in human + weak] + [text for text, _ in copies],
            np.concatenate(
                [
                    one_hot(_labels(human), len(LABELS)),
                    weak_targets,
                    np.array([target for _, target in copies]).reshape(-1, len(LABELS)),
                ]
            ),
            np.concatenate(
                [
                    np.ones(len(human)),
                    options.weak_weight * confidence,
                    np.full(len(copies), options.negated_weight),
                ]
            ),
            validation,
        )


def weak_labels(rows: list[Row], champion: Archive | None) -> tuple[np.ndarray, np.ndarray]:
    """Targets (N, 3) of rows that only the lexicon labelled, and their confidence (N,).

    With a champion, the targets are the mean of lexicon and champion: a row on which they disagree
    has little confidence, and so little weight.
    """
    labelled = one_hot(_labels(rows), len(LABELS))
    confidence = np.array([row.confidence for row in rows])
    if champion is None or not rows:
        return labelled, confidence
    rest = (1 - confidence[:, None]) / (len(LABELS) - 1)
    lexicon = np.where(labelled > 0, confidence[:, None], rest)
    both = (lexicon + champion.probabilities([row.text for row in rows])) / 2
    return both / both.sum(axis=1, keepdims=True), both.max(axis=1)


def _labels(rows: list[Row]) -> np.ndarray:
    return np.array([row.label for row in rows], dtype=np.int64)


@dataclass(frozen=True)
class Trained:
    model: SentimentLstm
    tokenizer: Tokenizer
    fitted: Fitted


def pretrain_encoder(
    version: str,
    corpora: list[Corpus],
    known: WordVectors,
    options: Hyperparameters,
    stop: Callable[[], bool],
) -> InitialWeights:
    """An encoder trained on the tasks of labelled corpora."""
    make_repeatable(options.seed, options.pretrain_threads)
    texts = [text for corpus in corpora for text in corpus.texts]
    vocabulary, tokenizer = _tokenizer_for(texts, known, options, None)
    encoder = new_encoder(vocabulary, known, options, None)
    pretrain(encoder, corpora, tokenizer, options, stop)
    return InitialWeights.of(version, encoder, vocabulary.words)


@dataclass(frozen=True)
class EncodedSet:
    """A training set as ids, with its vocabulary and tokenizer."""

    options: Hyperparameters
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    examples: Examples
    validation: HeldOut

    @classmethod
    def of(
        cls,
        training_set: TrainingSet,
        known: WordVectors,
        options: Hyperparameters,
        initial: InitialWeights | None,
    ) -> EncodedSet:
        vocabulary, tokenizer = _tokenizer_for(training_set.texts, known, options, initial)
        targets = (
            smoothed(training_set.targets, options.label_smoothing) * training_set.weights[:, None]
        )
        balanced = targets * balance(training_set.targets, training_set.weights)
        return cls(
            fitted_to(initial, options),
            vocabulary,
            tokenizer,
            Examples(tokenizer.encode(training_set.texts), balanced.astype(np.float32)),
            HeldOut(
                tokenizer.encode([row.text for row in training_set.validation]),
                _labels(training_set.validation),
            ),
        )


def _tokenizer_for(
    texts: list[str], known: WordVectors, options: Hyperparameters, initial: InitialWeights | None
) -> tuple[Vocabulary, Tokenizer]:
    learned = () if initial is None else initial.words
    vocabulary = build_vocabulary(
        texts, known, options.frequent_words, learned, options.punctuation
    )
    return vocabulary, Tokenizer(definition(vocabulary, options.punctuation), options.max_tokens)


def train_model(
    training_set: TrainingSet,
    known: WordVectors,
    options: Hyperparameters,
    initial: InitialWeights | None,
    stop: Callable[[], bool],
) -> Trained:
    """Trains one network on the training set."""
    make_repeatable(options.seed)
    encoded = EncodedSet.of(training_set, known, options, initial)
    model = new_model(encoded.vocabulary, known, options, initial)
    fitted = fit(model, encoded.examples, encoded.validation, encoded.options, stop)
    return Trained(model, encoded.tokenizer, fitted)
