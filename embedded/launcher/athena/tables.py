"""A catalog table as a DuckDB relation: the declared columns of the files that Athena reads.

A partitioned table has exactly its registered partitions. Each is read from its own location, with
its key values from the catalog. Files are read in place.
"""

import os
import re
import stat
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from ministack.core.responses import get_account_id
from ministack.services import athena, glue, s3
from sqlglot import exp

from embedded.launcher.athena import pruning
from embedded.launcher.athena.errors import NotSupported, QueryFailed
from embedded.launcher.athena.hive_types import column_type, identifier, literal
from embedded.launcher.sorted_objects import keys_of

# Enough for 30 years of days. A larger projection should be of the type `injected`.
MOST_PROJECTED = 12_000

# A hidden column of each table: the row's file. `*` does not include it (Athena User Guide, page
# "SELECT"). From memory: the guide names no other hidden column of Trino.
PATH = "$path"
# The column of a reader that tells a row's file. No query sees it.
FILE = "$file"
# A partition key's value is looked up by a row's file, once for 2,048 rows or a small file. With a
# thousand files that took longer than reading them; partitions with many files have their own.
FILES_A_READER = 64


@dataclass(frozen=True)
class Location:
    """The location of a partition or of an unpartitioned table: s3://bucket/prefix."""

    bucket: str
    prefix: str

    @staticmethod
    def of(uri: str) -> "Location":
        """Parse an s3:// URI, with or without a slash at its end."""
        parts = urlsplit(uri)
        path = parts.path.lstrip("/")
        return Location(parts.netloc, path if not path or path.endswith("/") else path + "/")


@dataclass(frozen=True)
class Partition:
    """The key values of one partition, in the order of the table's keys, and its location."""

    values: tuple[str, ...]
    location: Location


@dataclass(frozen=True)
class File:
    """One object: its key, its size in bytes, and its path on disk."""

    key: str
    size: int
    path: str


Group = list[tuple[Partition, list[File]]]


@dataclass(frozen=True)
class Table:
    """A table of the Glue catalog, and the partitions that a query can read."""

    database: str
    name: str
    definition: Mapping[str, Any]
    partitions: tuple[Partition, ...]


@dataclass(frozen=True)
class Relation:
    """The table as a SELECT, the files that it reads, and their size in bytes."""

    sql: str
    paths: tuple[str, ...]
    bytes: int


def find(database: str, name: str, equalities: Mapping[str, frozenset[str]]) -> Table:
    """Read the table from the catalog.

    `equalities` are the constants that the query compares columns with, for injected partitions.
    Raises QueryFailed when the database or the table does not exist.
    """
    if database not in glue._databases:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema '{database}' does not exist")
    definition = glue._tables.get(f"{database}/{name}")
    if definition is None:
        raise QueryFailed(
            f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist"
        )
    location = (definition.get("StorageDescriptor") or {}).get("Location", "")
    keys = definition.get("PartitionKeys") or []
    if not keys:
        partitions: tuple[Partition, ...] = (Partition((), Location.of(location)),)
    elif (definition.get("Parameters") or {}).get("projection.enabled", "").lower() == "true":
        partitions = _projected(definition, equalities)
    else:
        partitions = tuple(
            Partition(tuple(p["Values"]), Location.of(_partition_location(p, location, keys)))
            for p in glue._partitions.get(f"{database}/{name}", [])
        )
    return Table(database, name, definition, partitions)


def pruned(table: Table, places: Sequence[exp.Table]) -> Table:
    """The table with the partitions that a query can need; `places` are where its tree names it."""
    keys = table.definition.get("PartitionKeys") or []
    if not keys:
        return table
    found = pruning.needed(places, keys, [partition.values for partition in table.partitions])
    return replace(table, partitions=tuple(table.partitions[position] for position in found))


def _partition_location(partition: Mapping[str, Any], table: str, keys: list[Any]) -> str:
    own = (partition.get("StorageDescriptor") or {}).get("Location")
    return own or _hive_path(table, keys, partition["Values"])


def _hive_path(table: str, keys: list[Mapping[str, Any]], values: tuple[str, ...]) -> str:
    folders = "/".join(f"{key['Name']}={value}" for key, value in zip(keys, values, strict=True))
    return f"{table.rstrip('/')}/{folders}/"


def _projected(
    definition: Mapping[str, Any], equalities: Mapping[str, frozenset[str]]
) -> tuple[Partition, ...]:
    """Partition projection: the possible partitions according to the table's properties."""
    parameters = definition["Parameters"]
    keys = definition["PartitionKeys"]
    table = definition["StorageDescriptor"]["Location"]
    template = parameters.get("storage.location.template")
    ranges = [_key_values(parameters, key["Name"], equalities) for key in keys]
    found = []
    for values in product(*ranges):
        if len(found) > MOST_PROJECTED:
            raise QueryFailed(f"Partition projection yields more than {MOST_PROJECTED} partitions")
        if template:
            uri = template
            for key, value in zip(keys, values, strict=True):
                uri = uri.replace("${" + key["Name"] + "}", value)
        else:
            uri = _hive_path(table, keys, values)
        found.append(Partition(values, Location.of(uri)))
    return tuple(found)


def _key_values(
    parameters: Mapping[str, str], key: str, equalities: Mapping[str, frozenset[str]]
) -> list[str]:
    kind = parameters.get(f"projection.{key}.type", "").lower()
    if kind == "enum":
        return [value.strip() for value in parameters[f"projection.{key}.values"].split(",")]
    if kind == "injected":
        if not equalities.get(key):
            raise QueryFailed(
                f"CONSTRAINT_VIOLATION: For the injected projected partition column {key}, the "
                "WHERE clause must contain only static equality conditions, and at least one such "
                "condition must be present."
            )
        return sorted(equalities[key])
    if kind == "integer":
        first, last = (int(v) for v in parameters[f"projection.{key}.range"].split(","))
        digits = int(parameters.get(f"projection.{key}.digits", "0"))
        step = int(parameters.get(f"projection.{key}.interval", "1"))
        return [str(n).zfill(digits) for n in range(first, last + 1, step)]
    if kind == "date":
        form = parameters.get(f"projection.{key}.format", "yyyy-MM-dd")
        if (
            form != "yyyy-MM-dd"
            or parameters.get(f"projection.{key}.interval.unit", "DAYS") != "DAYS"
        ):
            raise NotSupported(f"projection of {key} other than by days as yyyy-MM-dd")
        first, last = (_day(v.strip()) for v in parameters[f"projection.{key}.range"].split(","))
        return [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    raise QueryFailed(f"INVALID_TABLE_PROPERTY: projection.{key}.type is missing or unknown")


def _day(text: str) -> date:
    """`2026-01-31`, `NOW`, `NOW-3DAYS` or `NOW+1DAY`."""
    relative = re.fullmatch(r"NOW\s*(?:([+-])\s*(\d+)\s*DAYS?)?", text, re.IGNORECASE)
    if relative is None:
        return date.fromisoformat(text)
    days = int((relative[1] or "+") + (relative[2] or "0"))
    return datetime.now(UTC).date() + timedelta(days=days)


class Listing:
    """What one query has listed. A bucket's keys are sorted once, because a table has many
    partitions and a lake very many objects; a location is looked at once."""

    def __init__(self) -> None:
        self._keys: dict[str, list[str]] = {}
        self._files: dict[Location, list[File]] = {}
        # Real paths of folders of keys, None for one that leads out of its bucket.
        self._folders: dict[tuple[str, str], str | None] = {}

    def below(self, bucket: str, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(key, record) of the objects below a prefix, by key. Raises QueryFailed."""
        held = s3._buckets.get(bucket)
        if held is None:
            raise QueryFailed(f"HIVE_METASTORE_ERROR: no such bucket: {bucket}")
        objects = held["objects"]
        if bucket not in self._keys:
            self._keys[bucket] = keys_of(objects)
        keys = self._keys[bucket]
        for index in range(bisect_left(keys, prefix), len(keys)):
            key = keys[index]
            if not key.startswith(prefix):
                return
            record = objects.get(key)
            if record is not None:
                yield key, record

    def files(self, location: Location) -> list[File]:
        """The objects that Athena reads below a location: not empty, no hidden part in the name.

        ministack lists an object before its file is written. The put has not ended then, so a query
        must not see the object.
        """
        if location in self._files:
            return self._files[location]
        found = []
        for key, record in self.below(location.bucket, location.prefix):
            if key.endswith("/") or not record.get("size"):
                continue
            if any(part.startswith(("_", ".")) for part in key[len(location.prefix) :].split("/")):
                continue
            path = self._path(location.bucket, key)
            if path is not None:
                found.append(File(key, record["size"], path))
        self._files[location] = found
        return found

    def _path(self, bucket: str, key: str) -> str | None:
        """The object's file, None if there is none (yet).

        ministack resolves each folder of each key. Here a folder is resolved once, and ministack is
        asked about the others: names that no file can have, and links.
        """
        folder, _, name = key.rpartition("/")
        if (bucket, folder) not in self._folders:
            self._folders[bucket, folder] = _real_folder(bucket, folder)
        real = self._folders[bucket, folder]
        if real is not None and s3._plain_path_key(key):
            path = f"{real}/{name}"
            with suppress(OSError):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    return path
        path = s3._object_disk_path(bucket, key)
        return path if os.path.isfile(path) else None


def _real_folder(bucket: str, folder: str) -> str | None:
    root = os.path.realpath(os.path.join(s3.DATA_DIR, get_account_id(), bucket))
    path = os.path.join(root, folder) if folder else root
    return path if os.path.realpath(path) == path else None


def relation(table: Table, listing: Listing, with_path: bool = False) -> Relation:
    """The table as SQL over its files; `with_path` adds the column "$path" after the others."""
    columns = (table.definition.get("StorageDescriptor") or {}).get("Columns") or []
    keys = table.definition.get("PartitionKeys") or []
    selects, paths, size = [], [], 0
    for group in _groups(table, listing, with_path):
        files = [file for _, found in group for file in found]
        paths += [file.path for file in files]
        size += sum(file.size for file in files)
        # One partition alone has constants.
        value_of = _constant if len(group) == 1 else _by_file
        source, projected = _source(table, columns, files, with_file=len(group) > 1)
        values = [
            f"{value_of(key, place, group)} AS {identifier(key['Name'].lower())}"
            for place, key in enumerate(keys)
        ]
        uri = literal(f"s3://{group[0][0].location.bucket}/{files[0].key}")
        path = [f"{uri} AS {identifier(PATH)}"] if with_path else []
        selects.append(f"SELECT {', '.join(projected + values + path)} FROM {source}")
    if not selects:
        empty = ", ".join(
            f"CAST(NULL AS {column_type(c)}) AS {identifier(c['Name'].lower())}"
            for c in [*columns, *keys, *([{"Name": PATH, "Type": "string"}] if with_path else [])]
        )
        return Relation(f"SELECT {empty} WHERE false", (), 0)
    return Relation("\nUNION ALL\n".join(selects), tuple(paths), size)


def _groups(table: Table, listing: Listing, with_path: bool) -> Iterator[Group]:
    """Partitions with their files, as many as one reader may have.

    DuckDB keeps buffers for each reader of a union: with a reader for each of 365 days, a join took
    30 times as long, and more than a query's memory.
    """
    several = not with_path and athena._data_format(table.definition) in ("parquet", "json")
    group: Group = []
    held: set[str] = set()
    for partition in table.partitions:
        found = listing.files(partition.location)
        if with_path:
            # With "$path" each file has its own reader.
            yield from ([(partition, [file])] for file in found)
        elif found:
            paths = {file.path for file in found}
            # Two partitions may have the same location.
            fits = several and len(held) + len(paths) <= FILES_A_READER and not held & paths
            if group and not fits:
                yield group
                group, held = [], set()
            group.append((partition, found))
            held |= paths
    if group:
        yield group


def _typed(key: Mapping[str, Any], value: str) -> str:
    return f"CAST({literal(value)} AS {column_type(key)})"


def _constant(key: Mapping[str, Any], place: int, group: Group) -> str:
    [(partition, _)] = group
    return _typed(key, partition.values[place])


def _by_file(key: Mapping[str, Any], place: int, group: Group) -> str:
    """A partition key's value as an expression on a row's file."""
    values = ", ".join(
        f"{literal(file.path)}: {_typed(key, partition.values[place])}"
        for partition, found in group
        for file in found
    )
    return f"MAP {{{values}}}[{identifier(FILE)}]"


def _source(
    table: Table, columns: list[Mapping[str, Any]], found: list[File], with_file: bool = False
) -> tuple[str, list[str]]:
    """A reader of files with one format, and the declared columns as expressions on it.

    `with_file` adds the column `FILE` to the reader.
    """
    kind = athena._data_format(table.definition)
    if kind == "parquet":
        return _parquet(columns, found, with_file)
    if kind == "json":
        return _json(columns, found, with_file)
    if kind == "csv":
        # Upstream's CSV reader reads the declared columns, but must not see partitions.
        source = athena._table_relation(
            {**table.definition, "PartitionKeys": []}, [file.path for file in found]
        )
        return source, [identifier(column["Name"]) for column in columns]
    raise NotSupported(f"tables in the format {kind}")


def _paths(found: list[File]) -> str:
    return "[" + ", ".join(literal(file.path) for file in found) + "]"


def _with_file(with_file: bool) -> str:
    return f", filename = {literal(FILE)}" if with_file else ""


def _parquet(
    columns: list[Mapping[str, Any]], found: list[File], with_file: bool
) -> tuple[str, list[str]]:
    """Read Parquet by declared columns: no file is opened before the query reads it."""
    names = [column["Name"].lower() for column in columns]
    schema = ", ".join(
        f"{literal(name)}: {{name: {literal(name)}, type: {literal(column_type(column))}, "
        "default_value: NULL}"
        for name, column in zip(names, columns, strict=True)
    )
    source = (
        f"read_parquet({_paths(found)}, schema = MAP {{{schema}}}, hive_partitioning = false"
        f"{_with_file(with_file)})"
    )
    return source, [identifier(name) for name in names]


def _json(
    columns: list[Mapping[str, Any]], found: list[File], with_file: bool
) -> tuple[str, list[str]]:
    """Read JSON Lines. Timestamps are read as strings: DuckDB's JSON reader accepts one format."""
    declared, projected = [], []
    for column in columns:
        name, kind = column["Name"].lower(), column_type(column)
        read_as = "VARCHAR" if kind in ("TIMESTAMP", "DATE") else kind
        declared.append(f"{literal(name)}: {literal(read_as)}")
        # An offset must count (none means UTC), but DuckDB's cast to TIMESTAMP ignores it.
        value = identifier(name)
        if kind == "TIMESTAMP":
            value = f"CAST({value} AS TIMESTAMPTZ)"
        projected.append(f"CAST({value} AS {kind}) AS {identifier(name)}")
    sources = []
    for compression, some in (
        ("gzip", [file for file in found if file.key.endswith(".gz")]),
        ("none", [file for file in found if not file.key.endswith(".gz")]),
    ):
        if some:
            sources.append(
                f"SELECT * FROM read_json({_paths(some)}, format = 'newline_delimited', "
                f"compression = '{compression}', columns = {{{', '.join(declared)}}}, "
                f"hive_partitioning = false{_with_file(with_file)})"
            )
    return f"({' UNION ALL '.join(sources)})", projected
