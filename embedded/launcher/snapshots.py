"""The state of all services on disk: one file a service, one manifest that names the set.

    <state>/services/<service>-<sha256, 16 digits>.json    what one service holds
    <state>/manifest.json                                   {"format", "version", "files"}
    <state>/manifest.previous.json                          the set before

Files are written once, under the hash of their content, and only when they changed; the manifest
is replaced last, in one rename. A kill at any moment leaves the old set or the new one.
`version` is the project's that wrote the set; `format` says which versions can read it.
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

# Raised when an older checkout must not open what this one writes.
FORMAT = 2
# Services that hold secrets: once one is replaced, the old value is in no file any more. The set
# before names their newest file too, at the price that a torn one cannot fall back.
SECRET = frozenset({"secretsmanager"})
# What makes the payloads of an older format those of the next one. Format 1 lay in another folder
# (embedded/launcher/state_folder.py) and named no version; its payloads are the same.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: lambda found: found}
# Long enough to gather a burst of requests (a deployment), short enough to lose little to a kill.
DEBOUNCE_SECONDS = 0.5

Sources = Mapping[str, Callable[[], Any]]


class TornSnapshot(Exception):
    """A manifest, or a file it names, is missing or is not what was written."""


REMEDY = (
    "Nothing was changed: put the lake's folder back from a copy, or move it away to begin with an "
    "empty lake (docs/upgrading.md)."
)


class StateRefused(RuntimeError):
    """The state on disk is not for this version, or cannot be read. Nothing of it was changed."""


def project_version() -> str:
    """The version of this checkout, from its package.json."""
    package = Path(__file__).parents[2] / "package.json"
    return str(json.loads(package.read_text("utf-8"))["version"])


@functools.cache
def commit() -> str:
    """The commit of this checkout, short; empty outside of one, and where there is no git."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.decode().strip() if found.returncode == 0 else ""


def _writer(listed: Mapping[str, Any]) -> str:
    """Who wrote a manifest, for a sentence."""
    made = listed.get("commit")
    version = listed.get("version", "of an unknown version")
    return f"sentiment-lake {version}" + (f" (commit {made})" if made else "")


class Snapshots:
    """Reads the newest whole snapshot, and writes new ones.

    Writes nothing before `load` has succeeded: what could not be read is never dropped.
    """

    def __init__(self, folder: Path, decode: Callable[[dict], Any], encode: Callable[[Any], Any]):
        """`encode` and `decode` are the JSON default and object hook of ministack's stores."""
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
        # Of what was loaded.
        self.format = FORMAT

    def load(self) -> dict[str, Any]:
        """The payload of each service, from the newest set that is whole; {} when there is none.

        Raises StateRefused for a set of a newer format, and when there are sets but none is whole.
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
                logger.error("Falling back to the snapshot before it, %s", manifest.name)
            self._loaded = True
            return payloads
        if torn:
            raise StateRefused(
                f"The state in {self._folder} cannot be read ({'; '.join(torn)}). {REMEDY}"
            )
        if any(self._services.iterdir()):
            raise StateRefused(
                f"{self._services} holds the state of a lake, but the manifest that names its "
                f"files is gone. {REMEDY}"
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
                    f"{project_version()}, which reads formats up to {FORMAT}: use that version "
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
        """Write the manifest of a lake that holds nothing yet.

        With it, a first start that is cut short is not mistaken for a lake whose manifest is gone.
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
        """Names of what the newest set holds."""
        return frozenset(self._written)

    def save(self, sources: Sources, gone: Collection[str] = ()) -> bool:
        """Write what changed since the last set, without what is gone; False when nothing did.

        Raises RuntimeError before a successful `load`, and durable_files.NotWritten.
        """
        if not self._loaded:
            raise RuntimeError("the state on disk was not read: writing would drop it")
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
            # The first set is its own predecessor: nobody is to fall back to an empty cloud.
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

        Its stores are live: a thread that adds a key while they are walked makes the walk fail.
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
    """Saves in a thread of its own, half a second after the first of a burst of changes.

    `heavy` services hold much and change without being asked (a stream's records, log lines): they
    are written when they were touched by name, and else at most every HEAVY_SECONDS.
    `in_progress` says that a deployment is half done: nothing is saved until it has ended, so that
    a kill leaves the state from before it and the next deployment starts from a known place.
    `gone` names what is to be left out of the next set; `on_failure` is told of a save that failed.
    """

    HEAVY_SECONDS = 10.0

    def __init__(
        self,
        snapshots: Snapshots,
        sources: Callable[[], Sources],
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
        self._touched: set[str] = set()
        self._changed = threading.Event()
        self._saving = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lake-snapshots", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def changed(self, service: str = "") -> None:
        """Something, or something in one named service, may have changed: save soon."""
        if service:
            self._touched.add(service)
        self._changed.set()

    @property
    def saved(self) -> bool:
        """Whether everything that was reported as changed is in a snapshot."""
        return not self._changed.is_set() and not self._saving

    def stop(self) -> None:
        """Save what is unsaved, and nothing after it: a shutdown must not record its own ruins."""
        self._heavy_due = 0.0
        self._stopped.set()
        self._changed.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._changed.wait()
            stopping = self._stopped.wait(DEBOUNCE_SECONDS)
            if self._in_progress():
                continue
            self._saving = True
            self._changed.clear()
            try:
                self._snapshots.save(self._due(), self._gone())
            except durable_files.NotWritten as failed:
                logger.error("The state is not saved; the next change tries again: %s", failed)
                self._on_failure()
            except Exception:
                logger.exception("A snapshot failed; the next change tries again")
                self._on_failure()
            self._saving = False

    def _due(self) -> Sources:
        touched, self._touched = self._touched, set()
        now = time.monotonic()
        if now >= self._heavy_due or "cloudformation" in touched:
            self._heavy_due = now + self.HEAVY_SECONDS
            return self._sources()
        skipped = self._heavy - touched
        return {name: read for name, read in self._sources().items() if name not in skipped}
