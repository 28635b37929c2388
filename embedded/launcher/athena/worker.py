"""One query in a process of its own: what it takes too much of ends this process, not the cloud.

DuckDB counts its tables and sorts against `memory_limit`, but not the texts that functions such as
`lpad` make, and it does not let itself be interrupted while it makes one. The process has a limit
of its own, and can be killed.

A job comes as one line of JSON on stdin, the answer goes as JSON to stdout.
"""

import json
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from embedded.launcher.athena import native, results

_MACROS = (Path(__file__).parent / "macros.sql").read_text()

MEMORY_LIMIT = "1GB"
TEMP_LIMIT = "4GB"
THREADS = 2
# DuckDB's gigabyte, Python, the libraries and the answer.
ADDRESS_SPACE_BYTES = 3 * 1024**3
# The answer is kept in memory on its way to S3, and a text takes more there than its letters.
MAX_RESULT_BYTES = 256 * 1024**2
BYTES_A_TEXT = 100
ROWS_A_FETCH = 1000


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and rows of a job's query. Raises duckdb.Error and MemoryError."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'; SET integer_division = true")
        connection.execute(f"SET threads = {THREADS}; SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ?", [job["temp_directory"]])
        connection.execute(f"SET max_temp_directory_size = '{TEMP_LIMIT}'")
        native.register(connection)
        connection.execute(_MACROS)
        for statement in job["views"]:
            connection.execute(statement)
        # A query sees the tables' files and nothing else of this machine.
        connection.execute("SET allowed_paths = ?", [job["paths"]])
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        result = connection.execute(job["sql"])
        described = result.description
        if any(kind.id == "interval" for _, kind, *_ in described):
            # Python has no months: an interval is printed by SQL.
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


def _with_printed_intervals(sql: str, described: list[tuple]) -> str:
    names = [f"c{place}" for place in range(len(described))]
    values = [
        f"athena_interval({name})" if kind.id == "interval" else name
        for name, (_, kind, *_) in zip(names, described, strict=True)
    ]
    return f"SELECT {', '.join(values)} FROM ({sql}) AS answer({', '.join(names)})"


def main() -> None:
    # Not every system lets a process limit itself; DuckDB's own limits hold everywhere.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    line = sys.stdin.readline()
    if not line:
        # The launcher has ended without a query for this process.
        return
    try:
        given = answer(json.loads(line))
    except MemoryError as failure:
        given = {"memory": str(failure) or "out of memory"}
    except duckdb.OutOfMemoryException as failure:
        given = {"memory": str(failure)}
    except duckdb.Error as failure:
        given = {"error": str(failure)}
    json.dump(given, sys.stdout)


if __name__ == "__main__":
    main()
