"""Replaces characters of a text quickly: a pattern finds the few unusual ones, and what became of
a short run is remembered. `str.translate` looks at each character of a text beyond ASCII."""

import re
from collections.abc import Callable
from typing import TypeVar

_Value = TypeVar("_Value")
_LONGEST_REMEMBERED = 4
_MOST_REMEMBERED = 50_000

# All but printable ASCII, and the backtick, which some use as an apostrophe.
UNUSUAL = "[^ -_a-~]+"
BEYOND_ASCII = "[^\\x00-\\x7f]+"


class Remembered(dict[str, _Value]):
    """The values of a function of a text, remembered for short texts."""

    def __init__(self, value_of: Callable[[str], _Value]) -> None:
        super().__init__()
        self._value_of = value_of

    def __missing__(self, text: str) -> _Value:
        value = self._value_of(text)
        if len(text) <= _LONGEST_REMEMBERED and len(self) < _MOST_REMEMBERED:
            self[text] = value
        return value


class Respelling:
    """Replaces each run that a pattern finds by its spelling. The spelling of a run must not depend
    on the characters around it."""

    def __init__(self, found: str, spell: Callable[[str], str]) -> None:
        self._pattern = re.compile(found)
        self._spellings = Remembered(spell)

    def __call__(self, text: str) -> str:
        return self._pattern.sub(self._spelling, text)

    def _spelling(self, found: re.Match[str]) -> str:
        return self._spellings[found[0]]
