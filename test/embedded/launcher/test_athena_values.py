"""The values that Trino documents, against test/cases/athena-values.tsv: a line a case.

In one process with the worker's own code, without the cloud around it: some hundred queries.
"""

from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from embedded.launcher.athena import translate, worker
from embedded.launcher.athena.errors import QueryFailed

TABLE = Path(__file__).resolve().parents[2] / "cases" / "athena-values.tsv"
CASES = [
    tuple(line.rsplit("\t", 1))
    for line in TABLE.read_text("utf-8").splitlines()
    if not line.startswith("#")
]


CHUNK = 40


def answered(*expressions: str) -> list[str | None]:
    """The values of one row."""
    query = translate.parse(f"select {', '.join(expressions)}")
    assert query is not None
    sql = translate.to_duckdb(query, "lake", {})
    job = {"temp_directory": "/tmp", "views": [], "paths": [], "sql": sql}
    return worker.answer(job)["rows"][0]


@pytest.fixture(scope="module")
def answers() -> dict[str, str | None]:
    """Forty to a query, for time; what stands with one that fails is asked alone by its test."""
    expressions = [expression for expression, value in CASES if value != "ERROR"]
    found: dict[str, str | None] = {}
    for start in range(0, len(expressions), CHUNK):
        chunk = expressions[start : start + CHUNK]
        with suppress(duckdb.Error, QueryFailed):
            found |= zip(chunk, answered(*chunk), strict=True)
    return found


@pytest.mark.parametrize("expression, documented", CASES, ids=[case[0] for case in CASES])
def test_as_documented(answers, expression, documented):
    if documented == "ERROR":
        with pytest.raises((duckdb.Error, QueryFailed)):
            answered(expression)
        return
    value = answers[expression] if expression in answers else answered(expression)[0]
    assert value == (None if documented == "NULL" else documented)


def test_an_interval_of_a_column_prints_with_its_months():
    query = "(select max(i) from (values interval '14' month, interval '2' month) as t(i))"

    assert answered(query) == ["1-2"]
