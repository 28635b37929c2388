"""Writes raw pages into a stopped lake, as large as compacted ones: up to 10,000 tweets each.

    fill.py FOLDER TWEETS LAST_DAY DAYS

writes TWEETS tweets on each of DAYS days, the last of them LAST_DAY, below FOLDER/dt=<day>/, as
the embedded S3 keeps objects. The pages' names are those of the ingest. One tweet in twenty was
fetched twice and counts twice. Not through S3: only the ingest's role may write raw pages.
"""

import gzip
import hashlib
import json
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "clean"))
from data import REPEATED, ROWS_A_PAGE, lexicon_words, raw_record

DAY_MS = 86_400_000


def write_day(folder: Path, start: datetime, rows: int, rated: list[str]) -> None:
    day = folder / f"dt={start:%Y-%m-%d}"
    day.mkdir(parents=True)
    dice = random.Random(start.toordinal())
    for first in range(0, rows, ROWS_A_PAGE):
        ids, lines = [], []
        for number in range(first, min(first + ROWS_A_PAGE, rows)):
            again = number % REPEATED == 1
            place = number - 1 if again else number
            sent = start + timedelta(milliseconds=place * DAY_MS // rows)
            record = raw_record(sent, place & 0xFFF, rated, dice, again=again)
            ids.append(int(record["id"]))
            lines.append(json.dumps(record, ensure_ascii=False) + "\n")
        name = f"{min(ids):020d}-{max(ids):020d}-bench-p{first // ROWS_A_PAGE}.ndjson.gz"
        write_object(day / name, gzip.compress("".join(lines).encode(), compresslevel=1))


def write_object(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    meta = {
        "key": f"raw-data/tweets/{path.parent.name}/{path.name}",
        "etag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"',
        "last_modified": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        "size": len(body),
    }
    path.with_name(path.name + ".meta.json").write_text(json.dumps(meta))


def main() -> None:
    folder, tweets = Path(sys.argv[1]), int(sys.argv[2])
    last, days = datetime.fromisoformat(sys.argv[3]).replace(tzinfo=UTC), int(sys.argv[4])
    rated = lexicon_words()
    with ProcessPoolExecutor(2) as pool:
        written = [
            pool.submit(
                write_day,
                folder,
                last - timedelta(days=back),
                tweets,
                rated,
            )
            for back in range(days)
        ]
        for day in written:
            day.result()


if __name__ == "__main__":
    main()
