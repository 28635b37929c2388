"""embedded/launcher/state_folder.py: lakes of other versions, and lakes whose state is gone."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from launcher_front import SECRETS_LINE
from launching import ROOT, Launcher, free_port

from embedded.launcher.snapshots import FORMAT, StateRefused
from embedded.launcher.state_folder import open_state


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest_of(found: int, **more: str) -> str:
    return json.dumps({"format": found, "files": {}, **more})


def test_a_new_lake_gets_its_folder_and_the_file_that_ends_older_versions(tmp_path):
    folder = open_state(tmp_path)

    assert (folder, list(folder.iterdir())) == (tmp_path / "cloud-state", [])
    assert "cloud-state" in (tmp_path / "state").read_text()
    # As they begin: nothing of the lake is touched before this.
    with pytest.raises(FileExistsError):
        (tmp_path / "state").mkdir(parents=True, exist_ok=True)


def test_a_state_of_format_1_is_moved_whole(tmp_path):
    write(tmp_path / "state" / "manifest.json", manifest_of(1))
    write(tmp_path / "state" / "lambda-blobs" / "a.zip", "code")
    write(tmp_path / "s3" / "lake" / "object", "data")
    before = everything(tmp_path / "state")

    folder = open_state(tmp_path)

    assert everything(folder) == before
    assert (tmp_path / "state").is_file()
    assert open_state(tmp_path) == folder


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"state/manifest.json": manifest_of(2, version="9.9.9")}, "of format 2"),
        ({"state/manifest.json": manifest_of(FORMAT + 1, version="9.9.9")}, "sentiment-lake 9.9.9"),
        ({"state/manifest.json": "{", "state/manifest.previous.json": ""}, "cannot be read"),
        ({"state/services/iam-0123456789abcdef.json": "{}"}, "manifest .* is missing"),
        ({"state/lambda-blobs/a.zip": "", "s3/lake/labels/a": "x"}, "lake/labels/a, for one"),
        ({"s3/lake/labels/a": "x"}, "lake/labels/a, for one"),
        ({"cloud-state/lambda-blobs/a": "", "s3/lake/labels/a": "x"}, "lake/labels/a, for one"),
        (
            {"cloud-state/manifest.json": manifest_of(2), "state/manifest.json": manifest_of(1)},
            "holds two states",
        ),
    ],
)
def test_a_state_that_is_not_this_versions_is_refused_and_stays_as_it_is(tmp_path, files, said):
    for name, content in files.items():
        write(tmp_path / name, content)
    before = everything(tmp_path)

    with pytest.raises(StateRefused, match=said):
        open_state(tmp_path)

    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "left",
    [
        ["s3/cdk-hnb659fds-assets-000000000000-us-east-1/template.json"],
        ["state/lambda-blobs/a.zip", "s3/cdk-hnb659fds-assets-000000000000-us-east-1/a.json"],
        [],
    ],
)
def test_a_first_start_that_was_cut_short_begins_again(tmp_path, left):
    for name in left:
        write(tmp_path / name, "")
    (tmp_path / "state" / "services").mkdir(parents=True, exist_ok=True)

    assert open_state(tmp_path).is_dir()
    assert (tmp_path / "state").is_file()


def refused_start(home: Path) -> tuple[int, str]:
    """How a launcher ends at once on this home, and what it says."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--gateway", address, "--home", str(home)]
    ended = subprocess.run(
        [sys.executable, "-m", "embedded.launcher", *options],
        cwd=ROOT,
        input=SECRETS_LINE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr


def change_manifests(home: Path, **more: object) -> None:
    for manifest in (home / "cloud-state").glob("manifest*.json"):
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **more}))


def test_a_launcher_ends_at_a_later_versions_state_and_leaves_every_byte(slow, tmp_path):
    launcher = Launcher(tmp_path).start()
    launcher.client("ssm").put_parameter(Name="/kept", Value="v", Type="String")
    launcher.saved()
    launcher.stop()
    change_manifests(tmp_path, format=FORMAT + 1, version="9.9.9", commit="")
    before = everything(tmp_path)

    code, said = refused_start(tmp_path)

    assert code == 2
    assert said.startswith("launcher: The state in ")
    assert f"written by sentiment-lake 9.9.9 in format {FORMAT + 1}" in said
    assert everything(tmp_path) == before
    change_manifests(tmp_path, format=FORMAT)
    launcher.start()
    found = launcher.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"]
    launcher.stop()
    assert found == "v"


def test_a_launcher_ends_at_a_services_state_that_it_cannot_take(slow, tmp_path):
    launcher = Launcher(tmp_path).start()
    launcher.client("ssm").put_parameter(Name="/kept", Value="v", Type="String")
    launcher.saved()
    launcher.stop()
    state = tmp_path / "cloud-state"
    listed = json.loads((state / "manifest.json").read_text())
    foreign = b"[1, 2]"
    name = f"ssm-{hashlib.sha256(foreign).hexdigest()[:16]}.json"
    (state / "services" / name).write_bytes(foreign)
    change_manifests(tmp_path, files={**listed["files"], "ssm": name})
    before = everything(state)

    code, said = refused_start(tmp_path)

    assert (code, "launcher: The state of ssm cannot be read" in said) == (2, True)
    assert everything(state) == before
