"""The key a human label belongs to, as Spark columns.

Must give what workflows/text-key.ts gives: test/fixtures/text-keys.json holds both to it.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Written out instead of \s and \w: JavaScript and Java disagree on what those hold, and \v
# is a class of its own in Java.
_SPACE = r" \t\n\r\f\x0B\u00a0"


def normalise_for_key(text: Column) -> Column:
    """Lower case, without retweet mark, URLs and mentions, single spaces."""
    spaced = F.regexp_replace(F.lower(text), f"[{_SPACE}]+", " ")
    without_urls = F.regexp_replace(spaced, f"https?://[^{_SPACE}]+", "")
    without_mark = F.regexp_replace(without_urls, f"^rt @[a-z0-9_]+:[{_SPACE}]*", "")
    without_mentions = F.regexp_replace(without_mark, "@[a-z0-9_]+", "")
    return F.trim(F.regexp_replace(without_mentions, f"[{_SPACE}]+", " "))


def text_hash(text: Column) -> Column:
    """SHA-256, hex, of the normalised text in UTF-8."""
    return F.sha2(normalise_for_key(text), 256)
