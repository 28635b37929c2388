"""Serving speed of both networks and of VADER.

`python -m ml.bench.serving_speed <batch> <texts.json> [vader [<seconds>]]` times our VADER, or the
package vaderSentiment, a tweet at a time; serving-speed.ts times the serving program's model. Both
print `{"tweets_per_second": …}` of one process with one thread. serving-load.ts times the program.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lstm import archive, lexicon
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ml.bench import ROOT

BATCHES = (1, 64)
TEXTS = 4096
SECONDS = 6.0
LIMIT_SECONDS = 300
VADER = "VADER in Python"
NETWORKS = {"ours, int8": archive.INT8_NETWORK, "ours, fp32": archive.NETWORK}


def serving_speeds(texts: list[str], folder: Path) -> dict[str, list[float]]:
    """Tweets/s of each system on one core, tokenizing included: a number for each of BATCHES.

    Seals the model's folder with each network in turn, and leaves it with the one it had.
    """
    model = archive.Archive.from_folder(folder)
    served = json.loads((folder / archive.DESCRIPTION).read_text("utf-8"))["network"]
    program = [str(ROOT / "node_modules/.bin/tsx"), str(ROOT / "ml/bench/serving-speed.ts")]
    rates: dict[str, list[float]] = {name: [] for name in (*NETWORKS, VADER)}
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "texts.json"
        file.write_text(json.dumps(texts[:TEXTS]), "utf-8")
        # All systems in turn for each batch size: they share what else the machine does.
        for batch in BATCHES:
            for name, network in NETWORKS.items():
                archive.seal(folder, model.tokenizer, model.version, network)
                rates[name].append(_rate([*program, str(batch), str(file), str(folder)]))
            vader = [sys.executable, "-m", "ml.bench.serving_speed", str(batch), str(file)]
            rates[VADER].append(_rate(vader))
    archive.seal(folder, model.tokenizer, model.version, served)
    return rates


def _rate(command: list[str]) -> float:
    """What the command prints. It runs on one core where `taskset` exists."""
    bind = shutil.which("taskset")
    bound = [*([bind, "-c", "0"] if bind else []), *command]
    finished = subprocess.run(bound, cwd=ROOT, stdout=subprocess.PIPE, timeout=LIMIT_SECONDS)
    if finished.returncode != 0:
        raise OSError(f"{' '.join(command)} failed; its message is above")
    return json.loads(finished.stdout)["tweets_per_second"]


def main(batch: str, texts_path: str, which: str = "ours", seconds: str = str(SECONDS)) -> None:
    texts, size = json.loads(Path(texts_path).read_text("utf-8")), int(batch)
    analyzer = SentimentIntensityAnalyzer()

    def package(some: list[str]) -> list[dict[str, float]]:
        return [analyzer.polarity_scores(text) for text in some]

    classify = package if which == "vader" else lexicon.classify
    classify(texts[:size])  # loads the lexicon
    started, done = time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < float(seconds):
        place = done % len(texts)
        done += len(classify(texts[place : place + size]))
    print(json.dumps({"tweets_per_second": done / elapsed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
