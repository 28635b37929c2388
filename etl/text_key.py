"""The key a human label belongs to, as Spark columns.

Must give what workflows/text-key.ts gives: test/fixtures/text-keys.json holds both to it.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Written out instead of \s and \w: JavaScript and Java disagree on what those hold.
_OTHER_SPACES = "\t\n\r\f\v\u00a0"


def _single_spaced(text: Column) -> Column:
    return F.when(text.contains("  "), F.regexp_replace(text, "  +", " ")).otherwise(text)


def normalise_for_key(text: Column) -> Column:
    """Lower case, without retweet mark, URLs and mentions, single spaces.

    Each expression runs only on texts that hold what it looks for: it is most of the cost.
    """
    lowered = F.translate(F.lower(text), _OTHER_SPACES, " " * len(_OTHER_SPACES))
    spaced = _single_spaced(lowered)
    without_urls = F.when(
        spaced.contains("://"), F.regexp_replace(spaced, "https?://[^ ]+", "")
    ).otherwise(spaced)
    without_mark = F.regexp_replace(without_urls, "^rt @[a-z0-9_]+: *", "")
    without_mentions = F.when(
        without_urls.contains("@"), F.regexp_replace(without_mark, "@[a-z0-9_]+", "")
    ).otherwise(without_urls)
    return F.trim(_single_spaced(without_mentions))


def text_hash(text: Column) -> Column:
    """SHA-256, hex, of the normalised text in UTF-8."""
    return F.sha2(normalise_for_key(text), 256)
