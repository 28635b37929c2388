"""The key a human label belongs to, in Spark. What it is, etl/text/key.py says."""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from etl.text import key


def _keys(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for texts in batches:
        yield texts.map(key.text_hash)


def text_key(text: Column) -> Column:
    """The keys of a column of texts, in Arrow batches."""
    return F.pandas_udf(_keys, StringType())(text)


def text_hash(frame: DataFrame) -> DataFrame:
    """Adds `text_hash`: SHA-256, hex, of the normalised `text` in UTF-8."""
    return frame.withColumn("text_hash", text_key(F.col("text")))
