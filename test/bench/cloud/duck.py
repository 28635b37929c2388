"""DuckDB on the files that a query of the benchmark reads: the best that can be expected.

    duck.py FOLDER FIRST LAST

counts the tweets of the days from FIRST to LAST below FOLDER. Prints tweets and seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import duckdb


def main() -> None:
    folder, first, last = Path(sys.argv[1]), *sys.argv[2:]
    began = time.monotonic()
    days = [day for day in folder.iterdir() if first <= day.name.removeprefix("dt=") <= last]
    # The newest snapshot of each day; the names of snapshots begin with the time of their run.
    snapshots = [max(day.iterdir(), key=lambda run: run.name) for day in days]
    files = [str(file) for snapshot in snapshots for file in snapshot.glob("*.parquet")]
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET threads = 2")
        rows = connection.execute(
            "select count(*), count(distinct author_id) from read_parquet(?)", [files]
        ).fetchone()
    print(json.dumps({"tweets": rows[0], "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
