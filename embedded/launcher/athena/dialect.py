"""Prepares a DuckDB connection for translated SQL: Trino's settings and functions."""

import functools
from pathlib import Path

import duckdb

from embedded.launcher.athena import native

_MACROS = (Path(__file__).parent / "macros.sql").read_text()


def speak_trino(connection: duckdb.DuckDBPyConnection) -> None:
    _set(connection)
    native.register(connection)
    connection.execute(_MACROS)


def of_this_process() -> duckdb.DuckDBPyConnection:
    """A new connection with temporary tables of its own; the functions are defined only once."""
    connection = _database().cursor()
    _set(connection)
    return connection


@functools.cache
def _database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    speak_trino(connection)
    return connection


def _set(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET TimeZone = 'UTC'; SET integer_division = true")
