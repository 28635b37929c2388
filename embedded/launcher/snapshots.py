"""The state of all services on disk: one file per service, and a manifest that lists the files.

    <state>/services/<service>-<sha256, 16 digits>.json    state of one service
    <state>/manifest.json                                   {"format", "version", "files"}
    <state>/manifest.previous.json                          the previous set

A file's name contains the hash of its content, and only changed services are written. The manifest
is replaced last, in one rename, so a kill leaves either the old set or the new one. `version` is
the project version that wrote the set; `format` tells which versions can read it.
"""

import functools
import hashlib
import json
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from embedded.launcher import durable_files

logger = logging.getLogger("lake.snapshots")

# Increased when an older checkout must not open the state of this one.
FORMAT = 3
# Services with secrets. A replaced secret's old value must not stay in any file, so the previous
# set also names their newest file. The disadvantage: there is no fallback if that file is damaged.
SECRET = frozenset({"secretsmanager"})
# Converts payloads of one format to the next. Format 1 was in another folder
# (embedded/launcher/state_folder.py) and named no version; format 2 held Kinesis, Athena and Glue
# undivided (embedded/launcher/state_parts.py). Both are read as they are.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda found: found,
    2: lambda found: found,
}
# Long enough to combine a burst of requests (a deployment), short enough to lose little in a kill.
DEBOUNCE_SECONDS = 0.5

Sources = Mapping[str, Callable[[], Any]]


class TornSnapshot(Exception):
    """A manifest, or a file that it names, is missing or damaged."""


REMEDY = (
    "Nothing was changed. Restore the lake's folder from a backup, or move it away to begin with "
    "an empty lake (docs/upgrading.md)."
)


class StateRefused(RuntimeError):
    """This version cannot read the state on disk. The state was not changed."""


def project_version() -> str:
    """The version of this checkout, from its package.json."""
    package = Path(__file__).parents[2] / "package.json"
    return str(json.loads(package.read_text("utf-8"))["version"])


@functools.cache
def commit() -> str:
    """The short commit id of this checkout; empty outside a checkout or without git."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.decode().strip() if found.returncode == 0 else ""


def _writer(listed: Mapping[str, Any]) -> str:
    """The version that wrote a manifest, for a message."""
    made = listed.get("commit")
    version = listed.get("version", "of an unknown version")
    return f"sentiment-lake {version}" + (f" (commit {made})" if made else "")


class Snapshots:
    """Reads the newest complete snapshot, and writes new ones.

    Writes nothing before `load` has succeeded, so unreadable state is never overwritten.
    """

    def __init__(self, folder: Path, decode: Callable[[dict], Any], encode: Callable[[Any], Any]):
        """`encode` and `decode` are the JSON `default` and `object_hook` of ministack's stores."""
        self._folder = folder
        self._services = folder / "services"
        self._services.mkdir(parents=True, exist_ok=True)
        self._manifest = folder / "manifest.json"
        self._previous = folder / "manifest.previous.json"
        self._decode = decode
        self._encode = encode
        self._lock = threading.Lock()
        self._loaded = False
        self._written: dict[str, str] = {}
        # The format of the loaded set.
        self.format = FORMAT

    def load(self) -> dict[str, Any]:
        """The payload of each service from the newest complete set; {} when there is no set.

        Raises StateRefused for a set of a newer format, and when no set is complete.
        """
        torn: list[str] = []
        for manifest in (self._manifest, self._previous):
            if not manifest.exists():
                continue
            try:
                payloads = self._read(manifest)
            except TornSnapshot as reason:
                torn.append(f"{manifest.name}: {reason}")
                logger.error("The snapshot %s cannot be used: %s", manifest.name, reason)
                continue
            if manifest is self._previous:
                logger.error("Using the previous snapshot instead: %s", manifest.name)
            self._loaded = True
            return payloads
        if torn:
            raise StateRefused(
                f"The state in {self._folder} cannot be read ({'; '.join(torn)}). {REMEDY}"
            )
        if any(self._services.iterdir()):
            raise StateRefused(
                f"{self._services} holds the state of a lake, but the manifest that lists its "
                f"files is missing. {REMEDY}"
            )
        self._loaded = True
        return {}

    def _read(self, manifest: Path) -> dict[str, Any]:
        try:
            listed = json.loads(manifest.read_text("utf-8"))
            found = listed["format"]
            if not isinstance(found, int) or found < 1:
                raise TornSnapshot(f"its format is {found!r}")
            if found > FORMAT:
                raise StateRefused(
                    f"The state in {self._folder} was written by {_writer(listed)} in format "
                    f"{found}. This is "
                    f"{project_version()}, which reads formats up to {FORMAT}. Use that version "
                    f"or a newer one, or move {self._folder.parent} away to begin with an empty "
                    "lake. Nothing was changed (docs/upgrading.md)."
                )
            payloads = {}
            for service, name in listed["files"].items():
                content = (self._services / name).read_bytes()
                if name != _file_name(service, content):
                    raise TornSnapshot(f"{name} was changed or cut short after it was written")
                payloads[service] = json.loads(content, object_hook=self._decode)
        except RecursionError as broken:
            raise TornSnapshot("it is nested too deep") from broken
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
            raise TornSnapshot(f"{type(broken).__name__}: {broken}") from broken
        for older in range(found, FORMAT):
            payloads = MIGRATIONS[older](payloads)
        self._written = dict(listed["files"])
        self.format = found
        return payloads

    def begin(self) -> None:
        """Write the manifest of an empty lake.

        Otherwise an interrupted first start would look like a lake whose manifest is missing.
        """
        if not self._manifest.exists():
            self._write_manifest(self._manifest, {})

    def _write_manifest(self, path: Path, files: Mapping[str, str]) -> None:
        listed = {
            "format": FORMAT,
            "version": project_version(),
            "commit": commit(),
            "files": files,
        }
        durable_files.replace(path, json.dumps(listed, indent=1).encode())

    @property
    def written(self) -> frozenset[str]:
        """Names of the services in the newest set."""
        return frozenset(self._written)

    def save(self, sources: Sources, gone: Collection[str] = ()) -> bool:
        """Write the changes since the last set, without the services in `gone`; False if none.

        Raises RuntimeError before a successful `load`, and durable_files.NotWritten.
        """
        if not self._loaded:
            raise RuntimeError("the state on disk was not loaded, so a save would overwrite it")
        with self._lock:
            files = {name: file for name, file in self._written.items() if name not in gone}
            for service, read in sources.items():
                content = self._serialised(service, read)
                if content is None:
                    continue
                name = _file_name(service, content)
                if files.get(service) != name:
                    if not (self._services / name).exists():
                        durable_files.replace(self._services / name, content)
                    files[service] = name
            if files == self._written and self.format == FORMAT:
                return False
            secret = {service: files[service] for service in SECRET & files.keys()}
            # The first set is its own previous set, so that no fallback leads to an empty cloud.
            before = {**(self._written or files), **secret}
            if self._manifest.exists():
                self._write_manifest(self._previous, before)
            self._write_manifest(self._manifest, files)
            self._drop_unnamed({*files.values(), *before.values()})
            self._written = files
            self.format = FORMAT
            return True

    def _serialised(self, service: str, read: Callable[[], Any]) -> bytes | None:
        """One service's state as JSON; None when the service has nothing to save.

        The stores are live: the iteration fails when a thread adds a key during it.
        """
        for patience in (0.01, 0.03, 0.1, 0.3, None):
            try:
                state = read()
                if state is None:
                    return None
                return json.dumps(state, default=self._encode).encode()
            except RuntimeError:
                if patience is None:
                    raise
                time.sleep(patience)
        return None

    def _drop_unnamed(self, named: set[str]) -> None:
        for path in self._services.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)


def _file_name(service: str, content: bytes) -> str:
    return f"{service}-{hashlib.sha256(content).hexdigest()[:16]}.json"


class Saver:
    """Saves in its own thread, half a second after the first of a burst of changes.

    `sources` returns what to save, without the services that it is given. `heavy` services hold
    much data: they are left out unless a request named them, or HEAVY_SECONDS have passed. Some
    change without requests (a stream's records, log lines).
    `in_progress` tells whether a deployment is running. Nothing is saved until its end, so that a
    kill leaves the state from before it, and the next deployment starts from a known state.
    `gone` returns the names to leave out of the next set, after `sources`; a failed save calls
    `on_failure`.
    """

    HEAVY_SECONDS = 10.0

    def __init__(
        self,
        snapshots: Snapshots,
        sources: Callable[[Collection[str]], Sources],
        heavy: frozenset[str],
        in_progress: Callable[[], bool],
        gone: Callable[[], Collection[str]] = tuple,
        on_failure: Callable[[], None] = lambda: None,
    ):
        self._snapshots = snapshots
        self._sources = sources
        self._heavy = heavy
        self._in_progress = in_progress
        self._gone = gone
        self._on_failure = on_failure
        self._heavy_due = 0.0
        # The first save, and those after a deployment or a failure, write everything.
        self._all_due = True
        self._touched: set[str] = set()
        self._changed = threading.Event()
        self._saving = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lake-snapshots", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def changed(self, service: str = "") -> None:
        """Report a possible change, in one service if it is named. It is saved soon."""
        if service:
            self._touched.add(service)
        self._changed.set()

    @property
    def saved(self) -> bool:
        """Whether all reported changes are in a snapshot."""
        return not self._changed.is_set() and not self._saving

    def stop(self) -> None:
        """Save all changes, then stop saving: a shutdown's own effects must not be saved."""
        self._stopped.set()
        self._changed.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._changed.wait()
            stopping = self._stopped.wait(DEBOUNCE_SECONDS)
            if self._in_progress():
                self._all_due = True
                continue
            self._saving = True
            self._changed.clear()
            touched, self._touched = self._touched, set()
            heavy_due = time.monotonic() >= self._heavy_due
            all_due = self._all_due or stopping or heavy_due or "cloudformation" in touched
            self._all_due = False
            try:
                skipped = frozenset() if all_due else self._heavy - touched
                self._snapshots.save(self._sources(skipped), self._gone())
            except Exception as failed:
                self._all_due = True
                if isinstance(failed, durable_files.NotWritten):
                    logger.error("The state is not saved; the next change tries again: %s", failed)
                else:
                    logger.exception("A snapshot failed; the next change tries again")
                self._on_failure()
            if heavy_due:
                self._heavy_due = time.monotonic() + self.HEAVY_SECONDS
            self._saving = False
