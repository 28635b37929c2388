"""The three classes, in the order of every array and file of the training."""

from __future__ import annotations

from etl.text.label_rules import LABELS

NEGATIVE, NEUTRAL, POSITIVE = range(3)
INDEX_OF = {label: index for index, label in enumerate(LABELS)}
