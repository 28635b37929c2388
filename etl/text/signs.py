"""Single characters of a text: entities, apostrophes, invisible characters."""

import re

from etl.text.respelling import BEYOND_ASCII, UNUSUAL, Respelling
from etl.text.rules import ENTITIES, WINDOWS_1252, members, pattern, signs

_ENTITY = pattern("entity")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# No language has more marks on a letter, and sorting them takes quadratic time.
_MARKS = 16
_MANY_MARKS = re.compile(f"([{members('mark')}]{{{_MARKS}}})[{members('mark')}]+")
_LINE_SIGNS = (0x9, 0xA, 0xD)

INVISIBLE: dict[int, str] = dict.fromkeys(signs("invisible"), "")
# All kinds of quotation marks, apostrophes and hyphens become those of ASCII.
PLAIN: dict[int, str] = {
    **INVISIBLE,
    **dict.fromkeys(signs("space"), " "),
    **dict.fromkeys(signs("apostrophe"), "'"),
    **dict.fromkeys(signs("quote"), '"'),
    **dict.fromkeys(signs("hyphen"), "-"),
}


# The text with all kinds of quotation marks, hyphens and spaces as those of ASCII, and without
# invisible characters.
plain = Respelling(UNUSUAL, lambda run: run.translate(PLAIN))
_without_invisible = Respelling(BEYOND_ASCII, lambda run: run.translate(INVISIBLE))


def without_invisible(text: str) -> str:
    """The text without invisible characters; ASCII has none."""
    return text if text.isascii() else _without_invisible(text)


def well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which JSON allows and UTF-8 does not; pairs
    become their character."""
    if text.isascii() or _LONE_SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def few_marks(text: str) -> str:
    """The text with at most 16 marks on a letter, which makes it fast to normalise."""
    return text if text.isascii() else _MANY_MARKS.sub(r"\1", text)


def _sign(found: re.Match[str]) -> str:
    hexadecimal, decimal, name, bare_name = found.groups()
    if name is not None or bare_name is not None:
        return ENTITIES.get(name or bare_name, found[0])
    code = int(hexadecimal, 16) if hexadecimal is not None else int(decimal)
    if 0x80 <= code <= 0x9F:
        # As browsers do: these codes were written in Windows' code page.
        code = WINDOWS_1252[code - 0x80]
    is_control = code < 0x20 and code not in _LINE_SIGNS
    is_sign = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and code & 0xFFFE != 0xFFFE
    return chr(code) if is_sign and not is_control and code != 0x7F else found[0]


def unescape(text: str) -> str:
    """The text with HTML's entities replaced, each once: `&amp;lt;` becomes `&lt;`. X escapes `&`,
    `<` and `>`; exporters escape others. Entities of no character are unchanged."""
    return _ENTITY.sub(_sign, text) if "&" in text else text
