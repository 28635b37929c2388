"""What a lexicon says of a text: VADER (Hutto & Gilbert, 2014), from its authors' package."""

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import as_file, files

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

# The thresholds its authors give for the compound score.
POSITIVE_FROM = 0.05
NEGATIVE_FROM = -0.05
# Its time grows with the square of a text's emoji, so it reads a text's beginning: as much as the
# serving tokenizer does (ml/serving/tokenizer.ts), far more than X's usual 280 characters.
MAX_CHARACTERS = 2_000


@lru_cache(maxsize=1)
def _analyzer() -> SentimentIntensityAnalyzer:
    # The analyzer opens its word lists by path, and in the job's archive they have none.
    package = files("vaderSentiment")
    with (
        as_file(package / "vader_lexicon.txt") as words,
        as_file(package / "emoji_utf8_lexicon.txt") as emojis,
    ):
        return SentimentIntensityAnalyzer(str(words), str(emojis))


def compound_scores(texts: pd.Series) -> pd.Series:
    """Compound score, -1 to 1, of each text."""
    analyzer = _analyzer()
    return texts.map(
        lambda text: analyzer.polarity_scores(text[:MAX_CHARACTERS])["compound"]
    ).astype("float64")


def _batches(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for texts in batches:
        yield compound_scores(texts)


def compound(text: Column) -> Column:
    """Compound score of a column of texts, in Arrow batches: the lexicon exists in Python only."""
    return F.pandas_udf(_batches, DoubleType())(text)


def lexicon_label(score: Column) -> Column:
    """negative, neutral or positive, from a compound score."""
    return (
        F.when(score >= POSITIVE_FROM, "positive")
        .when(score <= NEGATIVE_FROM, "negative")
        .otherwise("neutral")
    )
