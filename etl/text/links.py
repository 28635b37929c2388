"""Finds and removes links, as workflows/text-links.ts does; test/cases/links.tsv tests both."""

import re
from collections.abc import Iterator

from etl.text.rules import pattern, signs
from etl.text.signs import well_formed

_URL = pattern("url")
_BARE_URL = pattern("bareUrl")
_CUT_URL = pattern("cutUrl")
# Every match of `bareUrl` has this, and it is found much faster.
_DOT_LETTER = re.compile(r"\.[A-Za-z]")
_SPACES = "".join(chr(code) for code in sorted(signs("space")))
_WIDE = frozenset(chr(code) for code in signs("widePunctuation"))
_LATIN = frozenset(chr(code) for code in signs("latin") | signs("cyrillic"))
_HOST = re.compile("(?:[A-Za-z]+://)?[^/?]*")
_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENDS_PATH = frozenset(_LETTERS + _DIGITS + "=_#/+-)\u2013") | _LATIN
_ENDS_QUERY = frozenset(_LETTERS + _DIGITS + "_-&=#/)")
# Characters before a link that could turn it into the end of another link.
_JOINS = frozenset(_LETTERS + _DIGITS + ":/")


def _end_of_link(found: str) -> int:
    """The length of the link in a match of the pattern `url`, without marks that end a sentence."""
    # The pattern itself finds the end of the host.
    host = _HOST.match(found)
    least = host.end() if host else 0
    ends = _ENDS_QUERY if "?" in found else _ENDS_PATH
    end = len(found)
    while end > least and found[end - 1] not in ends:
        end -= 1
    return end


def links(text: str) -> Iterator[tuple[int, int]]:
    """The beginning and end of each link with a scheme."""
    if "://" not in text:
        return
    at = 0
    # Continues at the end of the link, not of the match: another link may begin in between.
    while found := _URL.search(text, at):
        at = found.start() + _end_of_link(found[0])
        yield found.start(), at


def without_urls(text: str) -> str:
    """The text without its links. Lone surrogates become U+FFFD; else a text without links is
    unchanged, spaces included."""
    text = well_formed(text)
    kept: list[str] = []
    at = 0
    for start, end in links(text):
        before = text[at:start]
        behind = text[end : end + 1]
        if not behind or behind in _SPACES or behind in _WIDE:
            before = before.rstrip(_SPACES)
        elif before[-1:] in _JOINS or "://" in before:
            # Otherwise the two sides could form a new link.
            before += " "
        kept.append(before)
        at = end
    return ("".join(kept) + text[at:]).strip(_SPACES) if kept else text


def blank_links(text: str) -> str:
    """The text with a blank for each link: with a scheme, with www. or a path, or cut off at the
    end of the text ("https…")."""
    kept: list[str] = []
    at = 0
    for start, end in links(text):
        kept += [text[at:start], " "]
        at = end
    text = "".join(kept) + text[at:]
    if _DOT_LETTER.search(text):
        text = _BARE_URL.sub(lambda found: " " + found[0][_end_of_link(found[0]) :], text)
    return without_cut_links(text)


def without_cut_links(text: str) -> str:
    """The text without the beginning of a link that was cut off: "https…", "htt…", "https://"."""
    return _CUT_URL.sub("", text) if "htt" in text.lower() else text
