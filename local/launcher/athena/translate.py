"""Athena's SQL (Trino's) in DuckDB's words: sqlglot, and the cases it leaves different.

test/local/launcher/test_athena_sql.py is the table of these cases: query, what Athena's
documentation says, what we get.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, UnsupportedError
from sqlglot.tokens import Tokenizer, TokenType

from local.launcher.athena.errors import MalformedQuery, NotSupported, QueryFailed

CATALOG = "awsdatacatalog"


@dataclass(frozen=True)
class TableName:
    """A table as a query names it; no database means that of the query's context."""

    database: str
    name: str


@dataclass(frozen=True)
class Query:
    """A parsed SELECT."""

    tree: exp.Query

    def tables(self, default_database: str) -> list[TableName]:
        """The catalog tables it reads, in order, without the names its WITH clauses bind."""
        found: dict[TableName, None] = {}
        for table in self.tree.find_all(exp.Table):
            name = _table_name(table, default_database)
            if name is not None:
                found[name] = None
        return list(found)

    def equalities(self) -> dict[str, frozenset[str]]:
        """The constants each column is compared with by = and IN."""
        found: dict[str, set[str]] = {}
        for node in self.tree.find_all(exp.EQ, exp.In):
            if isinstance(node, exp.EQ):
                left, right = node.left, node.right
                column, values = (left, [right]) if isinstance(left, exp.Column) else (right, [left])
            else:
                column, values = node.this, node.expressions
            if isinstance(column, exp.Column) and all(isinstance(v, exp.Literal) for v in values):
                found.setdefault(column.name.lower(), set()).update(v.name for v in values)
        return {name: frozenset(values) for name, values in found.items()}


def parse(sql: str, parameters: Sequence[str] = ()) -> Query | None:
    """A SELECT with its `?` filled in; None for any other statement.

    `parameters` are SQL literals, as ExecutionParameters are. Raises MalformedQuery.
    """
    try:
        sql = _filled(sql, parameters)
        statements = [s for s in sqlglot.parse(sql, read="athena") if s is not None]
    except SqlglotError as wrong:
        raise MalformedQuery(_first_line(wrong)) from wrong
    if not statements:
        raise MalformedQuery("line 1:1: mismatched input '<EOF>'")
    if len(statements) > 1:
        raise MalformedQuery("Only one sql statement is allowed. Got: " + sql)
    tree = statements[0]
    if not isinstance(tree, exp.Query):
        return None
    if isinstance(tree, exp.Select) and not tree.expressions:
        raise MalformedQuery("line 1:7: mismatched input '<EOF>': SELECT needs at least one column")
    return Query(tree)


def listed(values: str) -> list[str]:
    """The literals of EXECUTE name USING 1, 'a': one text each."""
    try:
        found = sqlglot.parse_one(f"SELECT {values}", read="athena").expressions
    except SqlglotError as wrong:
        raise MalformedQuery(_first_line(wrong)) from wrong
    return [value.sql(dialect="athena") for value in found]


def _first_line(wrong: SqlglotError) -> str:
    described = getattr(wrong, "errors", None)
    if described:
        first = described[0]
        return f"line {first.get('line')}:{first.get('col')}: {first.get('description')}"
    return str(wrong).splitlines()[0]


def _filled(sql: str, parameters: Sequence[str]) -> str:
    """The SQL with the literals in place of its `?`, counted in the order of the text.

    By token and not in the tree: a LIMIT stands before the WITH clauses there.
    """
    places = [t for t in Tokenizer(dialect="athena").tokenize(sql)
              if t.token_type is TokenType.PLACEHOLDER]
    if len(places) != len(parameters):
        raise MalformedQuery(
            f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected {len(places)} "
            f"but found {len(parameters)}"
        )
    for place, text in reversed(list(zip(places, parameters, strict=True))):
        sql = sql[: place.start] + _literal(text) + sql[place.end + 1 :]
    return sql


def _literal(text: str) -> str:
    """One of ExecutionParameters, checked to be a value and nothing that reads the database."""
    refusal = f"INVALID_PARAMETER_USAGE: {text} is not a SQL literal; text needs quotes: 'text'"
    try:
        value = sqlglot.parse_one(f"SELECT {text}", read="athena").expressions[0]
    except (SqlglotError, IndexError) as wrong:
        raise MalformedQuery(refusal) from wrong
    if value.find(exp.Column, exp.Subquery, exp.Select):
        raise MalformedQuery(refusal)
    written = value.sql(dialect="athena")
    return f"({written})" if isinstance(value, exp.Binary) else written


def to_duckdb(query: Query, default_database: str, column_types: Mapping[str, str]) -> str:
    """The query as DuckDB SQL over views named "database"."table".

    `column_types` are the Hive types of the columns of all tables it reads, by lower-case name.
    Raises NotSupported.
    """
    tree = query.tree.copy()
    for table in list(tree.find_all(exp.Table)):
        name = _table_name(table, default_database)
        if name is not None:
            table.set("catalog", None)
            table.set("db", exp.to_identifier(name.database, quoted=True))
            table.set("this", exp.to_identifier(name.name, quoted=True))
    for column in tree.find_all(exp.Column):
        # awsdatacatalog.db.table.column: the views are known by table and database only.
        if column.args.get("catalog") is not None:
            column.set("catalog", None)
    kinds = _Kinds(tree, column_types)
    _name_columns(tree)
    tree = tree.transform(lambda node: _rewritten(node, kinds), copy=False)
    try:
        return tree.sql(
            dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE, normalize_functions=False
        )
    except UnsupportedError as unsupported:
        raise NotSupported(str(unsupported)) from unsupported


def _table_name(table: exp.Table, default_database: str) -> TableName | None:
    """The catalog table that a node names; None for a function or a name bound by WITH."""
    if not isinstance(table.this, exp.Identifier):
        return None
    catalog = table.catalog.lower()
    if catalog and catalog != CATALOG:
        raise QueryFailed(f"CATALOG_NOT_FOUND: Catalog '{catalog}' does not exist")
    database, name = table.db.lower(), table.name.lower()
    if database == "information_schema":
        raise NotSupported("information_schema; ask the Glue catalog")
    if not database and _bound_by_with(table, name):
        return None
    return TableName(database or default_database.lower(), name)


def _bound_by_with(table: exp.Table, name: str) -> bool:
    node: exp.Expression | None = table
    while node is not None:
        clause = node.args.get("with_") or node.args.get("with")
        if isinstance(clause, exp.With) and any(
            cte.alias.lower() == name for cte in clause.expressions
        ):
            return True
        node = node.parent
    return False


def _name_columns(tree: exp.Query) -> None:
    """Athena calls a column without a name _col0, _col1, by its place."""
    select: exp.Expression = tree
    while isinstance(select, (exp.SetOperation, exp.Subquery)):
        select = select.this
    if not isinstance(select, exp.Select):
        return
    named = []
    for place, column in enumerate(select.expressions):
        bare = not isinstance(column, (exp.Alias, exp.Column, exp.Star, exp.Aliases))
        named.append(exp.alias_(column, f"_col{place}") if bare else column)
    select.set("expressions", named)


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _rewritten(node: exp.Expression, kinds: "_Kinds") -> exp.Expression:
    """One node, when DuckDB or sqlglot would make something else of it."""
    if isinstance(node, exp.DateAdd):
        amount = exp.Interval(this=node.expression, unit=node.args.get("unit"))
        return _call("athena_like", exp.Add(this=node.this, expression=amount), node.this.copy())
    if isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval) \
            and not _inside(node, "athena_like"):
        return _call("athena_like", node.copy(), node.this.copy())
    if isinstance(node, exp.DateDiff):
        unit = exp.Literal.string(str(node.args["unit"]).strip("'").lower())
        # DuckDB's date_diff counts boundaries crossed, date_sub whole units, as Trino does.
        return _call("date_sub", unit, node.expression, node.this)
    if isinstance(node, (exp.DateTrunc, exp.TimestampTrunc)) and not _inside(node, "athena_like"):
        return _call("athena_like", node.copy(), node.this.copy())
    if isinstance(node, exp.RegexpExtract):
        return _call("regexp_extract_or_null", node.this, node.expression,
                     node.args.get("group") or exp.Literal.number(0))
    if isinstance(node, exp.RegexpReplace):
        with_ = node.args.get("replacement")
        if isinstance(with_, exp.Literal) and with_.is_string:
            node.set("replacement", exp.Literal.string(re.sub(r"\$(\d)", r"\\\1", with_.name)))
        return node
    if isinstance(node, exp.AtTimeZone):
        return _call("at_timezone", node.this, node.args["zone"])
    if isinstance(node, exp.GenerateSeries):
        step = node.args.get("step") or exp.Literal.number(1)
        return _call("athena_sequence", node.args["start"], node.args["end"], step)
    if isinstance(node, exp.ArrayPosition):
        return _call("array_position_or_zero", node.this, node.expression)
    if isinstance(node, exp.ArraySlice):
        start, length = node.args["start"], node.args["end"]
        last = exp.Sub(this=exp.Add(this=start.copy(), expression=length),
                       expression=exp.Literal.number(1))
        return _call("array_slice", node.this, start, last)
    if isinstance(node, exp.Reduce):
        return _reduced(node)
    if isinstance(node, exp.Cast):
        return _cast(node)
    if isinstance(node, exp.Div):
        return _divided(node, kinds)
    if isinstance(node, exp.Anonymous):
        return _function(node)
    if isinstance(node, exp.Format):
        return _formatted(list([node.this, *node.expressions]))
    return node


def _inside(node: exp.Expression, function: str) -> bool:
    parent = node.parent
    return isinstance(parent, exp.Anonymous) and parent.name == function


def _function(node: exp.Anonymous) -> exp.Expression:
    name = node.name.lower()
    if name == "format":
        return _formatted(node.expressions)
    if name in ("all_match", "none_match"):
        array, test = node.expressions
        kept = _call("len", _call("list_filter", array, test))
        wanted = _call("len", array.copy()) if name == "all_match" else exp.Literal.number(0)
        return exp.Paren(this=exp.EQ(this=kept, expression=wanted))
    if name == "any_match":
        array, test = node.expressions
        kept = _call("len", _call("list_filter", array, test))
        return exp.Paren(this=exp.GT(this=kept, expression=exp.Literal.number(0)))
    return node


def _reduced(node: exp.Reduce) -> exp.Expression:
    """reduce(array, start, step, finish): DuckDB has no finish; one that changes nothing may go."""
    finish = node.args.get("finish")
    if finish is not None:
        names = [name.name for name in finish.expressions] if isinstance(finish, exp.Lambda) else []
        if len(names) != 1 or finish.this.sql() != names[0]:
            raise NotSupported("reduce() whose last function is not s -> s")
        node.set("finish", None)
    return node


def _cast(node: exp.Cast) -> exp.Expression:
    if node.to.is_type("varchar", "text") and isinstance(node.this, exp.Column | exp.Cast) \
            and _is_time(node.this):
        return _call("athena_text", node.this)
    if node.to.is_type("bigint", "int", "smallint", "tinyint") and not node.this.is_type("text"):
        # Trino rounds half away from zero; DuckDB to even. Numbers in text have no half to round.
        if _is_double(node.this):
            return node.__class__(this=exp.Round(this=node.this), to=node.to)
    return node


def _is_time(node: exp.Expression) -> bool:
    return isinstance(node, exp.Cast) and node.to.is_type("timestamp", "timestamptz")


def _is_double(node: exp.Expression) -> bool:
    if isinstance(node, exp.Paren):
        return _is_double(node.this)
    return isinstance(node, exp.Cast) and node.to.is_type("double", "float")


_SPECIFIER = re.compile(r"%(?P<flags>[-+0, ]*)(?P<width>\d*)(?P<precision>\.\d+)?(?P<kind>[a-zA-Z%])")


def _formatted(arguments: list[exp.Expression]) -> exp.Expression:
    """format('%s has %,d', a, b): Java's format string, piece by piece."""
    pattern, *values = arguments
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise NotSupported("format() whose first argument is not a constant")
    pieces: list[exp.Expression] = []
    text, end, rest = pattern.name, 0, iter(values)
    for found in _SPECIFIER.finditer(text):
        if found.start() > end:
            pieces.append(exp.Literal.string(text[end : found.start()]))
        end = found.end()
        if found["kind"] == "%":
            pieces.append(exp.Literal.string("%"))
            continue
        value = next(rest, None)
        if value is None:
            raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Invalid format string: {text}")
        pieces.append(_piece(found, value))
    if end < len(text):
        pieces.append(exp.Literal.string(text[end:]))
    return _call("concat", *(pieces or [exp.Literal.string("")]))


def _piece(found: re.Match[str], value: exp.Expression) -> exp.Expression:
    flags, width, precision, kind = found.group("flags", "width", "precision", "kind")
    if kind == "s":
        text = _call("coalesce", exp.cast(value, "text"), exp.Literal.string("null"))
        if not width:
            return text
        side = "<" if "-" in flags else ">"
        return _call("format", exp.Literal.string(f"{{:{side}{width}}}"), text)
    if kind not in "dfexX":
        raise NotSupported(f"%{kind} in format()")
    number = exp.cast(value, "bigint" if kind in "dxX" else "double")
    sign = "+" if "+" in flags else ""
    zero = "0" if "0" in flags and width else ""
    # DuckDB's format is Python's; Java gives six decimals to %f and %e when none are asked for.
    comma = "," if "," in flags else ""
    digits = precision or (".6" if kind in "fe" else "")
    side = "<" if "-" in flags else ""
    return _call(
        "format", exp.Literal.string(f"{{:{side}{sign}{zero}{width}{comma}{digits}{kind}}}"), number
    )


def _divided(node: exp.Div, kinds: "_Kinds") -> exp.Expression:
    """Decimals keep the larger scale, so that 10 / 3.0 is 3.3; doubles divide by zero."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    if DOUBLE in (left, right):
        return _call("athena_double_division", node.this, node.expression)
    if left is None or right is None or (left, right) == (0, 0) or _inside(node, "round"):
        return node
    return _call("round", node.copy(), exp.Literal.number(max(int(left), int(right))))


DOUBLE = "double"

# The decimal places of an exact number, 0 for an integer; DOUBLE; None for what cannot be told.
Kind = int | str | None


class _Kinds:
    """What kind of number an expression is, as far as it can be told without running it.

    Names are those of the tables' columns, and of the aliases the query gives.
    """

    _SAME = (exp.Paren, exp.Neg, exp.Sum, exp.Window, exp.Max, exp.Min, exp.Filter, exp.Coalesce,
             exp.Abs)

    def __init__(self, tree: exp.Expression, column_types: Mapping[str, str]):
        self._names: dict[str, Kind] = {}
        for name, declared in column_types.items():
            self._names[name] = _declared_kind(declared)
        # An alias may be built from another one; three levels of WITH are as deep as queries get.
        for _ in range(3):
            for alias in tree.find_all(exp.Alias):
                self._names[alias.alias.lower()] = self.of(alias.this)

    def of(self, node: exp.Expression | None) -> Kind:
        if isinstance(node, self._SAME):
            return self.of(node.this)
        if isinstance(node, exp.Literal):
            if node.is_string:
                return None
            return DOUBLE if "e" in node.name.lower() else len(node.name.partition(".")[2])
        if isinstance(node, (exp.Count, exp.CountIf, exp.Length)):
            return 0
        if isinstance(node, (exp.Avg, exp.Sqrt, exp.Ln, exp.Exp, exp.Stddev)):
            return DOUBLE
        if isinstance(node, exp.Column):
            return self._names.get(node.name.lower())
        if isinstance(node, exp.Cast):
            return _declared_kind(node.to.sql(dialect="trino"))
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
            left, right = self.of(node.this), self.of(node.expression)
            if DOUBLE in (left, right):
                return DOUBLE
            if left is None or right is None:
                return None
            return int(left) + int(right) if isinstance(node, exp.Mul) \
                else max(int(left), int(right))
        return None


def _declared_kind(declared: str) -> Kind:
    """Of a type as Hive or Trino writes it."""
    name = declared.strip().lower()
    found = re.fullmatch(r"decimal\s*(?:\(\s*\d+\s*(?:,\s*(\d+)\s*)?\))?", name)
    if found:
        return int(found[1] or 0)
    if name in ("double", "float", "real"):
        return DOUBLE
    return 0 if name in ("tinyint", "smallint", "int", "integer", "bigint") else None
