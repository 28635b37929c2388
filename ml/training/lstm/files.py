"""Reads channels and archives in bounded memory; writes JSON; computes checksums."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from etl.text.bounded_gzip import unzip

# Largest unpacked sizes of a label object, a corpus, and a model archive.
MAX_UNPACKED_BYTES = 64 * 2**20
MAX_CORPUS_BYTES = 2**30
MAX_ARCHIVE_BYTES = 4 * 2**30
MAX_MEMBER_BYTES = 2**30
MAX_MEMBERS = 10_000


class SetAside:
    """Files and lines that a job leaves out: for each file of a channel the problem with it, or the
    number of invalid lines and the problem with the first."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str], list[str]] = {}

    def add(self, channel: Path, file: Path, problem: str) -> None:
        name = file.relative_to(channel).as_posix() if file != channel else file.name
        problems = self._problems.setdefault((channel.name, name), [])
        if not problems:
            print(f"set aside: {channel.name}/{name} {problem}", flush=True)
        problems.append(problem)

    def as_list(self) -> list[dict[str, str]]:
        """For the manifest."""
        return [
            {
                "channel": channel,
                "file": name,
                "problem": problems[0]
                if len(problems) == 1
                else f"holds {len(problems)} lines that cannot be used, the first: {problems[0]}",
            }
            for (channel, name), problems in sorted(self._problems.items())
        ]


def files_in(folder: Path) -> list[Path]:
    """Every file of a channel, in a fixed order; none if the job has no such channel. Files and
    folders whose names begin with a dot or an underscore are writers' leftovers and left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )


def lines_in(
    path: Path, channel: Path, aside: SetAside | None, most: int = MAX_CORPUS_BYTES
) -> list[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers. Raises ValueError if the file
    cannot be read; with `aside`, the problem is noted there and the result is empty."""
    try:
        lines = enumerate(read_lines(path, most), 1)
        return [(number, line) for number, line in lines if line.strip()]
    except ValueError as error:
        if aside is None:
            raise
        aside.add(channel, path, f"cannot be read: {error.__cause__ or error}")
        return []


def read_lines(path: Path, most: int = MAX_CORPUS_BYTES) -> Iterable[str]:
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = _without_gzip(content, most)
        if len(content) > most:
            raise ValueError(f"it is larger than {most // 2**20} MB")
        # Not splitlines(): a tweet may contain U+2028, which JSON does not escape.
        return content.decode("utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _without_gzip(content: bytes, most: int) -> bytes:
    try:
        return unzip(content, most)
    except ValueError as error:
        raise ValueError(f"it {error}") from error


def read_object(line: str) -> dict[str, Any]:
    """A line's JSON object without lists or objects in it. Raises ValueError."""
    try:
        record = json.loads(line, parse_constant=_no_json)
    except RecursionError as error:
        raise ValueError("nests too deep") from error
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError("not an object")
    if any(isinstance(value, (dict, list)) for value in record.values()):
        raise ValueError("not a flat object")
    return record


def _no_json(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", "utf-8")


def parts_of_folder(folder: Path, names: Collection[str]) -> dict[str, bytes]:
    """The contents of the named files that exist in the folder."""
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def parts_of_tar(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """The contents of the named files that the archive has. Raises ValueError if it is damaged."""
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
    """The archive's members. Raises ValueError if it has too many or unpacks to too much."""
    members: list[tarfile.TarInfo] = []
    total = 0
    # Reads only headers, so that a decompression bomb is found before it is unpacked.
    while (member := tar.next()) is not None:
        members.append(member)
        total += member.size
        if (
            len(members) > MAX_MEMBERS
            or member.size > MAX_MEMBER_BYTES
            or total > MAX_ARCHIVE_BYTES
        ):
            raise ValueError(f"{path} unpacks to more than a model archive may contain")
    return members


def only_archive(folder: Path, what: str) -> Path | None:
    """The one model.tar.gz of a channel; None if the job has no such channel. Raises ValueError
    if the channel has several archives, or only other files."""
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
