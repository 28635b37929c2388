"""The locks of the Python packages: complete, by hash, of one mind, and what is installed here."""

import re
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
# The Pythons that the set-up takes (cli/setup/versions.mjs), Glue's and the image's among them.
PYTHONS = ["3.11.7", "3.12.9", "3.13.5"]
HERE = ["embedded/requirements.txt", "etl/requirements.txt", "ml/training/requirements.txt"]
LOCKS = {
    "cli/setup/installers.txt": ["cli/setup/installers.in"],
    "embedded/requirements.txt": ["embedded/requirements.in"],
    "etl/requirements.txt": ["etl/requirements.in", "etl/job.in"],
    "etl/job.txt": ["etl/job.in"],
    "ml/training/requirements.txt": ["ml/training/requirements.in"],
    "ml/training/torch.txt": ["ml/training/torch.in"],
    "test/requirements.txt": ["test/requirements.in"],
    "tools/locks/tools.txt": ["tools/locks/tools.in"],
}
TORCH_CPU = "ml/training/torch-cpu.txt"


@dataclass(frozen=True)
class Entry:
    """One pin of a lock."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        """As pip compares names."""
        return canonicalize_name(self.requirement.name)

    @property
    def pin(self) -> str:
        """`==1.2.3`."""
        return str(self.requirement.specifier)

    def applies(self, python: str, platform: str, machine: str) -> bool:
        """Whether pip would install it there."""
        marker = self.requirement.marker
        environment = {
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "sys_platform": platform,
            "platform_machine": machine,
            "platform_system": {"linux": "Linux", "darwin": "Darwin"}[platform],
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        return marker is None or marker.evaluate(environment)


def wishes(path: str) -> list[Requirement]:
    """The lines of an .in file."""
    lines = (ROOT / path).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def entries(path: str) -> list[Entry]:
    """A lock's entries. ValueError for a line that is neither a pin, a hash nor a comment."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / path).read_text(), flags=re.MULTILINE)
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        pin, *hashes = line.split(" --hash=")
        if any(not re.fullmatch(r"sha256:[0-9a-f]{64}\s*", text) for text in hashes):
            raise ValueError(f"{path}: {line}")
        found.append(Entry(Requirement(pin.strip()), tuple(text.strip() for text in hashes)))
    return found


@pytest.mark.parametrize("path", [*LOCKS, TORCH_CPU])
def test_each_entry_is_an_exact_pin_with_hashes_and_no_address(path: str) -> None:
    locked = entries(path)

    assert locked
    for entry in locked:
        assert re.fullmatch(r"==[\w.!+]+", entry.pin), entry
        assert entry.requirement.url is None and not entry.requirement.extras
        assert entry.hashes and len(set(entry.hashes)) == len(entry.hashes), entry
    assert "://" not in (ROOT / path).read_text()


@pytest.mark.parametrize("path", LOCKS)
def test_a_lock_holds_what_is_wanted_in_the_version_that_is_wanted(path: str) -> None:
    locked = {(entry.name, entry.pin) for entry in entries(path)}
    wanted = {
        (canonicalize_name(wish.name), str(wish.specifier))
        for file in LOCKS[path]
        for wish in wishes(file)
    }

    assert wanted and wanted <= locked


def test_no_requirements_are_left_unlocked() -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for folder in ("cli", "embedded", "etl", "functions", "infra", "ml", "test", "tools")
        for path in (ROOT / folder).rglob("*.in")
        if "node_modules" not in path.parts
    }

    assert wanted == {file for files in LOCKS.values() for file in files}


@pytest.mark.parametrize("machine", ["linux x86_64", "linux aarch64", "darwin arm64"])
@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_installed_side_by_side_has_one_version(python: str, machine: str) -> None:
    together = [path for path in LOCKS if path != "tools/locks/tools.txt"]
    versions: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for path in together:
        for entry in entries(path):
            if entry.applies(python, *machine.split()):
                versions.setdefault(entry.name, set()).add((entry.pin, entry.hashes))

    # pip would take only the files that both locks name.
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_torch_without_cuda_is_the_same_release() -> None:
    (wish,) = wishes("ml/training/torch.in")
    (entry,) = entries(TORCH_CPU)

    assert entry.pin == f"{wish.specifier}+cpu"


@pytest.mark.parametrize("python", PYTHONS)
def test_torch_on_a_mac_brings_no_cuda(python: str) -> None:
    wanted = [e for e in entries("ml/training/torch.txt") if e.applies(python, "darwin", "arm64")]

    assert [entry.name for entry in wanted] == ["torch"]


def test_what_is_installed_here_is_what_the_locks_say_and_nothing_else() -> None:
    files = [*HERE, "cli/setup/installers.txt", "test/requirements.txt", TORCH_CPU]
    locked: dict[str, set[str]] = {}
    for path in [*files, "ml/training/torch.txt"]:
        for entry in entries(path):
            marker = entry.requirement.marker
            if marker is None or marker.evaluate():
                locked.setdefault(entry.name, set()).add(entry.pin)

    other = {
        f"{found.name}=={found.version}"
        for found in distributions()
        if f"=={found.version}" not in locked.get(canonicalize_name(found.name), set())
    }

    assert other == set()
