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

from data import write_raw

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SYSTEMS = ("ours", "naive", "duck")
WARM_ROWS = 20_000


def measure(system: str, raw: Path, out: Path, warm: Path) -> dict[str, float]:
    """Rows and seconds of one system. RuntimeError when it fails."""
    ended = subprocess.run(
        [sys.executable, HERE / f"{system}.py", raw, out, warm],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{system} ended with {ended.returncode}")
    return json.loads(ended.stdout.splitlines()[-1])


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
        for rows in arguments.rows:
            raw = folder / "raw"
            write_raw(raw, rows, hot=arguments.hot)
            print(f"\n{rows:,} raw rows{', one hot day' if arguments.hot else ''}", flush=True)
            rates: dict[str, float] = {}
            for system in arguments.systems.split(","):
                found = measure(system, raw, folder / "out", warm)
                rates[system] = rows / found["seconds"]
                print(
                    f"  {system:<6} {found['seconds']:8.1f} s {rates[system]:10,.0f} rows/s"
                    f" {found['rows']:12,.0f} tweets",
                    flush=True,
                )
            for other in ("naive", "duck"):
                if "ours" in rates and other in rates:
                    print(f"  ours / {other}: {rates['ours'] / rates[other]:.2f}")
            subprocess.run(["rm", "-rf", raw, folder / "out"], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\nlargest process: {peak:.1f} GB")


if __name__ == "__main__":
    main()
