from __future__ import annotations

import pytest
import torch
from lstm import lexicon
from lstm.model import Encoder, _both_ways, _packed, rule_features, valence_in_context
from lstm.settings import Hyperparameters
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def features_of(text: str) -> list[float]:
    features = torch.tensor([[lexicon.features(word) for word in text.split()]])
    return rule_features(valence_in_context(features)[0])[0].tolist()


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

    found = (rule_features(valence_in_context(each)[0]) for each in (features, padded))
    assert torch.equal(*found)


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


def test_a_word_counts_as_negated_up_to_four_words_after_a_negation() -> None:
    words = ["nobody", "found", "it", "very", "good", "today"]
    _, negated = valence_in_context(torch.tensor([[lexicon.features(word) for word in words]]))

    assert negated[0].tolist() == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "text", ["without a doubt a good", "no doubt good", "never doubt it is good"]
)
def test_a_negation_that_doubt_takes_back_negates_nothing(text: str) -> None:
    features = torch.tensor([[lexicon.features(word) for word in text.split()]])
    valence, negated = valence_in_context(features)

    assert negated[0, -1] == 0
    assert 4 * valence[0, -1].item() == pytest.approx(1.9)


def test_a_booster_reaches_three_words_and_a_negation_turns_what_it_boosted() -> None:
    def valence_of(text: str) -> float:
        features = torch.tensor([[lexicon.features(word) for word in text.split()]])
        return 4 * valence_in_context(features)[0][0, -1].item()

    assert valence_of("very good") == pytest.approx(1.9 + 0.293)
    assert valence_of("very a a good") == pytest.approx(1.9 + 0.9 * 0.293)
    assert valence_of("very a a a good") == pytest.approx(1.9)
    assert valence_of("not a very good") == pytest.approx(-0.74 * (1.9 + 0.293))


def test_of_a_negated_word_that_feels_the_vector_is_not_seen() -> None:
    words = ["not", "good", "day"]
    rows = torch.tensor([[0.0] * 4, [0.0] * 4, *(lexicon.features(word) for word in words)])
    torch.manual_seed(0)
    table = torch.rand(5, 100).numpy()
    encoder = Encoder(table, rows.numpy(), Hyperparameters(hidden_size=8)).eval()
    ids, lengths = torch.tensor([[2, 3, 4]]), torch.tensor([3])

    before = encoder(ids, lengths)
    with torch.no_grad():
        encoder.embedding.weight[3] += 5
    same = encoder(ids, lengths)
    with torch.no_grad():
        encoder.embedding.weight[4] += 5
    other = encoder(ids, lengths)

    assert torch.equal(before, same)
    assert not torch.equal(same, other)
