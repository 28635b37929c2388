"""Files with checksums, and the archives that hold them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import Any


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", "utf-8")


def parts_of_folder(folder: Path, names: Collection[str]) -> dict[str, bytes]:
    """Those of the named files that the folder holds."""
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def parts_of_tar(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """Those of the named files that the archive holds. Raises ValueError if it is damaged."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            return {
                Path(member.name).name: _content(tar, member)
                for member in tar.getmembers()
                if member.isfile() and Path(member.name).name in names
            }
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ValueError(f"{path} is not a readable tar.gz: {error}") from error


def only_archive(folder: Path, what: str) -> Path | None:
    """The one model.tar.gz of a channel; None if the job has no such channel. Raises ValueError
    if the channel holds several, or something else."""
    found = sorted(folder.rglob("model.tar.gz"))
    if len(found) > 1:
        raise ValueError(f"{len(found)} archives in {folder}; the {what} is one model.tar.gz")
    if not found:
        strangers = [path.name for path in folder.rglob("*") if path.is_file()]
        if strangers:
            raise ValueError(f"no model.tar.gz in {folder}, only {', '.join(sorted(strangers))}")
        return None
    return found[0]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""
