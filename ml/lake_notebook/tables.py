"""Small tables of an evaluation and of predictions, for a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

LABELS = ("negative", "neutral", "positive")
SYSTEMS = ("candidate", "champion", "best", "linear", "lexicon", "majority")


@dataclass(frozen=True)
class Table:
    """Shows as HTML in a notebook, and as plain text elsewhere."""

    head: list[str]
    rows: list[list[str]]

    def _repr_html_(self) -> str:
        def line(cells: list[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

        return (
            f"<table>{line(self.head, 'th')}{''.join(line(row, 'td') for row in self.rows)}</table>"
        )

    def __repr__(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(len(row[column]) for row in lines) for column in range(len(self.head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in lines
        )


def percent(share: float) -> str:
    return f"{share * 100:.1f}"


def scores(evaluation: dict[str, Any]) -> Table:
    """Scores of every system on the same held-out rows, in percent."""
    rows = []
    for name in SYSTEMS:
        # Releases before 0.2 compared with no best model.
        one = evaluation.get(name)
        if one is not None:
            low, high = one["interval"]["low"], one["interval"]["high"]
            recalls = [percent(one["recall"][label]) for label in LABELS]
            rows.append(
                [
                    name,
                    f"{percent(one['macro_recall'])} [{percent(low)}, {percent(high)}]",
                    percent(one["accuracy"]),
                    *recalls,
                ]
            )
    return Table(["", "macro recall", "accuracy", *LABELS], rows)


def learning_curve(evaluation: dict[str, Any]) -> Table:
    """Macro recall by number of human labels, in percent."""
    points = evaluation["learning_curve"] or []
    rows = [
        [str(one["labels"]), percent(one["model"]["macro_recall"]), percent(one["linear"])]
        for one in points
    ]
    return Table(["labels", "this recipe", "TF-IDF + linear"], rows)


def predictions_of(texts: list[str], predictions: list[dict[str, Any]]) -> Table:
    """The endpoint's predictions, one row per text."""
    rows = [
        [text, one["label"], percent(one["probabilities"][one["label"]])]
        for text, one in zip(texts, predictions, strict=True)
    ]
    return Table(["text", "label", "probability"], rows)
