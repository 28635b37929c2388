"""The character sets, entities and patterns of rules.json, for Python."""

import json
import re
from importlib.resources import files
from typing import Any


def _read() -> dict[str, Any]:
    # Read through the package, because files in the Spark job's archive have no path.
    return json.loads((files(__package__) / "rules.json").read_text(encoding="utf-8"))


_RULES = _read()


def _ranges(name: str) -> list[tuple[int, int]]:
    ranges = []
    for word in " ".join(_RULES["sets"][name]).split():
        first, _, last = word.partition("-")
        ranges.append((int(first, 16), int(last or first, 16)))
    return ranges


def signs(name: str) -> frozenset[int]:
    """The code points of a set."""
    return frozenset(code for first, last in _ranges(name) for code in range(first, last + 1))


def members(name: str) -> str:
    """A set as the content of a character class in a pattern."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _ranges(name))


def _expanded(name: str) -> str:
    expanded = re.sub(
        r"<([a-z][A-Za-z]*)>", lambda found: _expanded(found[1]), _RULES["patterns"][name]
    )
    return re.sub(r"\{([a-z][A-Za-z]*)\}", lambda found: members(found[1]), expanded)


def pattern(name: str) -> re.Pattern[str]:
    """A pattern of rules.json."""
    return re.compile(_expanded(name))


ENTITIES: dict[str, str] = {
    name: chr(int(code, 16))
    for name, _, code in (word.partition("=") for word in " ".join(_RULES["entities"]).split())
}
WINDOWS_1252 = [int(code, 16) for code in _RULES["windows1252"].split()]
