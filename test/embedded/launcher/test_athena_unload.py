"""UNLOAD writes a query's rows as objects of JSON lines: athena/unload.py."""

import json

import botocore.exceptions
import pytest
from launching import Launcher

from queries import failure, finished, page, submit

BUCKET = "athena-unloaded"
JSON_LINES = "with (format = 'JSON', compression = 'NONE')"


@pytest.fixture(scope="module", autouse=True)
def buckets(launcher: Launcher) -> None:
    s3 = launcher.client("s3")
    for name in (BUCKET, "athena-results"):
        if name not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=name)


def unload(launcher: Launcher, select: str, prefix: str, **settings) -> dict:
    sql = f"unload (\n{select}\n) to 's3://{BUCKET}/{prefix}' {JSON_LINES}"
    ended = finished(launcher, submit(launcher, sql, **settings))
    assert ended["Status"]["State"] == "SUCCEEDED", ended["Status"]
    return ended


def objects(launcher: Launcher, prefix: str) -> dict[str, bytes]:
    s3 = launcher.client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {o["Key"]: s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read() for o in listed}


def test_rows_become_lines_of_json_and_the_manifest_names_their_objects(launcher):
    ended = unload(
        launcher,
        "-- Which one?\nselect id, text from (values ('1', 'tea'), ('2', 'a \"b\"\nc'),"
        " ('3', null)) as t(id, text) where id <> ? /* id */",
        "one/",
        ExecutionParameters=["'1'"],
    )

    found = objects(launcher, "one/")
    lines = [json.loads(line) for body in found.values() for line in body.splitlines()]
    assert sorted(lines, key=lambda line: line["id"]) == [
        {"id": "2", "text": 'a "b"\nc'},
        {"id": "3", "text": None},
    ]
    assert ended["StatementType"] == "DML"
    manifest = ended["Statistics"]["DataManifestLocation"]
    assert manifest == f"s3://athena-results/out/{ended['QueryExecutionId']}-manifest.csv"
    listed = launcher.client("s3").get_object(
        Bucket="athena-results", Key=f"out/{ended['QueryExecutionId']}-manifest.csv"
    )
    assert listed["Body"].read().decode().split() == [f"s3://{BUCKET}/{key}" for key in found]
    assert page(launcher, ended["QueryExecutionId"]) == []


def test_many_rows_become_several_objects(launcher):
    unload(
        launcher,
        "select cast(a.n * 1000 + b.n as varchar) as id, lpad('', 200, 'x') as text"
        " from unnest(sequence(1, 300)) a(n) cross join unnest(sequence(0, 999)) b(n)",
        "many/",
    )

    found = objects(launcher, "many/")
    assert len(found) > 2
    ids = {json.loads(line)["id"] for body in found.values() for line in body.splitlines()}
    assert len(ids) == 300_000


def test_no_rows_become_no_object(launcher):
    unload(launcher, "select 'a' as id where 1 = 2", "none/")

    assert objects(launcher, "none/") == {}


def test_a_location_that_holds_an_object_is_refused(launcher):
    launcher.client("s3").put_object(Bucket=BUCKET, Key="full/a", Body=b"a")

    assert failure(
        launcher, f"unload (select 'a' as id) to 's3://{BUCKET}/full/' {JSON_LINES}"
    ).startswith("HIVE_PATH_ALREADY_EXISTS: ")


@pytest.mark.parametrize(
    "statement, words",
    [
        ("unload select 1 to 's3://a/b/'", "UNLOAD must be"),
        (f"unload (select 1 as a) to 'b' {JSON_LINES}", "not a valid S3 path"),
        (f"unload (delete from a) to 's3://a/b/' {JSON_LINES}", "runs SELECT, UNLOAD"),
        ("unload (select 1 as a) to 's3://a/b/' with (shape = 'JSON')", "'shape' does not exist"),
        ("unload (select 1 as a) to 's3://a/b/' with (compression = 'NONE')", "needs .* format"),
    ],
)
def test_a_malformed_statement_is_refused(launcher, statement, words):
    with pytest.raises(botocore.exceptions.ClientError, match=words):
        submit(launcher, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "unload (select 1.5e0 as a) to 's3://athena-unloaded/types/'" + JSON_LINES,
        "unload (select timestamp '2026-11-24 10:00:00' as a) to 's3://athena-unloaded/types/'"
        + JSON_LINES,
    ],
)
def test_types_whose_json_was_not_compared_with_athena_are_refused(launcher, statement):
    assert "UNLOAD of" in failure(launcher, statement)
