"""Running one SELECT: the tables it names become views over files, then DuckDB runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from local.launcher.athena import access, results, tables, translate
from local.launcher.athena.errors import QueryFailed
from local.launcher.athena.hive_types import identifier

_MACROS = (Path(__file__).parent / "macros.sql").read_text()

# What DuckDB's errors are called in Athena.
_CATEGORIES = {
    "Binder Error": "COLUMN_NOT_FOUND",
    "Catalog Error": "FUNCTION_NOT_FOUND",
    "Conversion Error": "INVALID_CAST_ARGUMENT",
    "Parser Error": "SYNTAX_ERROR",
    "Out of Range Error": "NUMERIC_VALUE_OUT_OF_RANGE",
}


@dataclass(frozen=True)
class Answer:
    """What a query returned, printed as Athena prints it, and how many bytes it had to read."""

    columns: list[results.Column]
    rows: list[list[str | None]]
    scanned_bytes: int


def run(
    query: translate.Query,
    database: str,
    caller: str,
    started: Callable[[duckdb.DuckDBPyConnection], None],
) -> Answer:
    """Run a SELECT as its caller (an access key). `started` is given what can be interrupted.

    Raises QueryFailed, AccessDenied and NotSupported among them.
    """
    found = [
        tables.find(name.database, name.name, query.equalities()) for name in query.tables(database)
    ]
    for table in found:
        access.may_see(caller, table)
        access.may_read(caller, table)
    with duckdb.connect(":memory:") as connection:
        started(connection)
        try:
            return _run(connection, query, database, found)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as failure:
            raise QueryFailed(_reason(failure)) from failure


def _run(
    connection: duckdb.DuckDBPyConnection,
    query: translate.Query,
    database: str,
    found: list[tables.Table],
) -> Answer:
    connection.execute("SET TimeZone = 'UTC'; SET integer_division = true; SET threads = 2")
    connection.execute(_MACROS)
    scanned = 0
    column_types: dict[str, str] = {}
    paths: list[str] = []
    for table in found:
        columns = (table.definition.get("StorageDescriptor") or {}).get("Columns") or []
        for column in [*columns, *(table.definition.get("PartitionKeys") or [])]:
            column_types[column["Name"].lower()] = column.get("Type", "string")
        relation = tables.relation(connection, table)
        scanned += relation.bytes
        paths += relation.paths
        schema = identifier(table.database)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(f"CREATE VIEW {schema}.{identifier(table.name)} AS {relation.sql}")
    sql = translate.to_duckdb(query, database, column_types)
    # A query sees the tables' files and nothing else of this machine.
    connection.execute("SET allowed_paths = ?", [paths])
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    result = connection.execute(sql)
    kinds = [description[1] for description in result.description]
    columns = [results.column(d[0], d[1]) for d in result.description]
    rows = [
        [results.text(value, kind) for value, kind in zip(row, kinds, strict=True)]
        for row in result.fetchall()
    ]
    return Answer(columns, rows, scanned)


def _reason(failure: duckdb.Error) -> str:
    message = str(failure).strip()
    if "Division by zero" in message:
        return "DIVISION_BY_ZERO: Division by zero"
    kind, _, rest = message.partition(":")
    category = _CATEGORIES.get(kind)
    if kind == "Binder Error" and "not found" not in message:
        category = "SYNTAX_ERROR"
    return f"{category}:{rest}" if category else f"GENERIC_USER_ERROR: {message}"
