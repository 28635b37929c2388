"""Query results in Athena's formats: CSV in S3, and pages in the API."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb

from embedded.launcher.words import words

# Athena's names of DuckDB's types that have another one.
_TYPES = {
    **dict.fromkeys(("hugeint", "ubigint", "uinteger"), "bigint"),
    **dict.fromkeys(("timestamp_ns", "timestamp_ms", "timestamp_s"), "timestamp"),
    "blob": "varbinary",
    "interval": "interval day to second",
    "list": "array",
    "struct": "row",
}
_SAME = words(
    "boolean tinyint smallint integer bigint float double decimal varchar date time timestamp array"
    " map json"
) | {"timestamp with time zone"}

# Precision and scale, as in ResultSetMetadata.
_PRECISION = {
    "boolean": 0,
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "varchar": 2147483647,
    "timestamp": 3,
    "timestamp with time zone": 3,
    "date": 0,
}


@dataclass(frozen=True)
class Column:
    """A result's column: its name and its Athena type."""

    name: str
    type: str
    precision: int
    scale: int

    def info(self) -> dict[str, Any]:
        """ColumnInfo of ResultSetMetadata."""
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": self.type,
            "Precision": self.precision,
            "Scale": self.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": self.type == "varchar",
        }


def column(name: str, kind: duckdb.sqltypes.DuckDBPyType) -> Column:
    """The Athena column of a DuckDB column."""
    athena = kind.id if kind.id in _SAME else _TYPES.get(kind.id, "varchar")
    precision, scale = _PRECISION.get(athena, 0), 0
    if athena == "decimal":
        details = dict(kind.children)
        precision, scale = details["precision"], details["scale"]
    return Column(name.lower(), athena, precision, scale)


def text(value: Any, kind: duckdb.sqltypes.DuckDBPyType) -> str | None:
    """A value in Athena's text format; None for NULL."""
    if value is None:
        return None
    return _printed(value, kind)


def _printed(value: Any, kind: duckdb.sqltypes.DuckDBPyType) -> str:
    if value is None:
        return "null"
    if kind.id in ("list", "array"):
        item = dict(kind.children)["child"]
        return "[" + ", ".join(_printed(part, item) for part in value) + "]"
    if kind.id == "struct":
        fields = (f"{name}={_printed(value[name], item)}" for name, item in kind.children)
        return "{" + ", ".join(fields) + "}"
    if kind.id == "map":
        types = dict(kind.children)
        pairs = (
            f"{_printed(key, types['key'])}={_printed(item, types['value'])}"
            for key, item in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, datetime):
        stamp = value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
        return stamp if value.tzinfo is None else stamp + " UTC"
    if isinstance(value, (bytes, bytearray)):
        return " ".join(f"{byte:02x}" for byte in value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, time):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def java_double(value: float) -> str:
    """Format like Java's Double.toString: 1.0, 0.001, 1.0E7, 1.0E-4, NaN, Infinity."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = f"{Decimal(repr(value)):f}"
        return plain if "." in plain else plain + ".0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0") or "0"
    power = int(exponent) + len(digits) - 1
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


def to_csv(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> bytes:
    """A header and rows, each value in quotes, NULL as an empty field, lines ending in \\n."""
    lines = [",".join(_quoted(name) for name in names)]
    lines += [",".join("" if v is None else _quoted(v) for v in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def from_csv(content: bytes) -> list[list[str | None]]:
    """The rows of to_csv, header first; an empty field without quotes is NULL."""
    return list(_rows(content.decode()))


def _rows(content: str) -> Iterator[list[str | None]]:
    row: list[str | None] = []
    at, end = 0, len(content)
    while at < end:
        if content[at] == '"':
            value, at = _unquoted(content, at + 1)
            row.append(value)
        else:
            row.append(None)
        if at < end and content[at] == ",":
            at += 1
            if at < end and content[at] == "\n":
                row.append(None)
        if at < end and content[at] == "\n":
            yield row
            row, at = [], at + 1


def _unquoted(content: str, at: int) -> tuple[str, int]:
    """The value whose opening quote is before `at`, and the position of its end."""
    value = []
    while True:
        quote = content.index('"', at)
        value.append(content[at:quote])
        if content[quote + 1 : quote + 2] != '"':
            return "".join(value), quote + 1
        value.append('"')
        at = quote + 2
