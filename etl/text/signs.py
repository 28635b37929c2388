"""Single signs of a text: entities, apostrophes, signs that nobody sees."""

import re

from etl.text.rules import ENTITIES, WINDOWS_1252, members, pattern, signs

_ENTITY = pattern("entity")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# More marks over one letter are a game, and sorting them takes quadratic time.
_MARKS = 16
_MANY_MARKS = re.compile(f"([{members('mark')}]{{{_MARKS}}})[{members('mark')}]+")
_LINE_SIGNS = (0x9, 0xA, 0xD)

INVISIBLE: dict[int, str] = dict.fromkeys(signs("invisible"), "")
# Quotation marks and hyphens of every kind as those of ASCII; an apostrophe is a part of its word.
PLAIN: dict[int, str] = {
    **INVISIBLE,
    **dict.fromkeys(signs("space"), " "),
    **dict.fromkeys(signs("apostrophe"), "'"),
    **dict.fromkeys(signs("quote"), '"'),
    **dict.fromkeys(signs("hyphen"), "-"),
}


def well_formed(text: str) -> str:
    """Lone surrogates, which JSON can carry and UTF-8 cannot, as U+FFFD; pairs as their sign."""
    if _LONE_SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def few_marks(text: str) -> str:
    """The text with at most 16 marks over a letter: what normalises it takes no time then."""
    return text if text.isascii() else _MANY_MARKS.sub(r"\1", text)


def _sign(found: re.Match[str]) -> str:
    hexadecimal, decimal, name, bare_name = found.groups()
    if name is not None or bare_name is not None:
        return ENTITIES.get(name or bare_name, found[0])
    code = int(hexadecimal, 16) if hexadecimal is not None else int(decimal)
    if 0x80 <= code <= 0x9F:
        # As browsers read them: people wrote these in Windows' code page.
        code = WINDOWS_1252[code - 0x80]
    is_control = code < 0x20 and code not in _LINE_SIGNS
    is_sign = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and code & 0xFFFE != 0xFFFE
    return chr(code) if is_sign and not is_control and code != 0x7F else found[0]


def unescape(text: str) -> str:
    """The text without HTML's entities, each read once: `&amp;lt;` is `&lt;`. X escapes `&`, `<`
    and `>`; exporters escape the rest. What stands for no sign stays as it is."""
    return _ENTITY.sub(_sign, text) if "&" in text else text
