"""What a worker's Python spends on a tweet, in microseconds of one core: each part alone, and the
package VADER beside the lexicon."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from etl.pages import rows_of
from etl.reading import read
from etl.records import NAMES, checked
from etl.text import key, vader, words
from etl.unreadable import unpack

PAGES = 2
TIMES = 3


def main() -> None:
    (raw,) = (Path(name) for name in sys.argv[1:2])
    pages = [(path.parent.name[3:], path.read_bytes()) for path in sorted(raw.glob("*/*.gz"))]
    lines = [(day, unpack(page, True).splitlines()) for day, page in pages[:PAGES]]
    rows = sum(len(page) for _, page in lines)
    texts = [checked(line, day)[NAMES.index("text")] for day, page in lines for line in page]
    package = SentimentIntensityAnalyzer()
    parts: dict[str, Callable[[], object]] = {
        "unpack": lambda: [unpack(page, True).splitlines() for _, page in pages[:PAGES]],
        "check": lambda: [checked(line, day) for day, page in lines for line in page],
        "read texts": lambda: read(texts),
        "all": lambda: [list(rows_of(page, day)) for day, page in lines],
        "words, whole texts": lambda: [words.clean_text(text) for text in texts],
        "key, whole texts": lambda: [key.text_hash(text) for text in texts],
        "lexicon, whole texts": lambda: [vader.compound(text) for text in texts],
        "package VADER": lambda: [package.polarity_scores(text) for text in texts],
    }
    spent: dict[str, float] = {}
    for name, part in parts.items():
        best = float("inf")
        for _ in range(TIMES):
            started = time.process_time()
            part()
            best = min(best, time.process_time() - started)
        spent[name] = round(best / rows * 1e6, 1)
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
