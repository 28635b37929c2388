"""Durable files: a write stores the complete file on the disk, or leaves the old file unchanged."""

import contextlib
import errno
import os
from pathlib import Path

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would exceed the size limit (ulimit -f)",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "its folder does not exist any more",
}


class NotWritten(OSError):
    """A file could not be written; the old file is unchanged. The text gives the reason."""


def replace(path: Path, content: bytes) -> None:
    """Write `content` to the disk, then rename it to `path`. Only its owner may read the file.

    Raises NotWritten, which names the file and the reason, and leaves no partial file.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        try:
            file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                _write_all(file, content)
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        sync_folder(path.parent)
    except OSError as failed:
        why = _REASONS.get(failed.errno or 0, failed.strerror or str(failed))
        raise NotWritten(failed.errno, f"{path} could not be written: {why}") from failed


def _write_all(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        # A disk that fills up accepts what still fits, and fails only at the next write.
        rest = rest[os.write(file, rest) :]
    if (size := os.fstat(file).st_size) != len(content):
        raise OSError(errno.EIO, f"{size} of {len(content)} bytes arrived")


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
