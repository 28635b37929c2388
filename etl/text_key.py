"""The key a human label belongs to, in Spark.

Must give what workflows/text-key.ts gives: test/fixtures/text-keys.json holds both to it.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from etl.stepwise import Step, where_it_holds, with_steps

# Written out instead of \s and \w: JavaScript and Java disagree on what those hold.
_OTHER_SPACES = "\t\n\r\f\v\u00a0"


def _replace(pattern: str, replacement: str) -> Step:
    return lambda text: F.regexp_replace(text, pattern, replacement)


_SINGLE_SPACES = where_it_holds(["  "], _replace("  +", " "))
_STEPS: tuple[Step, ...] = (
    lambda text: F.translate(text, _OTHER_SPACES, " " * len(_OTHER_SPACES)),
    _SINGLE_SPACES,
    where_it_holds(["://"], _replace("https?://[^ ]+", "")),
    where_it_holds(["rt @"], _replace("^rt @[a-z0-9_]+: *", "")),
    where_it_holds(["@"], _replace("@[a-z0-9_]+", "")),
    _SINGLE_SPACES,
    F.trim,
)


def normalise_for_key(frame: DataFrame) -> DataFrame:
    """Adds `key_text`: `text` in lower case, without retweet mark, URLs, mentions, spare spaces."""
    return with_steps(frame, "key_text", F.lower("text"), _STEPS)


def text_hash(frame: DataFrame) -> DataFrame:
    """Adds `text_hash`: SHA-256, hex, of the normalised `text` in UTF-8."""
    hashed = normalise_for_key(frame).withColumn("text_hash", F.sha2("key_text", 256))
    return hashed.drop("key_text")
