from __future__ import annotations

import pytest
import torch
from lstm import lexicon
from lstm.model import _both_ways, _packed, rule_features
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def features_of(text: str) -> list[float]:
    features = torch.tensor([[lexicon.features(word) for word in text.split()]])
    return rule_features(features)[0].tolist()


def vader_compound(text: str) -> float:
    return SentimentIntensityAnalyzer().polarity_scores(text)["compound"]


@pytest.mark.parametrize(
    "text",
    [
        "the movie was good",
        "the movie was not good",
        "the movie was very good",
        "it was not a very horrible and sad day",
        "we hate the awful slow train",
        "the bus leaves now",
    ],
)
def test_the_compound_feature_is_near_the_lexicons_own_score(text: str) -> None:
    assert features_of(text)[0] == pytest.approx(vader_compound(text), abs=0.12)


def test_positive_and_negative_words_are_summed_apart_and_counted() -> None:
    compound, positive, negative, words = features_of("love love hate")

    assert positive == pytest.approx(2 * 3.2 / 4)
    assert negative == pytest.approx(-2.7 / 4)
    assert words == pytest.approx(3 / 4)
    assert compound > 0


def test_padding_changes_nothing() -> None:
    features = torch.tensor([[lexicon.features(word) for word in ["not", "a", "good", "day"]]])
    padded = torch.cat([features, torch.zeros(1, 9, 4)], dim=1)

    assert torch.equal(rule_features(features), rule_features(padded))


def test_training_runs_the_same_lstm_as_the_network_that_is_exported() -> None:
    torch.manual_seed(1)
    lstm = torch.nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    lengths = torch.tensor([9, 7, 7, 3, 1])
    inputs = torch.randn(5, 9, 5, requires_grad=True)
    real = (torch.arange(9) < lengths[:, None])[:, :, None]
    found = []
    for run in (_packed, _both_ways):
        states = run(lstm, inputs, lengths) * real
        weights = [inputs, *lstm.parameters()]
        found.append([states, *torch.autograd.grad(states.square().sum(), weights)])

    for packed, both_ways in zip(*found, strict=True):
        torch.testing.assert_close(both_ways, packed, atol=1e-6, rtol=1e-4)
