"""Translates the catalog's Hive types to DuckDB types."""

import re
from collections.abc import Mapping
from typing import Any

from embedded.launcher.athena.errors import QueryFailed

_SIMPLE = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "binary": "BLOB",
}

_TOKEN = re.compile(r"\s*([A-Za-z_][\w.$ -]*?(?=\s*[<>(),:]|\s*$)|[0-9]+|[<>(),:])")


def duckdb_type(declared: str) -> str:
    """`array<struct<a:int,b:string>>` -> `STRUCT("a" INTEGER, "b" VARCHAR)[]`.

    Raises QueryFailed for a type that Hive does not have.
    """
    tokens = _TOKEN.findall(declared)
    found, rest = _type(tokens, declared)
    if rest:
        raise _unknown(declared)
    return found


def column_type(column: Mapping[str, Any]) -> str:
    """The DuckDB type of a Glue column or partition key, {"Name", "Type"}."""
    return duckdb_type(column.get("Type") or "string")


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _type(tokens: list[str], declared: str) -> tuple[str, list[str]]:
    if not tokens:
        raise _unknown(declared)
    name, rest = tokens[0].strip().lower(), tokens[1:]
    if name in _SIMPLE:
        return _SIMPLE[name], rest
    if name in ("varchar", "char"):
        return "VARCHAR", rest[3:] if rest[:1] == ["("] else rest
    if name == "decimal":
        if rest[:1] != ["("]:
            return "DECIMAL(10,0)", rest
        end = rest.index(")") if ")" in rest else len(rest)
        return "DECIMAL" + "".join(rest[: end + 1]), rest[end + 1 :]
    if name == "array":
        (item,), rest = _arguments(rest, declared, 1)
        return f"{item}[]", rest
    if name == "map":
        (key, value), rest = _arguments(rest, declared, 2)
        return f"MAP({key}, {value})", rest
    if name == "struct":
        return _struct(rest, declared)
    raise _unknown(declared)


def _arguments(tokens: list[str], declared: str, count: int) -> tuple[list[str], list[str]]:
    """The types between `<` and `>`."""
    found, opening = [], "<"
    for _ in range(count):
        if tokens[:1] != [opening]:
            raise _unknown(declared)
        item, tokens = _type(tokens[1:], declared)
        found.append(item)
        opening = ","
    if tokens[:1] != [">"]:
        raise _unknown(declared)
    return found, tokens[1:]


def _struct(tokens: list[str], declared: str) -> tuple[str, list[str]]:
    fields, opening = [], "<"
    while tokens[:1] == [opening] and tokens[2:3] == [":"]:
        name = tokens[1].strip()
        item, tokens = _type(tokens[3:], declared)
        fields.append(f"{identifier(name)} {item}")
        opening = ","
    if not fields or tokens[:1] != [">"]:
        raise _unknown(declared)
    return f"STRUCT({', '.join(fields)})", tokens[1:]


def _unknown(declared: str) -> QueryFailed:
    return QueryFailed(f"HIVE_INVALID_METADATA: the catalog declares an unknown type: {declared}")
