"""Reads and writes S3: with Spark's own connector on Glue, or with the S3 API and staged files.

Glue's Spark reads and writes s3:// itself. The embedded cloud's Spark has no S3 connector (no
package on PyPI has it), so objects are staged in a folder. The job's own credentials are used, so
its role is enforced as on AWS.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3

# Objects that S3 deletes in one call, at most.
_KEYS_A_CALL = 1000
# Lines per object: a few megabytes of tweets, which a driver of 1 GB holds easily.
_LINES_AN_OBJECT = 10_000
# A folder such as dt=2026-01-31, which Spark reads as a column.
_PARTITION = re.compile(r"[a-z_]+=[\w-]+")
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,8}){1,2}$")


def split_uri(uri: str) -> tuple[str, str]:
    """s3://bucket/key -> (bucket, key). Raises ValueError if it is not an S3 address."""
    parts = urlparse(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"not an S3 address: {uri!r}; expected s3://bucket/prefix/")
    return parts.netloc, parts.path.lstrip("/")


class DirectStorage:
    """S3 for Spark on Glue, which uses every address directly."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3")

    def keys(self, prefix_uri: str) -> list[str]:
        """Keys of all objects below a prefix, sorted. Keys that end in a slash are left out:
        consoles create them for folders."""
        return sorted(key for key, _ in self._objects(prefix_uri) if not key.endswith("/"))

    def size(self, prefix_uri: str) -> int:
        """Bytes of all objects below a prefix."""
        return sum(size for _, size in self._objects(prefix_uri))

    def _objects(self, prefix_uri: str) -> Iterator[tuple[str, int]]:
        bucket, prefix = split_uri(prefix_uri)
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"], item["Size"]

    def readable(self, prefix_uri: str) -> str | None:
        """A path where Spark can read the objects below a prefix; None if there are none."""
        return prefix_uri if self.keys(prefix_uri) else None

    def base(self, prefix_uri: str) -> str:
        """The path below which `readable` finds the folders of a prefix."""
        return prefix_uri

    def key_of(self, path: str) -> str:
        """The key of a file that Spark names by its path."""
        return split_uri(path)[1]

    def writable(self, prefix_uri: str) -> str:
        """A path where Spark can write; `publish` stores the written files below the prefix."""
        return prefix_uri

    def publish(self, prefix_uri: str) -> None:
        """Nothing to do: Spark has written to S3 itself."""

    def remove(self, prefix_uri: str) -> None:
        """Deletes every object below a prefix. Raises RuntimeError if S3 does not delete one."""
        bucket, _ = split_uri(prefix_uri)
        keys = self.keys(prefix_uri)
        for start in range(0, len(keys), _KEYS_A_CALL):
            named = [{"Key": key} for key in keys[start : start + _KEYS_A_CALL]]
            answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
            for error in answer.get("Errors", []):
                raise RuntimeError(
                    f"S3 did not delete s3://{bucket}/{error['Key']}: {error['Message']}"
                )

    def put_json(self, uri: str, value: Any) -> None:
        """Writes one JSON object; the bucket's default encryption applies."""
        bucket, key = split_uri(uri)
        body = json.dumps(value, indent=2).encode("utf-8")
        self.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")

    def put_lines(self, name_uri: str, lines: Iterable[str]) -> None:
        """Writes lines to `<name>-00000.ndjson` and so on; no object if there are no lines."""
        bucket, name = split_uri(name_uri)
        rest = iter(lines)
        number = 0
        while chunk := list(islice(rest, _LINES_AN_OBJECT)):
            self.s3.put_object(
                Bucket=bucket,
                Key=f"{name}-{number:05d}.ndjson",
                Body="".join(f"{line}\n" for line in chunk).encode("utf-8"),
                ContentType="application/x-ndjson",
            )
            number += 1


def _staged_name(rest: str, key: str) -> Path:
    """The path of a staged object below its prefix: its partitions and the hash of its key.

    Anyone who may put an object chooses its key, so `..` or a name too long for a file must do no
    harm. The suffix is kept, because Spark reads the compression from it. A leading underscore or
    dot becomes an underscore: Spark skips such files.
    """
    *folders, name = rest.split("/")
    partitions = [folder for folder in folders if _PARTITION.fullmatch(folder)]
    dotted = [part for part in [*folders, name] if part not in (".", "..")]
    hidden = "_" if any(part.startswith(("_", ".")) for part in dotted) else ""
    suffix = found[0] if (found := _SUFFIX.search(name)) else ""
    return Path(*partitions, hidden + sha256(key.encode()).hexdigest() + suffix)


class StagedStorage(DirectStorage):
    """S3 through its API: downloads prefixes to read, uploads them after writing."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        # The key of each staged file, by its path.
        self._keys: dict[str, str] = {}

    def _local(self, kind: str, prefix_uri: str) -> Path:
        """The folder where a prefix is staged. Raises ValueError if it is outside the root."""
        bucket, prefix = split_uri(prefix_uri)
        root = (self.folder / kind).resolve()
        path = (root / bucket / prefix).resolve()
        if path == root or not path.is_relative_to(root):
            raise ValueError(f"{prefix_uri!r} does not name a prefix below its bucket")
        return path

    def readable(self, prefix_uri: str) -> str | None:
        bucket, prefix = split_uri(prefix_uri)
        root = self._local("read", prefix_uri)
        keys = self.keys(prefix_uri)
        for key in keys:
            path = root / _staged_name(key[len(prefix) :], key)
            self._keys[str(path)] = key
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not download_file, which first requests each object's size: there are many small ones.
            with path.open("wb") as file:
                shutil.copyfileobj(self.s3.get_object(Bucket=bucket, Key=key)["Body"], file)
        return self.base(prefix_uri) if keys else None

    def base(self, prefix_uri: str) -> str:
        return str(self._local("read", prefix_uri))

    def key_of(self, path: str) -> str:
        return self._keys[path.removeprefix("file:")]

    def writable(self, prefix_uri: str) -> str:
        return str(self._local("write", prefix_uri))

    def publish(self, prefix_uri: str) -> None:
        bucket, prefix = split_uri(prefix_uri)
        root = self._local("write", prefix_uri)
        for path in sorted(root.rglob("*")):
            # Leaves out Spark's checksums and markers.
            if path.is_file() and not path.name.startswith((".", "_")):
                key = prefix + path.relative_to(root).as_posix()
                self.s3.upload_file(str(path), bucket, key)


@contextmanager
def open_storage(embedded: bool) -> Iterator[DirectStorage]:
    """Direct on Glue; staged in the embedded cloud, in a folder that is deleted at the end."""
    if not embedded:
        yield DirectStorage()
        return
    with tempfile.TemporaryDirectory(prefix="clean-tweets-") as folder:
        yield StagedStorage(Path(folder))
