"""Files with checksums, and the archives that hold them."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

# What label objects, corpora, and an archive of ours may hold once they are unpacked.
MAX_UNPACKED_BYTES = 64 * 2**20
MAX_CORPUS_BYTES = 2**30
MAX_ARCHIVE_BYTES = 4 * 2**30
MAX_MEMBER_BYTES = 2**30
MAX_MEMBERS = 10_000


def unzip(content: bytes, most: int = MAX_UNPACKED_BYTES) -> bytes:
    """The content without gzip, in bounded memory. Raises ValueError if it is damaged or larger."""
    parts: list[bytes] = []
    left = most
    while content:
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            part = inflater.decompress(content, left + 1)
        except zlib.error as error:
            raise ValueError("it is damaged gzip") from error
        left -= len(part)
        if left < 0:
            raise ValueError(f"it unpacks to more than {most // 2**20} MB")
        if not inflater.eof:
            raise ValueError("it is gzip that is cut short")
        parts.append(part)
        content = inflater.unused_data.lstrip(b"\0")
    return b"".join(parts)


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
                for member in _members(tar, path)
                if member.isfile() and Path(member.name).name in names
            }
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ValueError(f"{path} is not a readable tar.gz: {error}") from error


def _members(tar: tarfile.TarFile, path: Path) -> list[tarfile.TarInfo]:
    """The archive's members, as far as it is no larger than an archive may be."""
    members: list[tarfile.TarInfo] = []
    total = 0
    # Headers alone, one by one: a bomb is seen before it is unpacked.
    while (member := tar.next()) is not None:
        members.append(member)
        total += member.size
        if (
            len(members) > MAX_MEMBERS
            or member.size > MAX_MEMBER_BYTES
            or total > MAX_ARCHIVE_BYTES
        ):
            raise ValueError(f"{path} unpacks to more than an archive of a model may hold")
    return members


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
