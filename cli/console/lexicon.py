"""What the lexicon says of one text: reads `{"text": "…"}`, writes its label, score and words.

The console starts it for each text, with the project's root in PYTHONPATH; cli/console/lexicon.ts
reads what it writes. The rules are those of the Spark job's labels (etl/text/vader.py).
"""

from __future__ import annotations

import json
import sys
from typing import Any

from etl.text import vader


def opinion(text: str) -> dict[str, Any]:
    """Label, compound score (-1 to 1), and of each rated word its rating in the list (-4 to 4) and
    what it counts for in this text: negation, boosters, capitals and "but" change it."""
    prepared = vader.prepare(text)
    words = vader.analyzer().words(prepared)
    compound = vader.analyzer().score(words, prepared)
    weights = vader.analyzer().weights(words) or []
    return {
        "label": vader.label(compound),
        "compound": compound,
        "words": [
            {"word": word.text, "rating": word.valence, "counts": round(weight, 4)}
            for word, weight in zip(words, weights, strict=False)
            if word.valence is not None
        ],
    }


if __name__ == "__main__":
    # Bytes, not text: the words are UTF-8 wherever this runs.
    request = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(opinion(str(request["text"]))).encode("utf-8"))
