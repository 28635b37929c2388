"""embedded/launcher/durable_files.py: what a full disk leaves behind, shown on one of 64 KB."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.launcher.durable_files import NotWritten, replace
from embedded.launcher.snapshots import Snapshots

SMALL = 64 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB: a real one where this user may mount one, else a limit on files' size."""
    options = ["-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(tmp_path)]
    mounted = os.geteuid() == 0 and subprocess.run(["mount", *options], check=False).returncode == 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if mounted:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_file_on_a_full_disk_stays_as_it_was_and_the_error_names_it(small_disk):
    path = small_disk / "kept.json"
    replace(path, b"a" * 20_000)

    with pytest.raises(NotWritten, match=r"kept\.json could not be written: (the disk is full|a)"):
        replace(path, b"b" * 200_000)

    assert path.read_bytes() == b"a" * 20_000
    assert [found.name for found in small_disk.iterdir()] == ["kept.json"]


def test_a_snapshot_on_a_full_disk_is_the_one_before_and_a_later_one_fits_again(small_disk):
    snapshots = Snapshots(small_disk, decode=lambda found: found, encode=str)
    snapshots.load()
    snapshots.save({"a": lambda: "small", "b": lambda: "kept"})

    with pytest.raises(NotWritten):
        snapshots.save({"a": lambda: "x" * 200_000})

    again = Snapshots(small_disk, decode=lambda found: found, encode=str)
    assert again.load() == {"a": "small", "b": "kept"}
    assert snapshots.save({"a": lambda: "smaller"})
    assert Snapshots(small_disk, decode=lambda found: found, encode=str).load()["a"] == "smaller"


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(NotWritten, match="its folder does not exist any more"):
        replace(tmp_path / "gone" / "file", b"")


def test_only_its_owner_may_read_a_file(tmp_path):
    replace(tmp_path / "file", b"secret")

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
