"""embedded/launcher/growing.py, state_parts.py: a snapshot writes what has changed."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from launching import ACCOUNT, REGION, Launcher
from ministack.core import persistence
from ministack.services import athena, cloudwatch_logs, glue, kinesis

from embedded.launcher import durable_files, state_parts
from embedded.launcher.growing import GrowingLists
from embedded.launcher.snapshots import Saver, Snapshots
from queries import finished, page, submit

KEY = (ACCOUNT, REGION, "one")


def opened(folder: Path) -> tuple[Snapshots, dict[str, Any]]:
    snapshots = Snapshots(folder, persistence._json_object_hook, persistence._json_default)
    return snapshots, snapshots.load()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Name and bytes of each file that is written."""
    found: list[tuple[str, int]] = []
    replace = durable_files.replace
    monkeypatch.setattr(
        durable_files,
        "replace",
        lambda path, content: (found.append((path.name, len(content))), replace(path, content))[1],
    )
    return found


# Lists that grow


class Log:
    """A list, saved after each change, and read from disk as after a kill."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.lists = GrowingLists("log", 10)
        self.snapshots, _ = opened(folder)
        self.items: list[dict[str, int]] = []

    def add(self, *numbers: int) -> None:
        self.items = [*self.items, *({"n": number} for number in numbers)]

    def save(self, **rules: Any) -> set[str]:
        """The names that were written."""
        before = self.snapshots.written
        due = self.lists.due({KEY: self.items}, before, **rules)
        self.snapshots.save(due, self.lists.gone(before))
        return set(due)

    def on_disk(self) -> list[int]:
        found = GrowingLists("log", 10).restore(opened(self.folder)[1])
        return [item["n"] for item in found.get(KEY, [])]


def test_a_full_part_is_written_once_and_the_list_is_read_as_it_was(tmp_path):
    log = Log(tmp_path)
    parts_written = 0
    for number in range(35):
        log.add(number)
        parts_written += len(log.save()) - 1
        assert log.on_disk() == list(range(number + 1))

    assert parts_written == 3


def test_items_dropped_from_the_front_go_and_their_part_with_the_last_of_them(tmp_path):
    log = Log(tmp_path)
    log.add(*range(35))
    log.save()

    for dropped in range(36):
        assert len(log.save()) == 1
        assert log.on_disk() == list(range(dropped, 35))
        log.items = log.items[1:]
    assert len(log.snapshots.written) == 1
    log.add(*range(100, 112))
    log.save()
    assert log.on_disk() == list(range(100, 112))


def test_a_list_goes_on_after_a_restart(tmp_path):
    log = Log(tmp_path)
    log.add(*range(25))
    log.save()

    again = Log(tmp_path)
    again.items = again.lists.restore(opened(tmp_path)[1])[KEY][3:]
    again.add(*range(25, 45))
    due = again.save()

    assert len(due) == 3, "two new parts and the list's head"
    assert again.on_disk() == list(range(3, 45))


def test_a_list_that_changed_otherwise_is_stored_anew(tmp_path):
    log = Log(tmp_path)
    log.add(*range(30))
    log.save()

    log.items.insert(15, {"n": 99})
    log.save()
    assert log.on_disk() == [*range(15), 99, *range(15, 30)]
    log.items = [{"n": 7}]
    log.save()
    assert log.on_disk() == [7]


def test_an_item_that_may_change_yet_is_in_no_part(tmp_path):
    log = Log(tmp_path)
    log.add(*range(20))

    assert len(log.save(final=lambda item: item["n"] != 12)) == 2
    log.items[12]["n"] = -12
    assert len(log.save()) == 2
    assert log.on_disk() == [*range(12), -12, *range(13, 20)]


def test_a_kill_at_any_moment_of_a_save_leaves_the_old_list_or_the_new_one(tmp_path, monkeypatch):
    log = Log(tmp_path / "state")
    log.add(*range(34))
    log.save()
    log.items = log.items[12:]
    log.add(*range(34, 57))
    killed: list[Path] = []

    def kill() -> None:
        killed.append(tmp_path / f"killed-{len(killed)}")
        shutil.copytree(log.folder, killed[-1])

    replace, unlink = durable_files.replace, Path.unlink

    def replace_and_be_killed(path: Path, content: bytes) -> None:
        path.with_suffix(".part").write_bytes(content[: len(content) // 2])
        kill()
        unlink(path.with_suffix(".part"))
        replace(path, content)
        kill()

    def unlink_and_be_killed(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path.suffix == ".json":
            kill()

    with monkeypatch.context() as patched:
        patched.setattr(durable_files, "replace", replace_and_be_killed)
        patched.setattr(Path, "unlink", unlink_and_be_killed)
        log.save()

    found = []
    for folder in killed:
        log.folder = folder
        found.append(log.on_disk())
    new = found.index(list(range(12, 57)))
    assert found == [list(range(34))] * new + [list(range(12, 57))] * (len(killed) - new)
    assert 0 < new < len(killed)


# Kinesis, Athena and Glue


@pytest.fixture
def services() -> Iterator[None]:
    """The stores of these services, empty before and after."""
    stores = [
        kinesis._streams,
        athena._executions,
        glue._partitions,
        cloudwatch_logs._log_groups,
    ]
    kept = [dict(store._data) for store in stores]
    for store in stores:
        store._data.clear()
    yield
    for store, before in zip(stores, kept, strict=True):
        store._data.clear()
        store._data.update(before)


def fill(size: int) -> None:
    """A stream of `size` records, as many queries and partitions of as many days."""
    records = [{"SequenceNumber": str(n), "Data": "x" * 200} for n in range(size)]
    kinesis._streams._data[ACCOUNT, REGION, "tweets"] = {
        "shards": {"shard-0": {"records": records}}
    }
    for number in range(size):
        query(f"q{number}", "SUCCEEDED")
    glue._partitions._data[ACCOUNT, REGION, "lake/tweets"] = [
        partition(f"{2000 + n // 300}-{n // 25 % 12 + 1:02d}-{n % 25 + 1:02d}") for n in range(size)
    ]


def query(name: str, state: str, at: float | None = None) -> None:
    status = {"State": state, "SubmissionDateTime": time.time() if at is None else at}
    athena._executions._data[ACCOUNT, REGION, name] = {
        "QueryExecutionId": name,
        "Query": "select 1" + " " * 200,
        "Status": status,
    }


def partition(day: str) -> dict[str, Any]:
    return {"Values": [day], "Parameters": {"rows": "1"}, "Columns": ["c" * 50] * 10}


SERVICES = {"kinesis": kinesis, "athena": athena, "glue": glue}


def save(snapshots: Snapshots, parts: state_parts.StateParts) -> None:
    sources = {name: module.get_state for name, module in SERVICES.items()}
    parts.divide(sources, snapshots.written)
    snapshots.save(sources, parts.gone(snapshots.written))


def change() -> None:
    """One more record, one more query, one partition that points elsewhere."""
    shard = kinesis._streams._data[ACCOUNT, REGION, "tweets"]["shards"]["shard-0"]
    shard["records"].append({"SequenceNumber": "new", "Data": ""})
    query("new", "RUNNING")
    glue._partitions._data[ACCOUNT, REGION, "lake/tweets"][3] = partition("2000-01-04-new")


def bytes_of_a_change(folder: Path, size: int, written: list[tuple[str, int]]) -> tuple[int, int]:
    fill(size)
    snapshots, _ = opened(folder)
    parts = state_parts.StateParts()
    save(snapshots, parts)
    written.clear()
    change()
    save(snapshots, parts)
    lists = sum(length for name, length in written if name.startswith("manifest"))
    return sum(length for _, length in written) - lists, lists


def test_a_snapshot_writes_what_changed_whatever_is_there(tmp_path, services, written):
    small, _ = bytes_of_a_change(tmp_path / "small", 600, written)
    athena._executions._data.clear()

    large, lists = bytes_of_a_change(tmp_path / "large", 9_600, written)

    # Sixteen times as much is there. Only the two lists of files grow with it.
    whole = sum(file.stat().st_size for file in (tmp_path / "large" / "services").iterdir())
    assert large < 1.2 * small
    assert lists < 0.03 * whole


def test_the_services_are_put_together_as_they_were(tmp_path, services):
    fill(1_234)
    snapshots, _ = opened(tmp_path)
    parts = state_parts.StateParts()
    save(snapshots, parts)
    change()
    save(snapshots, parts)
    expected = {name: module.get_state() for name, module in SERVICES.items()}

    _, payloads = opened(tmp_path)
    state_parts.StateParts().put_together(payloads)

    assert payloads.keys() == expected.keys()
    by_day = sorted(
        payloads["glue"]["partitions"]._data[ACCOUNT, REGION, "lake/tweets"],
        key=lambda one: one["Values"],
    )
    found = expected["glue"]["partitions"]._data[ACCOUNT, REGION, "lake/tweets"]
    assert by_day == sorted(found, key=lambda one: one["Values"])
    for name, store in (("kinesis", "streams"), ("athena", "_executions")):
        assert payloads[name][store]._data == expected[name][store]._data


def test_services_that_were_saved_undivided_are_read_as_they_are(tmp_path, services):
    fill(700)
    expected = {name: module.get_state() for name, module in SERVICES.items()}
    snapshots, _ = opened(tmp_path)
    snapshots.save({name: (lambda state=state: state) for name, state in expected.items()})

    _, payloads = opened(tmp_path)
    state_parts.StateParts().put_together(payloads)

    for name, store in (("kinesis", "streams"), ("athena", "_executions"), ("glue", "partitions")):
        assert payloads[name][store]._data == expected[name][store]._data


def test_partitions_of_a_deleted_table_are_not_on_disk_any_more(tmp_path, services):
    fill(100)
    snapshots, _ = opened(tmp_path)
    parts = state_parts.StateParts()
    save(snapshots, parts)
    glue._partitions._data.clear()
    save(snapshots, parts)

    assert not [name for name in snapshots.written if name.startswith("glue-")]
    assert not [f for f in (tmp_path / "services").iterdir() if "partitions" in f.name][4:]


def test_queries_leave_the_state_after_45_days_unless_they_run(services):
    now = time.time()
    query("old", "SUCCEEDED", now - 46 * 86_400)
    query("stuck", "RUNNING", now - 46 * 86_400)
    query("new", "FAILED", now - 44 * 86_400)

    state_parts.drop_old_queries(now)

    assert {key[2] for key in athena._executions._data} == {"stuck", "new"}


def test_log_events_leave_the_state_after_their_groups_retention(services):
    now = time.time()
    ages = (31, 30.1, 29.9, 1)
    for name, days in (("kept", None), ("month", 30)):
        events = [{"timestamp": int((now - age * 86_400) * 1000), "message": "m"} for age in ages]
        cloudwatch_logs._log_groups._data[ACCOUNT, REGION, name] = {
            "retentionInDays": days,
            "streams": {"s": {"events": events}},
        }

    state_parts.drop_old_events(now)

    left = {
        name: len(group["streams"]["s"]["events"])
        for (_, _, name), group in cloudwatch_logs._log_groups._data.items()
    }
    assert left == {"kept": 4, "month": 2}


# When a service is saved


class Changing:
    """A saver over counted sources."""

    def __init__(self, folder: Path):
        self.values = dict.fromkeys(("heavy", "heavier", "light"), 0)
        self.saves: list[set[str]] = []
        self.deploying = False
        self.failing = False
        self.saver = Saver(
            opened(folder)[0],
            self.sources,
            heavy=frozenset({"heavy", "heavier"}),
            in_progress=lambda: self.deploying,
        )
        self.saver.start()

    def sources(self, skipped: Any) -> Any:
        self.saves.append(set(self.values) - set(skipped))
        if self.failing:
            raise OSError("no space left")
        return {name: (lambda value=value: value) for name, value in self.values.items()}

    def after(self, service: str = "") -> set[str]:
        """What is saved after a change."""
        count = len(self.saves)
        self.saver.changed(service)
        deadline = time.monotonic() + 10
        while not (self.saver.saved and len(self.saves) > count):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self.saves[-1]


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Changing]:
    found = Changing(tmp_path)
    yield found
    found.saver.stop()


EVERYTHING = {"heavy", "heavier", "light"}


def test_a_service_is_saved_when_it_may_have_changed(changing, monkeypatch):
    assert changing.after() == EVERYTHING, "the first save"
    assert changing.after() == {"light"}
    assert changing.after("heavy") == {"heavy", "light"}
    assert changing.after("cloudformation") == EVERYTHING
    assert changing.after("light") == {"light"}
    # What changes without a request is saved with the first change after a while.
    monkeypatch.setattr(Saver, "HEAVY_SECONDS", 0.0)
    monkeypatch.setattr(changing.saver, "_heavy_due", 0.0)
    assert changing.after() == EVERYTHING


def test_everything_is_saved_after_a_deployment_a_failure_and_at_the_end(changing):
    changing.after()

    changing.deploying = True
    changing.saver.changed()
    time.sleep(1.2)
    assert len(changing.saves) == 1
    changing.deploying = False
    assert changing.after() == EVERYTHING
    changing.failing = True
    assert changing.after("heavy") == {"heavy", "light"}
    changing.failing = False
    assert changing.after() == EVERYTHING
    changing.saver.stop()
    assert changing.saves[-1] == EVERYTHING


def test_a_kill_loses_no_record_query_or_partition(own_launcher: Launcher):
    """Through the API: more of each than a part holds."""
    stream = own_launcher.client("kinesis")
    stream.create_stream(StreamName="tweets", ShardCount=1)
    own_launcher.client("s3").create_bucket(Bucket="athena-results")
    catalog = own_launcher.client("glue")
    catalog.create_database(DatabaseInput={"Name": "lake"})
    storage = {"Location": "s3://athena-results/t/", "Columns": [{"Name": "v", "Type": "int"}]}
    catalog.create_table(
        DatabaseName="lake",
        TableInput={
            "Name": "t",
            "PartitionKeys": [{"Name": "dt", "Type": "string"}],
            "StorageDescriptor": storage,
        },
    )
    days = [f"2026-{month:02d}-{day:02d}" for month in (10, 11) for day in range(1, 31)]
    for some in (days[:40], days[40:]):
        inputs = [{"Values": [day], "StorageDescriptor": storage} for day in some]
        catalog.batch_create_partition(
            DatabaseName="lake", TableName="t", PartitionInputList=inputs
        )
    for start in range(0, 1_200, 400):
        records = [
            {"Data": str(n).encode(), "PartitionKey": "p"} for n in range(start, start + 400)
        ]
        assert stream.put_records(StreamName="tweets", Records=records)["FailedRecordCount"] == 0
        own_launcher.saved()
    query_id = submit(own_launcher, "select 1 as n")
    finished(own_launcher, query_id)
    catalog.delete_partition(DatabaseName="lake", TableName="t", PartitionValues=[days[0]])
    own_launcher.saved()

    own_launcher.kill()
    own_launcher.start()

    shard = stream.get_shard_iterator(
        StreamName="tweets", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    found = stream.get_records(ShardIterator=shard["ShardIterator"], Limit=10_000)["Records"]
    assert [record["Data"] for record in found] == [str(n).encode() for n in range(1_200)]
    partitions = catalog.get_partitions(DatabaseName="lake", TableName="t")["Partitions"]
    assert [one["Values"][0] for one in partitions] == days[1:]
    assert page(own_launcher, query_id) == [["n"], ["1"]]
    named = {path.name.rpartition("-")[0] for path in own_launcher.home.rglob("services/*.json")}
    assert len([name for name in named if name.startswith("kinesis-records")]) == 3
