from __future__ import annotations

import pytest
from lstm.settings import Hyperparameters, Places, parse_hyperparameters, read_hyperparameters


def test_strings_become_numbers_and_the_rest_keeps_its_default() -> None:
    options = parse_hyperparameters({"epochs": "3", "learning_rate": "1e-3"})

    assert options == Hyperparameters(epochs=3, learning_rate=0.001)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"epoch": "3"}, "unknown hyperparameter 'epoch'; known: .*epochs"),
        ({"epochs": "3.5"}, "epochs must be a whole number from 1 to 50, not '3.5'"),
        ({"epochs": "0"}, "epochs must be a whole number from 1 to 50, not '0'"),
        ({"learning_rate": "fast"}, "learning_rate must be a number .* not 'fast'"),
        ({"dropout": "nan"}, "dropout must be a number .* not 'nan'"),
        ({"seed": "-1"}, "seed must be a whole number from 0"),
    ],
)
def test_a_wrong_hyperparameter_is_named(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_hyperparameters(given)


def test_a_file_that_is_no_json_is_named(tmp_path) -> None:
    places = Places(tmp_path)
    places.hyperparameters.parent.mkdir(parents=True)
    places.hyperparameters.write_text("epochs=3")

    with pytest.raises(ValueError, match="hyperparameters.json is not JSON"):
        read_hyperparameters(places)
