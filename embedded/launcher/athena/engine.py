"""Runs one SELECT: its tables become views over files, then DuckDB runs it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from embedded.launcher.athena import access, processes, results, tables, translate
from embedded.launcher.athena.errors import QueryFailed
from embedded.launcher.athena.hive_types import identifier


@dataclass(frozen=True)
class Answer:
    """A query's result in Athena's text format, and the number of bytes it scanned."""

    columns: list[results.Column]
    rows: list[list[str | None]]
    scanned_bytes: int
    # The URIs of the objects that an UNLOAD wrote.
    manifest: tuple[str, ...] = ()


def run(
    query: translate.Query,
    database: str,
    caller: str,
    started: Callable[[processes.Process], None],
    into: Path | None = None,
) -> Answer:
    """Run a SELECT as its caller (an access key). `started` receives the process, to interrupt it.

    With `into`, an empty folder, its rows become files of JSON lines there; the answer has none.
    Raises QueryFailed (also AccessDenied and NotSupported) and duckdb.InterruptException.
    """
    listing = tables.Listing()
    found: list[tables.Table] = []
    for name, places in query.tables(database).items():
        table = tables.find(name.database, name.name, query.equalities())
        access.may_see(caller, table)
        found.append(tables.pruned(table, places))
        access.may_read(caller, found[-1], listing)
    process = processes.pool.take()
    try:
        started(process)
        scanned = 0
        column_types: dict[str, str] = {}
        paths: list[str] = []
        views: list[str] = []
        for table in found:
            columns = (table.definition.get("StorageDescriptor") or {}).get("Columns") or []
            for column in [*columns, *(table.definition.get("PartitionKeys") or [])]:
                name, kind = column["Name"].lower(), column.get("Type", "string")
                # The type of a name is unknown if columns with this name have different types.
                column_types[name] = kind if column_types.get(name, kind) == kind else ""
            if query.wants_path:
                column_types[tables.PATH] = "string"
            relation = tables.relation(table, listing, query.wants_path)
            scanned += relation.bytes
            paths += relation.paths
            schema = identifier(table.database)
            views.append(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            views.append(f"CREATE VIEW {schema}.{identifier(table.name)} AS {relation.sql}")
        sql = translate.to_duckdb(query, database, column_types)
        # For spilled tables; the lake's temporary folder is emptied at each start.
        with tempfile.TemporaryDirectory(prefix="athena-", ignore_cleanup_errors=True) as spill:
            answer = process.answer(
                {
                    "views": views,
                    "paths": paths,
                    "sql": sql,
                    "temp_directory": spill,
                    "into": str(into) if into else None,
                }
            )
    except duckdb.InterruptException:
        raise
    except duckdb.Error as failure:
        raise QueryFailed(processes.reason(str(failure))) from failure
    finally:
        process.end()
    columns = [results.Column(*described) for described in answer["columns"]]
    return Answer(columns, answer["rows"], scanned)
