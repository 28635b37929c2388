"""Tables of cases, test/cases/*.tsv: a line a case, `#` begins a remark, \\u{1f44d} is a sign."""

import re
from pathlib import Path

CASES = Path(__file__).parents[1] / "cases"
_SIGN = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


def cases(name: str) -> list[list[str]]:
    """The cells of each line below the header."""
    lines = (CASES / name).read_text(encoding="utf-8").split("\n")
    return [
        [_SIGN.sub(lambda found: chr(int(found[1], 16)), cell) for cell in line.split("\t")]
        for line in lines[1:]
        if line and not line.startswith("# ")
    ]
