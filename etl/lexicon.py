"""What a lexicon says of a text, in Spark. How it reads, etl/text/vader.py says."""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType

from etl.text import vader


def compound_scores(texts: pd.Series) -> pd.Series:
    """Compound score, -1 to 1, of each text."""
    return texts.map(vader.compound).astype("float64")


def _batches(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for texts in batches:
        yield compound_scores(texts)


def compound(text: Column) -> Column:
    """Compound score of a column of texts, in Arrow batches: the lexicon exists in Python only."""
    return F.pandas_udf(_batches, DoubleType())(text)


def lexicon_label(score: Column) -> Column:
    """negative, neutral or positive, from a compound score."""
    return (
        F.when(score >= vader.POSITIVE_FROM, "positive")
        .when(score <= vader.NEGATIVE_FROM, "negative")
        .otherwise("neutral")
    )
