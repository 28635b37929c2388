"""A query that takes too much fails by itself: athena/worker.py and athena/processes.py."""

import os
import time

import duckdb
import pytest
from launching import Launcher

from embedded.launcher.athena.errors import QueryFailed
from embedded.launcher.athena.processes import Process
from queries import failure, finished, rows, submit


@pytest.fixture(scope="module", autouse=True)
def bucket(launcher: Launcher) -> None:
    s3 = launcher.client("s3")
    if "athena-results" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket="athena-results")


@pytest.mark.parametrize(
    "sql",
    [
        # A text of 3 GB, which DuckDB does not count against its memory_limit.
        "with a as (select lpad('', 1000000, 'x') t), b as (select "
        + "||".join(["t"] * 10)
        + " t from a), c as (select "
        + "||".join(["t"] * 10)
        + " t from b), d as (select "
        + "||".join(["t"] * 30)
        + " t from c) select length(t) from d",
        # A list that it counts.
        "select cardinality(array_agg(a.n)) from unnest(sequence(1, 100000)) a(n)"
        " cross join unnest(sequence(1, 10000)) b(n)",
        # An answer of 10^10 rows.
        "select a.n, b.n from unnest(sequence(1, 100000)) a(n)"
        " cross join unnest(sequence(1, 100000)) b(n)",
    ],
)
def test_a_query_that_takes_too_much_memory_fails_and_the_cloud_goes_on(launcher, sql):
    pid = launcher.process.pid

    ended = finished(launcher, submit(launcher, sql), 240)

    assert ended["Status"]["State"] == "FAILED"
    assert ended["Status"]["StateChangeReason"].startswith("EXCEEDED_LOCAL_MEMORY_LIMIT: ")
    assert rows(launcher, "select 1") == [["1"]]
    assert launcher.process.poll() is None
    with open(f"/proc/{pid}/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 1024 * 1024


def test_a_query_that_takes_too_long_is_ended():
    process = Process()
    started = time.monotonic()

    with pytest.raises(QueryFailed, match="EXCEEDED_TIME_LIMIT: .* 3 s of the embedded Athena"):
        process.answer(job("select count(*) from range(100000) a, range(100000000) b"), seconds=3)

    assert time.monotonic() - started < 10
    assert not process.is_alive()


def test_a_query_that_cannot_be_interrupted_is_killed():
    process = Process()
    process.interrupt()

    with pytest.raises(duckdb.InterruptException):
        process.answer(job("select 1"))


def test_a_queries_process_is_given_nothing_of_the_clouds_environment(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    process = Process()

    with open(f"/proc/{process._process.pid}/environ") as environment:
        assert "AWS" not in environment.read()
    process.end()


def test_what_a_query_spills_lies_in_its_own_folder_and_is_bounded(tmp_path):
    process = Process()

    answer = process.answer(
        job(
            "select current_setting('temp_directory'), current_setting('memory_limit'),"
            " current_setting('max_temp_directory_size')",
            tmp_path,
        )
    )

    assert answer["rows"] == [[str(tmp_path), "953.6 MiB", "3.7 GiB"]]


def test_a_process_without_a_query_ends_with_the_cloud():
    process = Process()

    process._process.stdin.close()

    assert process._process.wait(30) == 0
    process._process.stdout.close()


def test_a_query_of_bad_sql_still_says_what_is_wrong(launcher):
    assert failure(launcher, "select no_such_column").startswith("COLUMN_NOT_FOUND")


def job(sql: str, spill: object = os.devnull) -> dict:
    return {"views": [], "paths": [], "sql": sql, "temp_directory": str(spill)}
