"""Extracts the rated tweets from vaderSentiment's source distribution.

Usage: extract_corpus.py <folder with the downloaded .tar.gz> <folder for tweets_GroundTruth.txt>

The wheel does not contain them; the source distribution has them in an archive inside the archive.
"""

import io
import os
import sys
import tarfile
from pathlib import Path

NAME = "tweets_GroundTruth.txt"
ROWS = 4200


def rated_tweets(sdist: Path) -> bytes:
    """Returns the file as published: `id<tab>mean rating<tab>text`, CRLF. ValueError if missing."""
    with tarfile.open(sdist) as outer:
        for member in outer.getmembers():
            if not member.name.endswith("additional_resources/hutto_ICWSM_2014.tar.gz"):
                continue
            inner_file = outer.extractfile(member)
            if inner_file is None:
                continue
            with tarfile.open(fileobj=io.BytesIO(inner_file.read())) as inner:
                for entry in inner.getmembers():
                    content = inner.extractfile(entry)
                    if entry.name.endswith(f"hutto_ICWSM_2014/{NAME}") and content is not None:
                        return content.read()
    raise ValueError(f"{sdist.name} does not contain {NAME}")


def main(download: Path, target: Path) -> None:
    """Writes the complete file or nothing."""
    (sdist,) = download.glob("*.tar.gz")
    content = rated_tweets(sdist)
    rows = sum(1 for line in content.split(b"\r\n") if line)
    if rows != ROWS:
        raise ValueError(f"{NAME} has {rows} rows instead of {ROWS}")
    part = target / f"{NAME}.part"
    part.write_bytes(content)
    os.replace(part, target / NAME)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
