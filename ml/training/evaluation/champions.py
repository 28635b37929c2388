"""The models that the candidate is compared with, or why that is impossible."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm import archive
from lstm.archive import Archive


@dataclass(frozen=True)
class Champion:
    """At most one of the two is set; none if there is no such model."""

    archive: Archive | None = None
    problem: str | None = None


def find_champion(folder: Path, request: dict[str, Any], name: str = "champion") -> Champion:
    """The archive in the channel of this name, `champion` or `best`, which the request names.

    A damaged, missing or wrong archive does not fail the training. It is a problem, which the gate
    gives as its reason not to promote.
    """
    try:
        found = archive.find_archive(folder, name)
    except (ValueError, OSError) as error:
        # The folders of a container help nobody.
        return Champion(problem=str(error).replace(f"{folder}/", ""))
    expected = request.get(name)
    if expected is None:
        return Champion(archive=found)
    version = expected.get("version") if isinstance(expected, dict) else expected
    if found is None:
        return Champion(problem=f"there is no archive of {version}")
    if found.version != version:
        return Champion(problem=f"the archive of {version} holds {found.version}")
    return Champion(archive=found)
