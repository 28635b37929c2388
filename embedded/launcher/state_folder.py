"""The folder of a lake's state, and the migration of an older lake's state to it.

    <home>/cloud-state/   the state since format 2 (embedded/launcher/snapshots.py)
    <home>/state          a file that says so

Up to format 1 the state was in <home>/state/. Such a version starts empty if it does not know the
manifest, and erases the files that it names. It first creates the folder `state`, so a file with
that name stops it before it changes anything.
"""

from collections.abc import Iterator
from pathlib import Path

from embedded.launcher import durable_files
from embedded.launcher.snapshots import FORMAT, REMEDY, Snapshots, StateRefused, project_version

_MARK = """\
The state of this lake is in the folder cloud-state beside this file. sentiment-lake {version}
wrote it in format {format}. This file stops older versions, so that they cannot erase the state.
Use a version that reads format {format}, or another folder (LAKE_HOME). See docs/upgrading.md.
"""


def open_state(home: Path) -> Path:
    """The folder of the lake's state, created for a new lake. State of format 1 is moved there.

    Raises StateRefused for a folder of format 1 that this version cannot read, and for a lake with
    objects but without state.
    """
    folder, old = home / "cloud-state", home / "state"
    if folder.is_dir():
        _drop_if_empty(old)
        if old.is_dir():
            raise StateRefused(
                f"{home} holds two states: {folder} of this version, and {old} of an older one. "
                f"Move the one away that you do not need. {REMEDY}"
            )
        if not any(folder.glob("manifest*.json")):
            _refuse_orphans(home, folder)
    elif old.is_dir() and any(old.rglob("*")):
        _check_format_1(old)
        old.rename(folder)
    else:
        _drop_if_empty(old)
        _refuse_orphans(home, folder)
        folder.mkdir(parents=True)
    if not old.exists():
        text = _MARK.format(version=project_version(), format=FORMAT)
        durable_files.replace(old, text.encode())
    return folder


def _check_format_1(old: Path) -> None:
    """Read the complete state before it is moved, so that refused state stays where it is."""
    services = old / "services"
    if not any(old.glob("manifest*.json")) and not any(services.glob("*")):
        # An interrupted first start of an older version, which saves nothing during its deployment.
        _refuse_orphans(old.parent, old)
        return
    snapshots = Snapshots(old, decode=lambda found: found, encode=str)
    snapshots.load()
    if snapshots.format != 1:
        raise StateRefused(
            f"{old} holds a state of format {snapshots.format}, where only versions up to format 1 "
            f"keep one. Use the version that wrote it. {REMEDY}"
        )


def _refuse_orphans(home: Path, folder: Path) -> None:
    orphan = next(_objects(home / "s3"), None)
    if orphan is not None:
        raise StateRefused(
            f"{home / 's3'} holds objects ({orphan.relative_to(home / 's3')}, for one), but the "
            f"state that belongs to them is not in {folder}. {REMEDY}"
        )


def _objects(folder: Path) -> Iterator[Path]:
    """Files of the buckets, without the CDK's, which an interrupted deployment leaves behind."""
    return (
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith("cdk-") for part in path.relative_to(folder).parts[:3])
    )


def _drop_if_empty(folder: Path) -> None:
    """Remove empty folders, which a failed start leaves behind."""
    if not folder.is_dir() or any(path.is_file() for path in folder.rglob("*")):
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir()
    folder.rmdir()
