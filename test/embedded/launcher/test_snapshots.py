"""embedded/launcher/snapshots.py, patches/snapshots.py: what a kill or a torn file leaves."""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from launching import ROOT, Launcher, Machine, function, machine, role, statement, until

from embedded.launcher.snapshots import FORMAT, Snapshots, StateRefused

REPORTER = """
exports.handler = async (event) => {
  require('fs').appendFileSync(process.env.INTO, JSON.stringify(event.detail) + '\\n');
};
"""


@dataclass(frozen=True)
class Killed:
    """A launcher that was killed, and started again, and what it had before."""

    launcher: Launcher
    done: Machine
    done_execution: str
    done_history: list[dict]
    waiting: Machine
    waiting_execution: str
    reported: Path


@pytest.fixture(scope="module")
def killed(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    launcher = Launcher(tmp_path_factory.mktemp("killed")).start()
    arn = function(launcher, "kept", "exports.handler = async () => 7;", role(launcher, "kept-fn"))
    caller = role(launcher, "kept-sfn", statement(["lambda:InvokeFunction"], [arn]))
    done = machine(
        launcher,
        "done",
        {"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": arn, "End": True}}},
        caller,
    )
    waiting = machine(
        launcher,
        "waiting",
        {
            "StartAt": "Wait",
            "States": {"Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}},
        },
        caller,
    )
    launcher.client("s3").create_bucket(Bucket="kept-bucket")
    launcher.client("s3").put_object(Bucket="kept-bucket", Key="a/b", Body=b"c")
    reported = launcher.home / "reported.ndjson"
    reporter = function(
        launcher,
        "reporter",
        REPORTER,
        role(launcher, "reporter-fn"),
        Environment={"Variables": {"INTO": str(reported)}},
    )
    launcher.client("events").put_rule(
        Name="failed",
        EventPattern=json.dumps({"source": ["aws.states"], "detail": {"status": ["FAILED"]}}),
    )
    launcher.client("events").put_targets(
        Rule="failed", Targets=[{"Id": "reporter", "Arn": reporter}]
    )
    launcher.client("lambda").add_permission(
        FunctionName="reporter",
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    done_execution = done.start({"n": 1})
    done.ended(done_execution)
    # Long enough to be running at the kill, short enough to be waited for when redriven.
    waiting_execution = waiting.start({"seconds": 2})
    until(lambda: "WaitStateEntered" in waiting.kinds(waiting_execution))
    history = done.history(done_execution)
    launcher.saved()
    launcher.kill()
    launcher.start()
    yield Killed(launcher, done, done_execution, history, waiting, waiting_execution, reported)
    launcher.stop()


def test_a_kill_loses_no_execution_and_no_history(killed):
    assert killed.done.describe(killed.done_execution)["output"] == "7"
    assert killed.done.history(killed.done_execution) == killed.done_history


def test_a_kill_loses_no_object(killed):
    found = killed.launcher.client("s3").get_object(Bucket="kept-bucket", Key="a/b")

    assert found["Body"].read() == b"c"


def test_new_executions_run_after_a_kill(killed):
    assert killed.done.ended(killed.done.start())["status"] == "SUCCEEDED"


def test_an_execution_that_ran_at_a_kill_has_failed_and_can_be_redriven(killed):
    waiting, execution = killed.waiting, killed.waiting_execution

    found = waiting.describe(execution)
    waiting.client.redrive_execution(executionArn=execution)
    ended = waiting.ended(execution)

    assert (found["status"], found["error"]) == ("FAILED", "EmbeddedCloud.Stopped")
    assert f"redrive {execution.rsplit(':', 1)[-1]}" in found["cause"]
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1)
    assert waiting.kinds(execution) == [
        "ExecutionStarted",
        "WaitStateEntered",
        "ExecutionFailed",
        "ExecutionRedriven",
        "WaitStateEntered",
        "WaitStateExited",
        "ExecutionSucceeded",
    ]


def test_what_ran_at_a_kill_is_reported_as_failed_when_the_gateway_is_back(killed):
    until(lambda: killed.reported.exists() and killed.reported.read_text())

    detail = json.loads(killed.reported.read_text().splitlines()[0])
    assert (detail["executionArn"], detail["status"], detail["error"]) == (
        killed.waiting_execution,
        "FAILED",
        "EmbeddedCloud.Stopped",
    )


def test_a_clean_stop_saves_the_last_change_and_fails_what_runs(killed):
    execution = killed.waiting.start({"seconds": 60})
    until(lambda: "WaitStateEntered" in killed.waiting.kinds(execution))
    killed.launcher.client("ssm").put_parameter(Name="/late", Value="v", Type="String")

    killed.launcher.stop()
    killed.launcher.start()

    kept = killed.launcher.client("ssm").get_parameter(Name="/late")
    assert kept["Parameter"]["Value"] == "v"
    assert killed.waiting.describe(execution)["error"] == "EmbeddedCloud.Stopped"
    assert killed.waiting.kinds(execution)[-1] == "ExecutionFailed"


def test_a_torn_snapshot_falls_back_to_the_one_before_and_says_so(killed):
    launcher = killed.launcher
    for value in ("first", "second"):
        launcher.client("ssm").put_parameter(Name="/p", Value=value, Type="String", Overwrite=True)
        launcher.saved()
    launcher.kill()
    state = launcher.home / "cloud-state"
    named = json.loads((state / "manifest.json").read_text())["files"]["ssm"]
    torn = state / "services" / named
    torn.write_bytes(torn.read_bytes()[:-20])

    launcher.start()

    assert launcher.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "first"
    log = (launcher.home / "launcher.log").read_text()
    assert f"{named} was changed or cut short" in log
    assert "Using the previous snapshot instead" in log


# The files themselves


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder with two sets: {"n": 1} and then {"n": 2}."""
    snapshots = fresh(tmp_path)
    snapshots.load()
    snapshots.save({"a": lambda: {"n": 1}, "same": lambda: "kept"})
    snapshots.save({"a": lambda: {"n": 2}, "same": lambda: "kept"})
    return tmp_path


def fresh(folder: Path) -> Snapshots:
    return Snapshots(folder, decode=lambda found: found, encode=str)


def test_the_newest_set_is_read(folder):
    assert fresh(folder).load() == {"a": {"n": 2}, "same": "kept"}


def test_nothing_is_read_from_an_empty_folder(tmp_path):
    assert fresh(tmp_path).load() == {}


@pytest.mark.parametrize(
    "ruin",
    [
        lambda manifest: manifest.write_text('{"format": 1, "fi'),
        lambda manifest: manifest.write_text("[]"),
        lambda manifest: manifest.write_text("[" * 100_000),
        lambda manifest: manifest.write_text('{"format": "1", "files": {}}'),
        lambda manifest: manifest.write_bytes(b"\xff\x00"),
        lambda manifest: manifest.unlink(),
    ],
    ids=["cut short", "not a manifest", "nested", "of no format", "binary", "missing"],
)
def test_a_manifest_that_cannot_be_used_falls_back(folder, ruin, caplog):
    ruin(folder / "manifest.json")

    with caplog.at_level(logging.ERROR):
        found = fresh(folder).load()

    assert found == {"a": {"n": 1}, "same": "kept"}
    assert "Using the previous snapshot" in caplog.text


def test_a_missing_service_file_falls_back(folder):
    named = json.loads((folder / "manifest.json").read_text())["files"]["a"]
    (folder / "services" / named).unlink()

    assert fresh(folder).load()["a"] == {"n": 1}


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lose_services(folder: Path) -> None:
    shutil.rmtree(folder / "services")


def lose_manifests(folder: Path) -> None:
    for manifest in folder.glob("manifest*.json"):
        manifest.unlink()


def tear_manifests(folder: Path) -> None:
    for manifest in folder.glob("manifest*.json"):
        manifest.write_text("{")


def of_a_later_version(folder: Path) -> None:
    for manifest in folder.glob("manifest*.json"):
        listed = json.loads(manifest.read_text())
        manifest.write_text(
            json.dumps({**listed, "format": FORMAT + 1, "version": "7.8.9", "commit": "abc1234"})
        )


@pytest.mark.parametrize(
    ("ruin", "said"),
    [
        (lose_services, "manifest.previous.json: FileNotFoundError"),
        (lose_manifests, "the manifest that lists its files is missing"),
        (tear_manifests, "manifest.json: JSONDecodeError"),
        (
            of_a_later_version,
            rf"written by sentiment-lake 7.8.9 \(commit abc1234\) in format {FORMAT + 1}",
        ),
    ],
)
def test_a_state_that_cannot_be_read_is_refused_and_nothing_of_it_is_written(folder, ruin, said):
    ruin(folder)
    before = everything(folder)
    snapshots = fresh(folder)

    with pytest.raises(StateRefused, match=said) as refused:
        snapshots.load()

    assert "Nothing was changed" in str(refused.value)
    with pytest.raises(RuntimeError, match="was not loaded"):
        snapshots.save({"a": lambda: {}})
    assert everything(folder) == before


def test_only_the_newest_set_of_a_later_version_is_refused_as_well(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"format": FORMAT + 1, "version": "7.8.9", "files": {}}))

    with pytest.raises(StateRefused, match="7.8.9"):
        fresh(folder).load()


def test_a_set_of_format_1_is_read_and_written_anew_with_format_and_version(folder):
    manifest = folder / "manifest.json"
    listed = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({"format": 1, "files": listed["files"]}))
    snapshots = fresh(folder)

    found = snapshots.load()
    wrote = snapshots.save({"a": lambda: {"n": 2}})

    assert (found, wrote) == ({"a": {"n": 2}, "same": "kept"}, True)
    package = json.loads((ROOT / "package.json").read_text())
    rewritten = json.loads(manifest.read_text())
    assert rewritten == {**listed, "version": package["version"]}
    assert re.fullmatch(r"[0-9a-f]{7,}|", rewritten["commit"])


def test_a_lake_that_has_only_begun_is_empty_and_not_refused(tmp_path):
    begun = fresh(tmp_path)
    begun.load()
    begun.begin()

    assert fresh(tmp_path).load() == {}


def test_what_did_not_change_is_not_written_again_and_old_sets_are_dropped(folder):
    snapshots = fresh(folder)
    snapshots.load()

    wrote_same = snapshots.save({"a": lambda: {"n": 2}, "same": lambda: "kept"})
    wrote_new = snapshots.save({"a": lambda: {"n": 3}, "same": lambda: "kept"})

    assert (wrote_same, wrote_new) == (False, True)
    names = sorted(path.name.partition("-")[0] for path in (folder / "services").iterdir())
    assert names == ["a", "a", "same"]


def test_a_service_that_is_not_asked_keeps_its_file(folder):
    snapshots = fresh(folder)
    snapshots.load()

    snapshots.save({"a": lambda: {"n": 3}})

    assert fresh(folder).load() == {"a": {"n": 3}, "same": "kept"}


def test_a_store_that_changes_while_it_is_read_is_read_again(folder):
    answers = iter([RuntimeError("dictionary changed size during iteration"), {"n": 4}])

    def read() -> dict:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    snapshots = fresh(folder)
    snapshots.load()
    snapshots.save({"a": read})

    assert fresh(folder).load()["a"] == {"n": 4}
