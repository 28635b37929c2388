"""`python text_answers.py`: a JSON list of texts in, of each its text without links and its key."""

import json
import sys

from etl.text.key import normalise_for_key, text_hash
from etl.text.links import without_urls

print(
    json.dumps(
        [[without_urls(t), normalise_for_key(t), text_hash(t)] for t in json.load(sys.stdin)]
    )
)
