"""X's notice in place of a post that it withholds."""

import re
import sys
import unicodedata
from functools import lru_cache

# Longer texts are no notices, and the pattern would take long.
_LONGEST = 1000


def _members(*categories: str) -> str:
    """The characters of Unicode categories, as the content of a character class."""
    codes = (code for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    ranges: list[list[int]] = []
    for code in codes:
        if not unicodedata.category(chr(code)).startswith(categories):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@lru_cache(maxsize=1)
def _notice() -> re.Pattern[str]:
    # As functions/x/withheld.ts; test/cases/withheld.tsv tests both.
    upper, letters = _members("Lu"), _members("L", "M")
    place = rf"(?:(?:d['\u2019])?[{upper}][{letters}.'\u2019()-]*|of|the|and|da|de)"
    return re.compile(
        r"(?:RT @\w{1,15}: )?(?:This (?:Tweet|Post|post) from @\w{1,15}"
        r"|(?:Account )?@\w{1,15}(?:['\u2019]s account)?|This account) (?:is|has been) withheld"
        rf"(?: in:? {place}(?:,? {place})*| worldwide)?"
        r"(?: in response to (?:a |an )?(?:valid )?"
        r"(?:legal demands?|reports? from the copyright holder)"
        r"| based on local laws?(?:\(s\))?)?"
        r"[.,]*(?: Learn more\.?)?(?: ?https?://\S+)?\s*",
        re.ASCII,
    )


def is_withheld_notice(text: str) -> bool:
    """Whether a text is such a notice, and nothing else: people may write about one."""
    return "withheld" in text and len(text) <= _LONGEST and _notice().fullmatch(text) is not None
