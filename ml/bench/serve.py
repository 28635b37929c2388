"""Labels of texts by way of an archive and the TypeScript serving program, as from an endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from ml.bench import ROOT

PROGRAM = ROOT / "dist" / "serving" / "server.cjs"
TEXTS_A_REQUEST = 500
REQUEST_SECONDS = 120


def labels_from(archive: Path, texts: list[str]) -> list[str]:
    """One label a text. Raises OSError or ValueError if the program does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(Path(folder) / "model", filter="data")
        with _serving(Path(folder)) as address:
            return [
                label
                for place in range(0, len(texts), TEXTS_A_REQUEST)
                for label in _ask(address, texts[place : place + TEXTS_A_REQUEST])
            ]


@contextlib.contextmanager
def _serving(ml_root: Path) -> Iterator[str]:
    process = subprocess.Popen(
        ["node", str(PROGRAM), "serve"],
        cwd=PROGRAM.parent,
        env={**os.environ, "ML_ROOT": str(ml_root), "PORT": "0", "HOST": "127.0.0.1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r" on (127\.0\.0\.1:\d+)", process.stdout.readline())
        if not found:
            raise OSError("the serving program did not start; it says why above")
        yield f"http://{found.group(1)}/invocations"
    finally:
        process.kill()
        process.wait()


def _ask(address: str, texts: list[str]) -> list[str]:
    request = urllib.request.Request(
        address,
        json.dumps({"texts": texts}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
        labels = [each["label"] for each in json.load(response)["predictions"]]
    if len(labels) != len(texts):
        raise ValueError(f"{len(labels)} answers to {len(texts)} texts")
    return labels
