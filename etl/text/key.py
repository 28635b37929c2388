"""The key of a text: human labels belong to a key, and it decides the hold-out split.

workflows/text-key.ts does the same: test/fixtures/text-keys.json and property tests compare them.
"""

import hashlib
import re
import unicodedata

from etl.text.links import without_cut_links, without_urls
from etl.text.respelling import BEYOND_ASCII, Remembered
from etl.text.rules import members, pattern
from etl.text.signs import few_marks, plain, unescape

# Characters with the same normal form and lower case in Unicode 14 (Python 3.11, the oldest here)
# and all later versions. Others are left alone, because Python's and Node's versions may differ.
_STABLE = re.compile(f"[{members('stable')}]+")
_BEYOND_ASCII = re.compile(BEYOND_ASCII)
_are_stable = Remembered(lambda run: _STABLE.fullmatch(run) is not None)
_RETWEET = pattern("retweet")
_MENTION = pattern("mention")
_BLANKS = re.compile("  +")
# Without a mention, the rest may form a link, and the reverse. Real texts have no such cases.
_MOST_ROUNDS = 4


def _one_form(stable: str) -> str:
    # Normalised again, because the lower case of J + caron is one character.
    lower = unicodedata.normalize("NFKC", stable).lower()
    # Which sigma is final depends on what counts as a letter, so both become one.
    return unicodedata.normalize("NFKC", lower).replace("\u03c2", "\u03c3")


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    # A text whose characters are all stable is one run, and this finds that faster.
    if all([_are_stable[run] for run in _BEYOND_ASCII.findall(text)]):
        return plain(_one_form(text))
    return plain(_STABLE.sub(lambda found: _one_form(found[0]), text))


def _without_names(text: str) -> str:
    text = without_cut_links(without_urls(text))
    if "@" in text:
        text = _MENTION.sub("", _RETWEET.sub("", text))
    if "  " in text:
        text = _BLANKS.sub(" ", text)
    return text.strip(" ")


def normalise_for_key(text: str) -> str:
    """The text in lower case and one Unicode form, with single spaces and without retweet mark,
    links and mentions: texts that look the same to people have the same key."""
    # Links first, as in the ingest, so that the key is the same before and after it.
    text = _lower(few_marks(plain(unescape(without_urls(text)))))
    for _ in range(_MOST_ROUNDS):
        shorter = _without_names(text)
        if shorter == text:
            break
        # A mark now stands beside the letter before what was removed.
        text = _lower(few_marks(shorter))
    return text


def hash_of(normalised: str) -> str:
    """SHA-256, hex, of a normalised text in UTF-8."""
    return hashlib.sha256(normalised.encode("utf-8")).hexdigest()


def text_hash(text: str) -> str:
    """The key of a text; `EMPTY` if nothing of the text is left."""
    return hash_of(normalise_for_key(text))


EMPTY = hash_of("")
