"""Runs one query in its own process, so that excessive use ends the process and not the cloud.

DuckDB's `memory_limit` includes its tables and sorts, but not the strings of functions such as
`lpad`, which also cannot be interrupted. The process has its own limit, and can be killed.

A job is read as one line of JSON from stdin, and the answer is written as JSON to stdout.
"""

import json
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import duckdb

from embedded.launcher.athena import results
from embedded.launcher.athena.dialect import speak_trino

MEMORY_LIMIT = "1GB"
TEMP_LIMIT = "4GB"
THREADS = 2
# For DuckDB's gigabyte, Python, the libraries and the answer.
ADDRESS_SPACE_BYTES = 3 * 1024**3
# The answer stays in memory until it is in S3, where a string needs more bytes than its length.
MAX_RESULT_BYTES = 256 * 1024**2
BYTES_A_TEXT = 100
ROWS_A_FETCH = 1000
# Of an UNLOAD, which writes each row as its process has it.
UNLOADED_FILE = "16MB"
# Types whose JSON is the same in Athena and in DuckDB.
UNLOADED_TYPES = frozenset(("varchar", "boolean", "tinyint", "smallint", "integer", "bigint"))


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and rows of a job's query. Raises duckdb.Error and MemoryError."""
    with duckdb.connect(":memory:") as connection:
        speak_trino(connection)
        connection.execute(f"SET threads = {THREADS}; SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ?", [job["temp_directory"]])
        connection.execute(f"SET max_temp_directory_size = '{TEMP_LIMIT}'")
        for statement in job["views"]:
            connection.execute(statement)
        into = job.get("into")
        # A query can read only the tables' files, and write only below `into`.
        connection.execute("SET allowed_paths = ?", [job["paths"]])
        connection.execute("SET allowed_directories = ?", [[into] if into else []])
        connection.execute(f"SET preserve_insertion_order = {not into}")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        if into:
            _unload(connection, job["sql"], into)
            return {"columns": [], "rows": []}
        result = connection.execute(job["sql"])
        described = result.description
        if any(kind.id == "interval" for _, kind, *_ in described):
            # Python's timedelta has no months, so SQL prints intervals.
            result = connection.execute(_with_printed_intervals(job["sql"], described))
        kinds = [description[1] for description in result.description]
        columns = [results.column(d[0], d[1]) for d in described]
        rows: list[list[str | None]] = []
        size = 0
        while page := result.fetchmany(ROWS_A_FETCH):
            for row in page:
                texts = [results.text(value, kind) for value, kind in zip(row, kinds, strict=True)]
                size += sum(len(text or "") + BYTES_A_TEXT for text in texts)
                rows.append(texts)
            if size > MAX_RESULT_BYTES:
                raise MemoryError(f"the result is larger than {MAX_RESULT_BYTES // 1024**2} MB")
    return {"columns": [[c.name, c.type, c.precision, c.scale] for c in columns], "rows": rows}


def _unload(connection: duckdb.DuckDBPyConnection, sql: str, folder: str) -> None:
    """Write the rows as files of JSON lines."""
    for name, kind, *_ in connection.execute(f"DESCRIBE {sql}").fetchall():
        if kind.lower() not in UNLOADED_TYPES:
            raise duckdb.NotImplementedException(f"UNLOAD of {name}, a {kind}")
    connection.execute(
        f"COPY ({sql}) TO '{folder}/rows' (FORMAT json, FILE_SIZE_BYTES '{UNLOADED_FILE}')"
    )


def _with_printed_intervals(sql: str, described: list[tuple]) -> str:
    names = [f"c{place}" for place in range(len(described))]
    values = [
        f"athena_interval({name})" if kind.id == "interval" else name
        for name, (_, kind, *_) in zip(names, described, strict=True)
    ]
    return f"SELECT {', '.join(values)} FROM ({sql}) AS answer({', '.join(names)})"


def main() -> None:
    # Not every system lets a process limit itself; DuckDB's own limits apply everywhere.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    line = sys.stdin.readline()
    if not line:
        # The launcher has ended without sending a query.
        return
    try:
        reply = answer(json.loads(line))
    except MemoryError as failure:
        reply = {"memory": str(failure) or "out of memory"}
    except duckdb.OutOfMemoryException as failure:
        reply = {"memory": str(failure)}
    except duckdb.Error as failure:
        reply = {"error": str(failure)}
    json.dump(reply, sys.stdout)


if __name__ == "__main__":
    main()
