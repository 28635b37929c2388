"""The words of a text, without mentions, hashtags, links and special characters; and its hashtags
and mentions."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from etl.text.links import blank_links
from etl.text.respelling import Respelling
from etl.text.rules import members, pattern, signs
from etl.text.signs import INVISIBLE, few_marks, unescape, well_formed, without_invisible

_RETWEET = pattern("retweet")
_MENTION = pattern("mention")
# With \0, which stands for a retweet mark that was already found.
_MARK_OR_MENTION = re.compile(f"\\x00|{_MENTION.pattern}")
# A list ("@ada/friends") mentions nobody, and twitter-text takes no longer name.
_NAME = re.compile(r"[@\uff20]([A-Za-z0-9_]{1,20})(?![A-Za-z0-9_/])")
# "@ada's": the ending after a name is removed too.
_OWNED = re.compile(f"\\x00[{members('apostrophe')}][sS](?![^\\W_])")
# Removed, not replaced by a blank, because they are inside words: "don't" becomes "dont", not
# "don t".
_INSIDE_WORDS = {**INVISIBLE, **dict.fromkeys(signs("apostrophe"), ""), 0x20E3: ""}

# Characters that X allows in a hashtag besides letters, marks and digits.
_IN_TAGS = frozenset(
    "_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7"
)
_AS_THEY_ARE = "&:/"
# A hashtag has at least one letter, so "#1" is none, and does not directly follow a word.
_TAG = re.compile(r"#(?<![a0_&]#)[a0_]*a[a0_]*(?![a0_#]|://)")


def _is_word_sign(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LNM"


class _Kinds(dict[int, str]):
    """Maps a character to its kind in a hashtag: a (letter), 0 (digit), _, #, or another one."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        category = unicodedata.category(sign)
        if sign in "#\uff03":
            kind = "#"
        elif sign in _IN_TAGS:
            kind = "_"
        elif sign in _AS_THEY_ARE:
            kind = sign
        elif sign in "\u20e3\ufe0e\ufe0f":
            kind = " "
        elif category[0] in "LM":
            kind = "a"
        else:
            kind = "0" if category == "Nd" else " "
        self[code] = kind
        return kind


class _Words(dict[int, str]):
    """Maps all but letters, digits and combining marks of any script to blanks."""

    def __missing__(self, code: int) -> str:
        self[code] = chr(code) if _is_word_sign(chr(code)) else " "
        return self[code]


_KINDS, _WORDS = _Kinds(), _Words()
_spaced = Respelling("[^a-z0-9 ]+", lambda run: run.translate(_INSIDE_WORDS).translate(_WORDS))


def tags(text: str) -> list[tuple[int, int]]:
    """The beginning and end of each hashtag."""
    if "#" not in text and "\uff03" not in text:
        return []
    return [found.span() for found in _TAG.finditer(text.translate(_KINDS))]


def once(names: Iterable[str]) -> tuple[str, ...]:
    """The names in their order, each once."""
    return tuple(dict.fromkeys(names))


@lru_cache(maxsize=2)
def _apart(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with a blank for each link, retweet mark and mention, of lists too; and the names
    that it mentions. Cached, because the words and the lexicon of a text both start here."""
    text = blank_links(text)
    if "@" not in text and "\uff20" not in text:
        return text, ()
    marks: list[str] = []
    mentions: list[str] = []

    def keep_mark(found: re.Match[str]) -> str:
        marks.append(found[0])
        return "\0"

    def keep(found: re.Match[str]) -> str:
        mentions.append(marks.pop() if found[0] == "\0" else found[0])
        return "\0"

    text = _RETWEET.sub(keep_mark, text.replace("\0", " "))
    marks.reverse()
    text = (_MARK_OR_MENTION if marks else _MENTION).sub(keep, text)
    text = _OWNED.sub(" ", text).replace("\0", " ")
    names = (name[1].lower() for mention in mentions if (name := _NAME.search(mention)))
    return text, once(names)


def without_links_and_mentions(text: str) -> str:
    """The text with a blank for each link and mention."""
    return _apart(text)[0]


def _without_tags(text: str, spans: list[tuple[int, int]]) -> str:
    kept: list[str] = []
    at = 0
    for start, end in spans:
        kept += [text[at:start], "\0"]
        at = end
    return _OWNED.sub(" ", "".join(kept) + text[at:]) if kept else text


def only_words(lower: str) -> str:
    """The words of a text in lower case, with a blank between them."""
    return " ".join(_spaced(lower).split())


class Words(NamedTuple):
    """The words of a text in lower case with a blank between them; its hashtags without # and the
    names it mentions without @, in lower case, each once, in the order of the text."""

    clean_text: str
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]


def words_of(text: str) -> Words:
    """The words, hashtags and mentions of a text."""
    rest, mentions = _apart(without_invisible(unescape(well_formed(text))))
    spans = tags(rest)
    hashtags = (
        unicodedata.normalize("NFC", few_marks(rest[start + 1 : end]).lower())
        for start, end in spans
    )
    clean = only_words(_without_tags(rest, spans).lower())
    return Words(clean, once(hashtags), mentions)


def clean_text(text: str) -> str:
    """The words of a text in lower case, with a blank between them."""
    return words_of(text).clean_text
