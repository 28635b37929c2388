"""The key of a text: what a human label belongs to, and what the hold-out split goes by.

As workflows/text-key.ts: test/fixtures/text-keys.json and the property tests hold both to it.
"""

import hashlib
import re
import unicodedata

from etl.text.links import without_cut_links, without_urls
from etl.text.rules import members, pattern
from etl.text.signs import PLAIN, few_marks, unescape

# What has the same normal form and lower case in Unicode 14 (Python 3.11, the oldest here) and in
# every later version. Other signs stay as they are: languages of different Unicode versions differ.
_STABLE = re.compile(f"[{members('stable')}]+")
_RETWEET = pattern("retweet")
_MENTION = pattern("mention")
_BLANKS = re.compile("  +")
# What is left when a mention is taken out may be a link, and the reverse; nobody writes such texts.
_MOST_ROUNDS = 4


def _one_form(found: re.Match[str]) -> str:
    # Normalised again: the lower case of J + caron is a sign of its own.
    lower = unicodedata.normalize("NFKC", found[0]).lower()
    # Where a final sigma stands depends on what counts as a letter.
    return unicodedata.normalize("NFKC", lower).replace("\u03c2", "\u03c3")


def _without_names(text: str) -> str:
    text = without_cut_links(without_urls(text))
    if "@" in text:
        text = _MENTION.sub("", _RETWEET.sub("", text))
    return _BLANKS.sub(" ", text).strip(" ")


def normalise_for_key(text: str) -> str:
    """The text in lower case and in one Unicode form, without retweet mark, links and mentions,
    with single spaces: texts that people read as one have one key."""
    # Links first, as the ingest does: a text has one key before and after.
    text = unescape(without_urls(text))
    text = few_marks(text.translate(PLAIN))
    text = _STABLE.sub(_one_form, text).translate(PLAIN)
    for _ in range(_MOST_ROUNDS):
        shorter = _without_names(text)
        if shorter == text:
            break
        text = shorter
    return text


def text_hash(text: str) -> str:
    """SHA-256, hex, of the normalised text in UTF-8. That of a text of which nothing is left is the
    hash of no bytes, `EMPTY`."""
    return hashlib.sha256(normalise_for_key(text).encode("utf-8")).hexdigest()


EMPTY = hashlib.sha256(b"").hexdigest()
