"""UNLOAD (SELECT ...) TO 's3://bucket/prefix/' WITH (...): rows as objects of JSON lines.

Athena writes Parquet, ORC, Avro, text and JSON, compressed as asked, in as many objects as it has
writers. The embedded Athena writes uncompressed JSON lines, in objects of about 16 MB.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from embedded.launcher.athena import access
from embedded.launcher.athena.errors import MalformedQuery, NotSupported, QueryFailed
from embedded.launcher.athena.tables import Listing, Location

_STATEMENT = re.compile(
    r"\s*unload\s*\((?P<select>.*)\)\s*to\s*'(?P<to>[^']*)'\s*with\s*\((?P<properties>.*)\)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"\s*unload\b", re.IGNORECASE)
# From the page "UNLOAD" of the Athena User Guide.
_PROPERTIES = ("format", "partitioned_by", "compression", "compression_level", "field_delimiter")


@dataclass(frozen=True)
class Unload:
    """Where a query's rows go."""

    to: Location

    def check(self, caller: str, encryption: Mapping[str, str]) -> None:
        """Check that the caller may write there, and that it is empty. Raises QueryFailed."""
        access.may_unload(caller, self.to, encryption)
        if Listing().files(self.to):
            raise QueryFailed(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{self.uri}' already exists"
            )

    @property
    def uri(self) -> str:
        return f"s3://{self.to.bucket}/{self.to.prefix}"

    def objects(self, query_id: str, folder: Path) -> Iterator[tuple[str, Path]]:
        """The key of each file that the query wrote."""
        written = [file for file in sorted((folder / "rows").iterdir()) if file.stat().st_size > 0]
        for number, file in enumerate(written):
            yield f"{self.to.prefix}{query_id}_{number:05d}", file


def split(sql: str) -> tuple[str, Unload | None]:
    """The SELECT of a statement, and where its rows go if that is not the result's object.

    Raises MalformedQuery.
    """
    if _WORD.match(sql) is None:
        return sql, None
    found = _STATEMENT.fullmatch(sql)
    if found is None:
        raise MalformedQuery(
            "line 1:1: UNLOAD must be UNLOAD (SELECT ...) TO 's3://bucket/prefix/' "
            "WITH (property = value)"
        )
    if not re.match(r"s3://[^/]+/.", found["to"]):
        raise MalformedQuery(f"{found['to']} is not a valid S3 path: s3://bucket/prefix/")
    _check(_properties(found["properties"]))
    return found["select"], Unload(Location.of(found["to"]))


def _properties(text: str) -> dict[str, exp.Expression]:
    try:
        pairs = sqlglot.parse_one(f"SELECT f({text})", read="athena").find(exp.Anonymous)
    except SqlglotError as wrong:
        raise MalformedQuery(f"WITH ({text}): {wrong}") from wrong
    found = {}
    for pair in pairs.expressions if pairs else []:
        if not isinstance(pair, exp.EQ):
            raise MalformedQuery(f"WITH ({text}): expected property = value")
        found[pair.left.name.lower()] = pair.right
    return found


def _check(properties: dict[str, exp.Expression]) -> None:
    for name in properties:
        if name not in _PROPERTIES:
            raise MalformedQuery(f"Unload property '{name}' does not exist")
    if "format" not in properties:
        raise MalformedQuery("UNLOAD needs the property format")
    wanted = {"format": "json", "compression": "none"}
    given = {name: value.name.lower() for name, value in properties.items()}
    # Without a compression, Athena compresses JSON with gzip.
    if given != wanted:
        raise NotSupported("UNLOAD other than WITH (format = 'JSON', compression = 'NONE')")
