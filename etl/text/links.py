"""Where a link ends, and a text without its links. As workflows/text-links.ts:
test/cases/links.tsv holds both to it."""

import re
from collections.abc import Iterator

from etl.text.rules import pattern, signs
from etl.text.signs import well_formed

_URL = pattern("url")
_BARE_URL = pattern("bareUrl")
_CUT_URL = pattern("cutUrl")
_SPACES = "".join(chr(code) for code in sorted(signs("space")))
_WIDE = frozenset(chr(code) for code in signs("widePunctuation"))
_LATIN = frozenset(chr(code) for code in signs("latin") | signs("cyrillic"))
_HOST = re.compile("(?:[A-Za-z]+://)?[^/?]*")
_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENDS_PATH = frozenset(_LETTERS + _DIGITS + "=_#/+-)\u2013") | _LATIN
_ENDS_QUERY = frozenset(_LETTERS + _DIGITS + "_-&=#/)")
# What a link may be glued to without being seen as the end of one that begins before it.
_JOINS = frozenset(_LETTERS + _DIGITS + ":/")


def _end_of_link(found: str) -> int:
    """How much of a match of the pattern `url` is the link: the marks that close a sentence are
    not."""
    # The host and what stands before it end where the pattern says.
    host = _HOST.match(found)
    least = host.end() if host else 0
    ends = _ENDS_QUERY if "?" in found else _ENDS_PATH
    end = len(found)
    while end > least and found[end - 1] not in ends:
        end -= 1
    return end


def links(text: str) -> Iterator[tuple[int, int]]:
    """Where the links of a text begin and end, those with a scheme."""
    if "://" not in text:
        return
    at = 0
    # From where a link ends, not from where its pattern does: another may begin in between.
    while found := _URL.search(text, at):
        at = found.start() + _end_of_link(found[0])
        yield found.start(), at


def without_urls(text: str) -> str:
    """The text without its links; one that holds none stays as it is, to the last space, but for
    lone surrogates, which become U+FFFD."""
    text = well_formed(text)
    kept: list[str] = []
    at = 0
    for start, end in links(text):
        before = text[at:start]
        behind = text[end : end + 1]
        if not behind or behind in _SPACES or behind in _WIDE:
            before = before.rstrip(_SPACES)
        elif before[-1:] in _JOINS or "://" in before:
            # Else the two ends could be a link that nobody wrote.
            before += " "
        kept.append(before)
        at = end
    return ("".join(kept) + text[at:]).strip(_SPACES) if kept else text


def blank_links(text: str) -> str:
    """The text with a blank for each link: those with a scheme, those that begin with www. or have
    a path, and what is left of one where a text was cut ("https…")."""
    kept: list[str] = []
    at = 0
    for start, end in links(text):
        kept += [text[at:start], " "]
        at = end
    text = "".join(kept) + text[at:]
    if "." in text or "/" in text:
        text = _BARE_URL.sub(lambda found: " " + found[0][_end_of_link(found[0]) :], text)
    return without_cut_links(text)


def without_cut_links(text: str) -> str:
    """The text without what is left of a link where a text was cut: "https…", "htt…", "https://"."""
    return _CUT_URL.sub("", text) if "htt" in text.lower() else text
