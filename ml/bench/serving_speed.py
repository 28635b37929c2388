"""Serving tweets/s of every system, tokenizing included: a process on a core, then two on two."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ml.bench import ROOT

BATCHES = (1, 64)
TEXTS = 4096
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Speed:
    """Tweets/s by (batch, cores); `peak_megabytes` of the process, where it says so."""

    system: str
    rates: dict[tuple[int, int], float]
    peak_megabytes: float | None


def serving_speeds(texts: list[str], int8: Path, fp32: Path) -> list[Speed]:
    """`int8` and `fp32` are folders of one model, each sealed with that network serving."""
    tsx = [
        str(ROOT / "node_modules" / ".bin" / "tsx"),
        str(Path(__file__).parent / "serving-speed.ts"),
    ]
    python = [sys.executable, "-m", "ml.bench.python_speed"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(texts[:TEXTS]), "utf-8")
        systems = {
            "ours, serving program, int8": (tsx, [str(int8)]),
            "ours, serving program, fp32": (tsx, [str(fp32)]),
            "ours, torch": ([*python, "torch"], [str(fp32)]),
            "VADER in Python": ([*python, "vader"], []),
            "transformer of RoBERTa-base's shape, torch": ([*python, "transformer"], [str(fp32)]),
        }
        found: dict[str, dict[tuple[int, int], float]] = {name: {} for name in systems}
        peaks: dict[str, float] = {}
        # One after the other for each figure, so that all share what else the machine does.
        for cores in (1, 2) if _cores() > 1 else (1,):
            for batch in BATCHES:
                for name, (program, rest) in systems.items():
                    answers = _together([*program, str(batch), str(file), *rest], cores)
                    found[name][batch, cores] = sum(each["tweets_per_second"] for each in answers)
                    if "peak_megabytes" in answers[0]:
                        peaks[name] = max(
                            peaks.get(name, 0), *(each["peak_megabytes"] for each in answers)
                        )
    return [Speed(name, rates, peaks.get(name)) for name, rates in found.items()]


def _cores() -> int:
    return os.cpu_count() or 1


def _together(command: list[str], processes: int) -> list[dict[str, float]]:
    """The answers of so many processes at once, each bound to a core of its own where it can be."""
    bind = shutil.which("taskset")
    started = [
        subprocess.Popen(
            [*([bind, "-c", str(core)] if bind else []), *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        for core in range(processes)
    ]
    answers = []
    try:
        for process in started:
            output, _ = process.communicate(timeout=LIMIT_SECONDS)
            if process.returncode != 0:
                raise OSError(f"{' '.join(command)} ended with exit code {process.returncode}")
            answers.append(json.loads(output))
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
    return answers
