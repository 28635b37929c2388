"""Finds the partitions that a query can need, from its conditions on partition keys.

A condition counts in the SELECT that names the table: in its WHERE, and in the ON of its joins.
Partitions that it excludes are not listed, read or charged. A condition outside that SELECT (on a
name of WITH, or on a subquery) does not count here; Trino would push it down.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError

from embedded.launcher.athena.dialect import of_this_process
from embedded.launcher.athena.errors import QueryFailed
from embedded.launcher.athena.hive_types import column_type, identifier
from embedded.launcher.athena.numbers import Kinds
from embedded.launcher.athena.rewrites import rewrite

# Conditions are evaluated in this process, so they may hold only what always gives the same answer
# and needs little more memory than its text.
_ALLOWED = (
    *(exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Between, exp.In, exp.Is, exp.Like, exp.Null, exp.Boolean, exp.Literal, exp.Neg),
    *(exp.Column, exp.Identifier, exp.Var, exp.DataType, exp.DataTypeParam, exp.Cast, exp.TryCast),
    *(exp.DPipe, exp.Concat, exp.Substring, exp.Split, exp.ArrayContains, exp.Coalesce),
    *(exp.CurrentDate, exp.Date, exp.Interval, exp.Add, exp.Sub, exp.DateAdd, exp.TimeToStr),
)

# The table of partition values while conditions are evaluated: a position, then the keys.
_VALUES = "lake_partitions"
_POSITION = "lake_position"

Keys = Sequence[Mapping[str, Any]]
Values = Sequence[Sequence[str]]


def needed(nodes: Sequence[exp.Table], keys: Keys, values: Values) -> list[int]:
    """Positions of the partitions that at least one of the nodes can need, in order.

    `nodes` are the places of a query's tree that name the table, `keys` its partition keys as in
    the catalog ({"Name", "Type"}), `values` the key values of its partitions.
    """
    names = frozenset(key["Name"].lower() for key in keys)
    limits = [_limits(node, names) for node in nodes]
    if not values or not all(limits):
        return list(range(len(values)))
    found: set[int] = set()
    with of_this_process() as connection:
        _load(connection, keys, values)
        for limit in limits:
            found.update(_within(connection, keys, limit, len(values)))
    return sorted(found)


def matching(keys: Keys, values: Values, condition: str) -> list[int]:
    """Positions of the partitions that meet a condition in DuckDB's SQL. Raises duckdb.Error."""
    with of_this_process() as connection:
        _load(connection, keys, values)
        return _positions(connection, condition)


def _load(connection: duckdb.DuckDBPyConnection, keys: Keys, values: Values) -> None:
    columns = ", ".join(
        f"CAST(given[{place}] AS {column_type(key)}) AS {identifier(key['Name'].lower())}"
        for place, key in enumerate(keys, 1)
    )
    connection.execute(
        f"CREATE TEMP TABLE {_VALUES} AS SELECT {_POSITION}, {columns} FROM "
        f"(SELECT unnest(?::INTEGER[]) AS {_POSITION}, unnest(?::VARCHAR[][]) AS given)",
        [list(range(len(values))), [list(of_one) for of_one in values]],
    )


def _positions(connection: duckdb.DuckDBPyConnection, condition: str) -> list[int]:
    rows = connection.execute(
        f"SELECT {_POSITION} FROM {_VALUES} WHERE {condition} ORDER BY {_POSITION}"
    ).fetchall()
    return [position for (position,) in rows]


@dataclass(frozen=True)
class _Limit:
    """One condition on partition keys. `strict`: it counts only if it rejects a row of NULLs."""

    condition: exp.Expression
    strict: bool


def _within(
    connection: duckdb.DuckDBPyConnection, keys: Keys, limits: Sequence[_Limit], count: int
) -> set[int]:
    """The partitions within all limits. One that cannot be evaluated excludes no partition."""
    nulls = ", ".join(
        f"CAST(NULL AS {column_type(key)}) AS {identifier(key['Name'].lower())}" for key in keys
    )
    found = set(range(count))
    for limit in limits:
        try:
            sql = _in_duckdb(limit.condition, keys)
            passes_null = f"SELECT 1 FROM (SELECT {nulls}) WHERE {sql}"
            if limit.strict and connection.execute(passes_null).fetchall():
                continue
            found.intersection_update(_positions(connection, sql))
        except (duckdb.Error, SqlglotError, QueryFailed):
            continue
    return found


def _in_duckdb(condition: exp.Expression, keys: Keys) -> str:
    tree = exp.select("*").where(condition.copy())
    types = {key["Name"].lower(): key.get("Type") or "string" for key in keys}
    return rewrite(tree, Kinds(tree, types)).args["where"].this.sql(dialect="duckdb")


def _limits(table: exp.Table, keys: frozenset[str]) -> list[_Limit]:
    """The limits of one place that names the table; there may be others, which are not found."""
    clause = table.parent
    select = clause.parent if clause is not None else None
    if not isinstance(clause, (exp.From, exp.Join)) or not isinstance(select, exp.Select):
        return []
    joins: list[exp.Join] = select.args.get("joins") or []
    first = select.args.get("from_") or select.args.get("from")
    name = table.alias_or_name.lower()
    sources = [first.this, *(join.this for join in joins)]
    if sum(source.alias_or_name.lower() == name for source in sources) > 1:
        return []
    if not all(_is_plain(join) for join in joins):
        return []
    alone = len(sources) == 1 and not select.args.get("laterals")
    where = select.args.get("where")
    filters = [where.this if where else None]
    filters += [join.args.get("on") for join in joins if not join.side]
    # A row that an outer join has filled with NULLs must not pass: without the partition, there
    # would be more such rows.
    found = [_Limit(own, True) for part in filters for own in _of_keys(part, name, keys, alone)]
    if isinstance(clause, exp.Join) and clause.side.upper() == "LEFT":
        # Rows of the right side are in the result only if they match.
        on = _of_keys(clause.args.get("on"), name, keys, alone)
        found += [_Limit(own, False) for own in on]
    return found


def _is_plain(join: exp.Join) -> bool:
    return (
        join.side.upper() in ("", "LEFT", "RIGHT", "FULL")
        and join.kind.upper() in ("", "INNER", "CROSS", "OUTER")
        and not join.method
    )


def _of_keys(
    condition: exp.Expression | None, name: str, keys: frozenset[str], alone: bool
) -> Iterator[exp.Expression]:
    """The operands of a condition's ANDs that need only the keys of the table `name`.

    Its columns have no qualifier in the result. `alone`: columns without one are the table's.
    """
    if isinstance(condition, exp.Paren):
        yield from _of_keys(condition.this, name, keys, alone)
    elif isinstance(condition, exp.And):
        yield from _of_keys(condition.left, name, keys, alone)
        yield from _of_keys(condition.right, name, keys, alone)
    elif condition is not None:
        own = condition.copy()
        columns = list(own.find_all(exp.Column))
        nodes_fit = all(
            isinstance(node, _ALLOWED) and not (isinstance(node, exp.In) and not node.expressions)
            for node in own.walk()
        )
        columns_fit = all(
            column.name.lower() in keys
            and not column.db
            and (column.table.lower() == name or alone and not column.table)
            for column in columns
        )
        if columns and nodes_fit and columns_fit:
            for column in columns:
                column.set("table", None)
            yield own
