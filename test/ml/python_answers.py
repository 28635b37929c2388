"""`python python_answers.py <archive>`: a JSON list of texts in, ids and probabilities out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tiny_job  # noqa: F401  (puts ml/training on the path)
from lstm.archive import Archive

model = Archive.from_folder(Path(sys.argv[1]))
texts = json.load(sys.stdin)
answer = {
    "ids": model.tokenizer.encode(texts),
    "probabilities": model.probabilities(texts).tolist(),
}
json.dump(answer, sys.stdout)
