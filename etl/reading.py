"""Reads a tweet's text: its words, hashtags and mentions, its key and its lexicon score.

`etl/text` says what each is. Its rules do not reach over a blank, except those for links and
retweet marks, so most texts are put together from readings of their tokens, which are remembered:
a third of the time. test_reading.py compares both ways.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from etl.text import key, vader, words
from etl.text.signs import plain, unescape, well_formed

# A longer token is rare, and its reading would be kept for nothing.
_LONGEST_REMEMBERED = 40
_MOST_REMEMBERED = 50_000
# With more new tokens than this, the text as a whole is read faster.
_MOST_NEW = 3
# The lexicon reads only a part of a longer text.
_LONGEST_TEXT = 5_000

_RETWEET_MARK = re.compile(r"(?<![A-Za-z0-9_])[Rr][Tt][ :]*(?:@|$)")
# What no rule for links, mentions, hashtags or entities is about.
_PLAIN = re.compile(
    r"(?!.*(?:[Hh][Tt][Tt]|[Ww][Ww][Ww]))[!\"$%'()*+,\-.0-9:;<=>?A-Z\[\\\]^_a-z{|}~]*"
)
_MENTION = re.compile(r"@[A-Za-z0-9_]{1,20}")
_TAG = re.compile(r"#[A-Za-z0-9_]*[A-Za-z][A-Za-z0-9_]*")
_MARKS = re.compile("[^!?]+")


class Reading(NamedTuple):
    """What a text says: its words, hashtags and mentions (etl/text/words.py), its key, and the
    lexicon's score, -1 to 1."""

    clean_text: str
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    text_hash: str
    lexicon_compound: float


class _Token(NamedTuple):
    """What a token without a blank adds to the reading of its text."""

    clean_text: str
    # Its hashtags and mentions; None for most tokens, which have neither.
    names: tuple[tuple[str, ...], tuple[str, ...]] | None
    key: str
    words: Sequence[vader.Word]
    # Its exclamation and question marks.
    marks: str
    # Rules reach over a blank only between a retweet mark and a mention, and behind a link.
    has_mention: bool
    has_retweet_mark: bool
    has_link: bool


def _read_token(token: str) -> _Token:
    prepared = vader.prepare(token)
    # The rules read the token in these three forms.
    written = unescape(well_formed(token))
    forms = (written, plain(written), unicodedata.normalize("NFKC", plain(written)))
    clean, hashtags, mentions = words.words_of(token)
    return _Token(
        clean,
        (hashtags, mentions) if hashtags or mentions else None,
        key.normalise_for_key(token),
        vader.analyzer().words(prepared),
        _MARKS.sub("", prepared),
        any("@" in form for form in forms),
        any(_RETWEET_MARK.search(form) for form in forms),
        any("://" in form for form in forms),
    )


def _read_simple_token(token: str) -> _Token | None:
    """The reading of a token of one of the kinds that most are of; None for any other."""
    clean, names = "", None
    if _MENTION.fullmatch(token):
        lower, said = "", []
        names = ((), (token[1:].lower(),))
    elif _TAG.fullmatch(token):
        lower, said = token.lower(), vader.analyzer().words(token)
        names = ((lower[1:],), ())
    elif _PLAIN.fullmatch(token):
        lower, said = token.lower(), vader.analyzer().words(token)
        clean = lower if token.isalnum() else words.only_words(lower)
    else:
        return None
    return _Token(
        clean,
        names,
        lower,
        said,
        "" if token.isalnum() else _MARKS.sub("", token),
        token[:1] == "@",
        _RETWEET_MARK.search(token) is not None,
        False,
    )


class _Tokens(dict[str, _Token]):
    """The tokens read so far."""

    def of(self, text: str) -> list[_Token] | None:
        """The tokens of a text, or None if it is read faster as a whole."""
        found = []
        new = 0
        for token in text.split(" "):
            known = self.get(token)
            if known is None:
                known = _read_simple_token(token)
                if known is None:
                    new += 1
                    if new > _MOST_NEW:
                        return None
                    known = _read_token(token)
                if len(token) <= _LONGEST_REMEMBERED and len(self) < _MOST_REMEMBERED:
                    self[token] = known
            found.append(known)
        return found


@lru_cache(maxsize=1)
def _tokens() -> _Tokens:
    return _Tokens()


def _read_whole(text: str) -> Reading:
    return Reading(*words.words_of(text), key.text_hash(text), vader.compound(text))


def _together(
    names: list[tuple[tuple[str, ...], tuple[str, ...]]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not names:
        return (), ()
    if len(names) == 1:
        return names[0]
    hashtags, mentions = zip(*names, strict=True)
    return words.once(chain.from_iterable(hashtags)), words.once(chain.from_iterable(mentions))


def _read(text: str) -> Reading:
    if len(text) > _LONGEST_TEXT or (tokens := _tokens().of(text)) is None:
        return _read_whole(text)
    clean, names, keys, said, marks, named, retweets, links = zip(*tokens, strict=True)
    if any(links) or (any(retweets) and any(named)):
        return _read_whole(text)
    return Reading(
        " ".join(filter(None, clean)),
        *_together(list(filter(None, names))),
        key.hash_of(" ".join(filter(None, keys))),
        vader.analyzer().score([word for one in said for word in one], "".join(marks)),
    )


def read(texts: Sequence[str]) -> list[Reading]:
    """The readings of texts, in their order."""
    # Retweets and copied texts are read once.
    readings = {text: _read(text) for text in set(texts)}
    return [readings[text] for text in texts]
