"""Reads a tweet's text in Spark: its words, its key and its lexicon score.

Python (etl/text) computes all three in one pass, with the same rules as the training job and the
ingest. Three passes would cost three times as much, for moving texts to Python and back.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from etl.text import key, vader, words

_READING = StructType(
    [
        StructField("clean_text", StringType()),
        StructField("text_hash", StringType()),
        StructField("lexicon_compound", DoubleType()),
    ]
)


def read(texts: Sequence[str]) -> list[tuple[str, str, float]]:
    """The columns that `read_texts` adds, without `tokens`, for a batch of texts."""
    # Retweets and copied texts are read once.
    readings = {
        text: (words.clean_text(text), key.text_hash(text), vader.compound(text))
        for text in set(texts)
    }
    return [readings[text] for text in texts]


def _batches(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    for texts in batches:
        clean, hashes, compounds = zip(*read(texts.to_pylist()), strict=True)
        yield pa.StructArray.from_arrays(
            [pa.array(clean, pa.string()), pa.array(hashes, pa.string()), pa.array(compounds)],
            names=_READING.names,
        )


def read_texts(frame: DataFrame) -> DataFrame:
    """Adds clean_text, tokens, text_hash and lexicon_compound (-1 to 1); `text` is unchanged."""
    reading = F.arrow_udf(_batches, _READING)(F.col("text"))
    clean_text = F.col("_reading.clean_text")
    return (
        frame.withColumn("_reading", reading)
        .withColumns(
            {
                "clean_text": clean_text,
                "tokens": F.array_remove(F.split(clean_text, " "), "").cast("array<string>"),
                "text_hash": F.col("_reading.text_hash"),
                "lexicon_compound": F.col("_reading.lexicon_compound"),
            }
        )
        .drop("_reading")
    )
