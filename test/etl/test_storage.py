"""etl/storage.py: whoever names an object does not choose where it is staged."""

import json
from pathlib import Path

import pytest

from etl.storage import StagedStorage, split_uri

HOSTILE = [
    "../../../../../../../../{outside}/ESCAPED",
    "a/../../../../../{outside}/ESCAPED",
    "/{outside}/ESCAPED",
    "..",
    "./x",
    "dt=../../{outside}/ESCAPED.gz",
    "n" * 800,
    "deep/" * 100 + "x",
]


@pytest.fixture
def staged(tmp_path: Path) -> StagedStorage:
    folder = tmp_path / "staged"
    folder.mkdir()
    return StagedStorage(folder)


@pytest.mark.parametrize("name", HOSTILE)
def test_an_object_is_staged_inside_the_folder_whatever_its_key(lake, staged, tmp_path, name):
    key = "raw-data/tweets/dt=2026-01-31/" + name.format(outside=str(tmp_path).strip("/"))
    lake.put(key, "line")

    staged.readable(lake.uri("raw-data/tweets/dt=2026-01-31/"))

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert all(path.resolve().is_relative_to(staged.folder / "read") for path in written)
    assert not list(tmp_path.rglob("*ESCAPED*"))


def test_spark_reads_what_was_staged_with_its_partitions_and_its_compression(spark, lake, staged):
    lake.put("in/dt=2026-01-31/run=a_1/x.ndjson.gz", json.dumps({"n": 1}))
    lake.put("in/dt=2026-02-01/run=b-2/../../y.json", json.dumps({"n": 2}))
    lake.put("in/dt=2026-02-01/run=b-2/_SUCCESS", "not data")
    lake.put("in/dt=2026-02-01/run=b-2/.part.crc", "not data")

    rows = spark.read.json(staged.readable(lake.uri("in/")), schema="n int").collect()

    found = sorted((row["n"], str(row["dt"]), row["run"]) for row in rows)
    assert found == [(1, "2026-01-31", "a_1"), (2, "2026-02-01", "b-2")]


def test_two_objects_never_meet(lake, staged):
    lake.put("in/a/b.json", "one")
    lake.put("in/a_b.json", "two")

    staged.readable(lake.uri("in/"))

    texts = [path.read_text() for path in staged.folder.rglob("*") if path.is_file()]
    assert sorted(texts) == ["one\n", "two\n"]


def test_a_folder_that_somebody_made_in_the_console_is_no_data(lake, staged):
    lake.put("in/")

    assert staged.readable(lake.uri("in/")) is None


@pytest.mark.parametrize("uri", ["s3://bucket/../../x/", "s3://../", "s3://bucket/a/../../../x/"])
def test_a_prefix_that_leads_elsewhere_is_refused(staged, uri):
    split_uri(uri)

    with pytest.raises(ValueError, match="does not name a prefix below its bucket"):
        staged.writable(uri)
