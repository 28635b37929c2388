"""embedded/launcher/executions.py: a history is written part by part, and ends after 90 days."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from embedded.launcher.executions import PREFIX, ExecutionParts, drop_old, part_name
from embedded.launcher.snapshots import Snapshots

KEY = ("000000000000", "us-east-1", "arn:one")


def execution(events: int, status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    return {"status": status, "events": [{"id": n} for n in range(events)], **more}


def fresh(folder: Path) -> tuple[Snapshots, dict[str, Any]]:
    snapshots = Snapshots(folder, decode=lambda found: found, encode=str)
    return snapshots, snapshots.load()


def test_only_the_last_events_are_written_again(tmp_path):
    snapshots, _ = fresh(tmp_path)
    parts, kept = ExecutionParts(), {KEY: execution(120)}
    snapshots.save(parts.due(kept, snapshots.written))

    kept[KEY]["events"].append({"id": 120})
    again = parts.due(kept, snapshots.written)

    name = part_name(KEY)
    assert snapshots.written == {name, f"{name}-0", f"{name}-1"}
    assert set(again) == {name}
    assert len(again[name]()["events"]) == 21


def test_an_execution_is_put_together_as_it_was(tmp_path):
    snapshots, _ = fresh(tmp_path)
    parts, kept = ExecutionParts(), {KEY: execution(49, name="one")}
    for _ in range(60):
        snapshots.save(parts.due(kept, snapshots.written))
        kept[KEY]["events"].append({"id": len(kept[KEY]["events"])})
    kept[KEY]["status"] = "SUCCEEDED"
    snapshots.save({**parts.due(kept, snapshots.written), "other": lambda: 1})

    _, payloads = fresh(tmp_path)

    assert ExecutionParts().restore(payloads) == kept
    assert payloads == {"other": 1}


def test_one_that_ended_is_written_once_and_again_when_it_is_redriven(tmp_path):
    snapshots, _ = fresh(tmp_path)
    parts, kept = ExecutionParts(), {KEY: execution(3, "FAILED")}
    snapshots.save(parts.due(kept, snapshots.written))

    assert parts.due(kept, snapshots.written) == {}

    kept[KEY].update(status="RUNNING", redriveCount=1)
    assert set(parts.due(kept, snapshots.written)) == {part_name(KEY)}


def test_what_a_failed_save_was_to_write_is_due_again():
    parts, kept = ExecutionParts(), {KEY: execution(60, "SUCCEEDED")}
    first = set(parts.due(kept, set()))

    parts.forget_pending()

    assert set(parts.due(kept, {part_name(KEY)})) == first


def test_an_execution_ends_90_days_after_it_has_ended_and_its_files_go(tmp_path):
    now = datetime.now(UTC)
    stopped = {
        "old": (now - timedelta(days=91)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "new": (now - timedelta(days=89)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    kept = {
        (*KEY[:2], name): execution(60, "SUCCEEDED", stopDate=stopDate)
        for name, stopDate in stopped.items()
    }
    kept[(*KEY[:2], "runs")] = execution(60, stopDate=None)
    snapshots, _ = fresh(tmp_path)
    parts = ExecutionParts()
    snapshots.save(parts.due(kept, snapshots.written))

    dropped = drop_old(kept)
    for _ in range(2):
        due = parts.due(kept, snapshots.written)
        snapshots.save(due, parts.gone(snapshots.written))
        kept[(*KEY[:2], "runs")]["events"].append({})

    assert dropped == [(*KEY[:2], "old")]
    files = [path.name for path in (tmp_path / "services").iterdir()]
    assert not [name for name in files if name.startswith(part_name(dropped[0]))]
    # One of the execution that ended, two of the one that runs.
    assert len([name for name in snapshots.written if name.startswith(PREFIX)]) == 3


def test_an_execution_that_has_ended_is_one_file_until_it_is_redriven(tmp_path):
    snapshots, _ = fresh(tmp_path)
    parts, kept = ExecutionParts(), {KEY: execution(120)}
    name = part_name(KEY)

    def save() -> frozenset[str]:
        due = parts.due(kept, snapshots.written)
        snapshots.save(due, parts.gone(snapshots.written))
        assert ExecutionParts().restore(fresh(tmp_path)[1]) == kept
        return snapshots.written

    assert save() == {name, f"{name}-0", f"{name}-1"}
    kept[KEY].update(status="FAILED")
    assert save() == {name}
    kept[KEY].update(status="RUNNING", redriveCount=1)
    assert save() == {name, f"{name}-0", f"{name}-1"}
