"""Finds the partitions that a query can need, from its conditions on partition keys.

A condition counts in the SELECT that names the table: in its WHERE, and in the ON of its joins. If
that SELECT is a subquery in FROM, or a name of WITH, conditions on keys that it passes on count as
well. Partitions that are excluded are not listed, read or charged. Trino finds more: conditions
outside a UNION, and those that follow from a join's equality.
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
    names = {key["Name"].lower(): key["Name"].lower() for key in keys}
    # Rows reach the answer by any of these ways.
    limits = [way for node in nodes for way in _ways(node, names)]
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


# Names of columns to the table's keys that they hold, all in lower case.
Names = Mapping[str, str]


def _ways(source: exp.Expression, names: Names) -> list[list[_Limit]]:
    """The limits of each way from a source, with columns `names`, to the query's answer.

    `source` is a table, a subquery in FROM, or a name of WITH. There may be more limits.
    """
    own = _limits(source, names)
    select = _select_of(source)
    passed_on = _passed_on(source, select, names) if select is not None else {}
    outside = _places_of(select) if select is not None and passed_on else []
    return [
        # Outside, a condition is one on the rows of this SELECT, like its own WHERE.
        own + [_Limit(limit.condition, True) for limit in outer]
        for place in outside
        for outer in _ways(place, passed_on)
    ] or [own]


def _select_of(source: exp.Expression) -> exp.Select | None:
    """The SELECT that has this source in its FROM."""
    clause = source.parent
    select = clause.parent if isinstance(clause, (exp.From, exp.Join)) else None
    return select if isinstance(select, exp.Select) else None


def _places_of(select: exp.Select) -> list[exp.Expression]:
    """Where the rows of a SELECT are a source: itself as a subquery, or its name of WITH.

    Empty if they are used otherwise, or if that is uncertain.
    """
    around = select.parent
    if isinstance(around, exp.Subquery):
        return [around] if _select_of(around) is not None and not around.alias_column_names else []
    if not isinstance(around, exp.CTE) or around.alias_column_names:
        return []
    name = around.alias.lower()
    root = around.root()
    if sum(cte.alias.lower() == name for cte in root.find_all(exp.CTE)) > 1:
        return []
    places = [
        table for table in root.find_all(exp.Table) if table.name.lower() == name and not table.db
    ]
    inside = any(table.find_ancestor(exp.CTE) is around for table in places)
    if inside or not all(_select_of(table) for table in places):
        return []
    return list(places)


def _passed_on(source: exp.Expression, select: exp.Select, names: Names) -> Names:
    """The columns of a SELECT that hold keys of its source; none if a row depends on other rows."""
    arguments = select.args
    if any(arguments.get(part) for part in ("limit", "offset", "fetch", "laterals", "having")):
        return {}
    if select.find(exp.Window):
        return {}
    group = arguments.get("group")
    aggregated = group is not None or any(
        column.find(exp.AggFunc, exp.Anonymous) for column in select.expressions
    )
    grouped_by = group.expressions if group is not None else []
    if group is not None and any(
        value for part, value in group.args.items() if part != "expressions"
    ):
        return {}
    name = source.alias_or_name.lower()
    alone = len(_sources(select)) == 1

    def key_of(column: exp.Expression) -> str | None:
        if not isinstance(column, exp.Column) or column.db:
            return None
        fits = column.table.lower() == name or alone and not column.table
        return names.get(column.name.lower()) if fits else None

    found: dict[str, str] = {}
    seen: set[str] = set()
    for column in select.expressions:
        star = column.this if isinstance(column, exp.Column) else column
        if isinstance(star, exp.Star):
            if star.args.get("except_") or star.args.get("replace") or star.args.get("rename"):
                return {}
            of_source = column.table.lower() == name if isinstance(column, exp.Column) else alone
            if not of_source:
                # Other columns, with names that are unknown here.
                return {}
            outputs = list(names.items())
        else:
            key = key_of(column.unalias())
            if key is not None and aggregated and not any(key_of(one) == key for one in grouped_by):
                key = None
            outputs = [(column.alias_or_name.lower(), key or "")]
        for output, key in outputs:
            if output in seen:
                return {}
            seen.add(output)
            if key:
                found[output] = key
    return found


def _sources(select: exp.Select) -> list[exp.Expression]:
    first = select.args.get("from_") or select.args.get("from")
    return [first.this, *(join.this for join in select.args.get("joins") or [])]


def _limits(source: exp.Expression, names: Names) -> list[_Limit]:
    """The limits of a source in its own SELECT."""
    clause, select = source.parent, _select_of(source)
    if select is None:
        return []
    joins: list[exp.Join] = select.args.get("joins") or []
    name = source.alias_or_name.lower()
    sources = _sources(select)
    if sum(other.alias_or_name.lower() == name for other in sources) > 1:
        return []
    if not all(_is_plain(join) for join in joins):
        return []
    alone = len(sources) == 1 and not select.args.get("laterals")
    where = select.args.get("where")
    filters = [where.this if where else None]
    filters += [join.args.get("on") for join in joins if not join.side]
    # A row that an outer join has filled with NULLs must not pass: without the partition, there
    # would be more such rows.
    found = [_Limit(own, True) for part in filters for own in _of_keys(part, name, names, alone)]
    if isinstance(clause, exp.Join) and clause.side.upper() == "LEFT":
        # Rows of the right side are in the result only if they match.
        on = _of_keys(clause.args.get("on"), name, names, alone)
        found += [_Limit(own, False) for own in on]
    return found


def _is_plain(join: exp.Join) -> bool:
    return (
        join.side.upper() in ("", "LEFT", "RIGHT", "FULL")
        and join.kind.upper() in ("", "INNER", "CROSS", "OUTER")
        and not join.method
    )


def _of_keys(
    condition: exp.Expression | None, name: str, names: Names, alone: bool
) -> Iterator[exp.Expression]:
    """The operands of a condition's ANDs that need only `names` of the source `name`.

    In the result its columns are the table's keys. `alone`: columns without a qualifier are the
    source's.
    """
    if isinstance(condition, exp.Paren):
        yield from _of_keys(condition.this, name, names, alone)
    elif isinstance(condition, exp.And):
        yield from _of_keys(condition.left, name, names, alone)
        yield from _of_keys(condition.right, name, names, alone)
    elif condition is not None:
        own = condition.copy()
        columns = list(own.find_all(exp.Column))
        nodes_fit = all(
            isinstance(node, _ALLOWED) and not (isinstance(node, exp.In) and not node.expressions)
            for node in own.walk()
        )
        columns_fit = all(
            column.name.lower() in names
            and not column.db
            and (column.table.lower() == name or alone and not column.table)
            for column in columns
        )
        if columns and nodes_fit and columns_fit:
            for column in columns:
                key = exp.column(exp.to_identifier(names[column.name.lower()], quoted=True))
                own = key if column is own else own
                column.replace(key)
            yield own
