"""What Athena refuses and takes, against test/cases/athena-statements.tsv: a line a case.

In one process with the worker's own code, without the cloud around it.
"""

from pathlib import Path

import duckdb
import pytest

from embedded.launcher.athena import translate, worker
from embedded.launcher.athena.errors import MalformedQuery, QueryFailed

TABLE = Path(__file__).resolve().parents[2] / "cases" / "athena-statements.tsv"
CASES = [
    tuple(line.split("\t", 1))
    for line in TABLE.read_text("utf-8").splitlines()
    if not line.startswith("#")
]
COLUMNS = {
    "dt": "string",
    "created_at": "timestamp",
    "tweet_id": "string",
    "tokens": "array<string>",
    "lang": "string",
    "likes": "bigint",
}
VIEWS = [
    "CREATE SCHEMA lake",
    "CREATE VIEW lake.tweets AS SELECT '2026-11-24' AS dt, TIMESTAMP '2026-11-24 10:00:00'"
    " AS created_at, '7' AS tweet_id, ['tea'] AS tokens, 'en' AS lang, CAST(1 AS BIGINT) AS likes",
]


def run(statement: str) -> None:
    query = translate.parse(statement)
    assert query is not None
    sql = translate.to_duckdb(query, "lake", COLUMNS)
    worker.answer({"temp_directory": "/tmp", "views": VIEWS, "paths": [], "sql": sql})


@pytest.mark.parametrize("does, statement", CASES, ids=[statement for _, statement in CASES])
def test_as_athena(does, statement):
    if does == "takes":
        run(statement)
    else:
        with pytest.raises((MalformedQuery, QueryFailed, duckdb.Error)):
            run(statement)


@pytest.mark.parametrize(
    "statement, words",
    [
        ("select * from tweets where dt = date '2026-11-24'", "Cannot apply operator: varchar"),
        ("select ifnull(lang, 'x') from tweets", "Function 'ifnull' not registered"),
        ("select lang as l from tweets where l = 'en'", "Column 'l' cannot be resolved"),
    ],
)
def test_a_refusal_says_what_is_wrong(statement, words):
    with pytest.raises((MalformedQuery, QueryFailed), match=words):
        run(statement)
