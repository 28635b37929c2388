"""`npm run bench:training`: chooses the weak rows of a large lake under a memory limit."""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from lstm.data import HumanLabels, Row, read_weak_rows

from ml.bench import ROOT

WEAK_ROWS = 20_000_000
HUMAN_ROWS = 10_000
PER_HUMAN = 3.0
MEMORY_MB = 1024
ROWS_A_FILE = 500_000
PROGRAMS = ("ours", "duckdb")

# All texts differ, and their key is the text itself.
TEXTS = """
select
    'tweet ' || n || ' says that the morning train was late once more and that nobody at the '
    || 'station knew why or for how long ' || md5(n::varchar) || md5((-n)::varchar) as text,
    ['negative', 'neutral', 'positive'][1 + n % 3] as label,
    0.5 + (n % 50) / 100 as label_confidence
from range({first}, {last}) as numbers (n)
"""


def write_weak_files(folder: Path, rows: int, files: int) -> None:
    """Parquet files as the cleaning job writes them, with the columns that a training reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as database:
        for number in range(files):
            first, last = number * rows // files, (number + 1) * rows // files
            database.execute(
                f"""
                copy (
                    select
                        sha256(text) as text_hash, text, 'en' as lang, label,
                        'lexicon' as label_source, label_confidence
                    from ({TEXTS.format(first=first, last=last)})
                ) to '{folder}/part-{number:04d}.parquet' (format parquet, compression zstd)
                """
            )


def human_labels(rows: int) -> HumanLabels:
    """Labels of the train split, of texts that no tweet has."""
    hashes = (hashlib.sha256(f"human {n}".encode()).hexdigest() for n in range(rows))
    return HumanLabels([Row(h, "", 1, may_be_held_out=False) for h in hashes], 0)


def ours(folder: Path, human: int) -> list[str]:
    rows = read_weak_rows(folder, human_labels(human), PER_HUMAN, frozenset({"en"}))
    return [row.text_hash for row in rows]


def by_duckdb(folder: Path, human: int) -> list[str]:
    """The same choice by one query. It neither computes the texts' hashes again nor looks for
    a text that comes twice: none does here."""
    with duckdb.connect() as database:
        database.execute(f"set memory_limit = '{MEMORY_MB}MB'")
        query = f"""
            select text_hash, text, label, label_confidence
            from read_parquet('{folder}/*.parquet')
            where label_source = 'lexicon' and lang = 'en'
                and ('0x' || substr(text_hash, 1, 8))::bigint % 100 >= 30
            order by text_hash
            limit {int(PER_HUMAN * human)}
        """
        return [row[0] for row in database.execute(query).fetchall()]


def one_program(name: str, folder: Path, human: int) -> None:
    """In a process of its own: prints seconds, rows and their digest."""
    limit = MEMORY_MB * 2**20
    if name == "ours":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    started = time.monotonic()
    hashes = ours(folder, human) if name == "ours" else by_duckdb(folder, human)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()
    print(seconds, peak, len(hashes), digest)


def main() -> int:
    parser = argparse.ArgumentParser(prog="npm run bench:training --", description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=WEAK_ROWS, help="weak rows (20 M)")
    parser.add_argument("--human", type=int, default=HUMAN_ROWS, help="human training rows (10 k)")
    parser.add_argument("--program", choices=PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.program:
        one_program(arguments.program, arguments.folder, arguments.human)
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-training-") as name:
        folder = Path(name)
        write_weak_files(folder, arguments.rows, -(-arguments.rows // ROWS_A_FILE))
        gb = sum(path.stat().st_size for path in folder.iterdir()) / 1e9
        print(f"{arguments.rows:,} weak rows in {gb:.1f} GB, {arguments.human:,} human rows")
        print(f"memory limit {MEMORY_MB} MB", flush=True)
        found: dict[str, list[str]] = {}
        for program in PROGRAMS:
            command = [sys.executable, "-m", "ml.bench.weak_rows", "--program", program]
            ended = subprocess.run(
                [*command, "--folder", name, "--human", str(arguments.human)],
                cwd=ROOT,
                # Arrow's own allocator reserves a gigabyte that it does not use.
                env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
            if ended.returncode != 0:
                print(f"{program} ended with {ended.returncode}", file=sys.stderr)
                return 1
            found[program] = ended.stdout.split()
            seconds, peak, rows, _ = found[program]
            rate = arguments.rows / float(seconds)
            print(
                f"{program:<7} {float(seconds):6.1f} s {rate:12,.0f} rows/s, "
                f"{float(peak):5.0f} MB at most, {int(rows):,} chosen",
                flush=True,
            )
    if found["ours"][3] != found["duckdb"][3]:
        print("the two programs chose different rows", file=sys.stderr)
        return 1
    print(f"ours / duckdb: {float(found['duckdb'][0]) / float(found['ours'][0]):.2f}; same rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
