"""The model card: what a person should know before using the model."""

from __future__ import annotations

from typing import Any


def model_card(made_of: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Markdown, from `manifest.json` and `evaluation.json`."""
    rows, options, serving = made_of["rows"], made_of["hyperparameters"], made_of["serving"]
    training = verdict["training"]
    start = made_of["start"]["version"] or "word vectors only"
    systems = {
        "this model": verdict["candidate"],
        **({"the champion": verdict["champion"]} if verdict["champion"] else {}),
        "lexicon (VADER)": verdict["lexicon"],
        "commonest class": verdict["majority"],
    }
    table = "\n".join(
        f"| {name} | {_percent(score['macro_recall'])} | {_percent(score['accuracy'])} | "
        f"{_percent(score['macro_f1'])} | "
        f"{' / '.join(_percent(recall) for recall in score['recall'].values())} |"
        for name, score in systems.items()
    )
    data = "\n".join(
        f"| {what} | {rows[name]['rows']} | `{rows[name]['sha256']}` |"
        for name, what in (
            ("train", "human labels to learn from"),
            ("weak", "tweets labelled by lexicon and champion"),
            ("validation", "human labels to choose the epoch"),
            ("test", "human labels held out"),
        )
    )
    return f"""# {made_of["model_version"]}

Sentiment of a tweet in English: negative, neutral or positive, with a probability of each.

A bidirectional LSTM ({options["hidden_size"]} units each way) over word vectors and lexicon
features, pooled by attention, maximum and mean. Trained from {start} in
{training["seconds"]} s ({training["epochs"]} epochs, seed {options["seed"]}).

## Data

| rows | number | SHA-256 |
|---|---|---|
{data}

## On the held-out rows

| system | macro recall | accuracy | macro F1 | recall negative / neutral / positive |
|---|---|---|---|---|
{table}

`{serving["network"]}` serves: macro recall {_percent(serving["fp32_macro_recall"])} in single
precision, {_percent(serving["int8_macro_recall"])} in eight bits.

## Use and limits

- For the mood of many tweets. A single verdict is often wrong; nobody should be judged by it.
- English only. Other scripts are one unknown word to it.
- It learned from what its labellers and the lexicon thought, with their biases.
- Irony, quotations and news of bad events are its commonest mistakes.
- In eight bits a tweet's probabilities depend a little on the other tweets of its batch.
"""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
