"""`npm run bench:clean`: tweets per second of the cleaning job, of a naive Spark job and of DuckDB.

Each runs in a process of its own over the same files, one after the other. The Spark jobs clean
20,000 tweets first, so that the start of Java and Python is not counted.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from data import write_raw

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SYSTEMS = ("ours", "naive", "duck")
WARM_ROWS = 20_000


def measure(system: str, *folders: Path) -> list[dict[str, Any]]:
    """What a program printed: its stages, if it names them, then its result. RuntimeError when it
    fails."""
    ended = subprocess.run(
        [sys.executable, HERE / f"{system}.py", *folders],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{system} ended with {ended.returncode}")
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def print_stages(printed: list[dict[str, Any]], seconds: float) -> None:
    """The shares of the last run's stages."""
    # Of each stage, the last run's entry stays.
    stages = {line["stage"]: line["seconds"] for line in printed if "stage" in line}
    if stages:
        shares = ", ".join(f"{name} {spent / seconds:.0%}" for name, spent in stages.items())
        print(f"         of it: {shares}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="npm run bench:clean --")
    parser.add_argument("rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--hot", action="store_true", help="nine tweets in ten are of one day")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="which to run, in this order")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-clean-") as name:
        folder = Path(name)
        warm = folder / "warm"
        write_raw(warm, WARM_ROWS)
        if "ours" in arguments.systems:
            (parts,) = measure("parts", warm)
            print("A worker's Python, µs a tweet on one core:")
            print("  " + ", ".join(f"{name} {spent}" for name, spent in parts.items()), flush=True)
        for rows in arguments.rows:
            raw = folder / "raw"
            write_raw(raw, rows, hot=arguments.hot)
            print(f"\n{rows:,} raw rows{', one hot day' if arguments.hot else ''}", flush=True)
            rates: dict[str, float] = {}
            for system in arguments.systems.split(","):
                printed = measure(system, raw, folder / "out", warm)
                found = printed[-1]
                rates[system] = rows / found["seconds"]
                print(
                    f"  {system:<6} {found['seconds']:8.1f} s {rates[system]:10,.0f} rows/s"
                    f" {found['rows']:12,.0f} tweets",
                    flush=True,
                )
                print_stages(printed, found["seconds"])
            for other in ("naive", "duck"):
                if "ours" in rates and other in rates:
                    print(f"  ours / {other}: {rates['ours'] / rates[other]:.2f}")
            subprocess.run(["rm", "-rf", raw, folder / "out"], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\nlargest process: {peak:.1f} GB")


if __name__ == "__main__":
    main()
