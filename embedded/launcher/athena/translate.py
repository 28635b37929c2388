"""Translates Athena's SQL (Trino's) to DuckDB with sqlglot, and corrects sqlglot's differences.

test/embedded/launcher/test_athena_sql.py has a table of the corrected cases: query, Athena's
documentation, and result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, UnsupportedError
from sqlglot.tokens import Tokenizer, TokenType

from embedded.launcher.athena.errors import MalformedQuery, NotSupported, QueryFailed
from embedded.launcher.athena.numbers import Kinds
from embedded.launcher.athena.rewrites import rewrite
from embedded.launcher.athena.strict.checks import refuse
from embedded.launcher.athena.strict.parameters import only_in_where
from embedded.launcher.athena.strict.syntax import check_text, check_tree
from embedded.launcher.athena.tables import PATH

CATALOG = "awsdatacatalog"


@dataclass(frozen=True)
class TableName:
    """A table name in a query; without a database, the query's context has it."""

    database: str
    name: str


@dataclass(frozen=True)
class Query:
    """A parsed SELECT."""

    tree: exp.Query
    # The SQL with its parameters filled in.
    text: str = ""

    @property
    def wants_path(self) -> bool:
        """Whether the query names the hidden column "$path" of any table."""
        return any(column.name.lower() == PATH for column in self.tree.find_all(exp.Column))

    def tables(self, default_database: str) -> dict[TableName, list[exp.Table]]:
        """The catalog tables that the query reads, each with the places that name it.

        In order, without the names of WITH clauses.
        """
        found: dict[TableName, list[exp.Table]] = {}
        for table in self.tree.find_all(exp.Table):
            name = _table_name(table, default_database)
            if name is not None:
                found.setdefault(name, []).append(table)
        return found

    def equalities(self) -> dict[str, frozenset[str]]:
        """The constants to which = and IN compare each column."""
        found: dict[str, set[str]] = {}
        for node in self.tree.find_all(exp.EQ, exp.In):
            if isinstance(node, exp.EQ):
                left, right = node.left, node.right
                if not isinstance(left, exp.Column):
                    left, right = right, left
                column, values = left, [right]
            else:
                column, values = node.this, node.expressions
            if isinstance(column, exp.Column) and all(isinstance(v, exp.Literal) for v in values):
                found.setdefault(column.name.lower(), set()).update(v.name for v in values)
        return {name: frozenset(values) for name, values in found.items()}


def parse(sql: str, parameters: Sequence[str] = ()) -> Query | None:
    """Parse a SELECT and fill in its `?`; None for any other statement.

    `parameters` are SQL literals, like ExecutionParameters. Raises MalformedQuery.
    """
    try:
        filled = _filled(sql, parameters)
        if parameters:
            only_in_where(sql)
        sql = filled
        check_text(sql)
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
    check_tree(sql, tree)
    return Query(tree, sql)


def listed(values: str) -> list[str]:
    """The literals of EXECUTE name USING 1, 'a', each as a string."""
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
    """Replace each `?` of the SQL by a literal, in the order of the text.

    This works on tokens, because in the tree a LIMIT precedes the WITH clauses.
    """
    places = [
        t
        for t in Tokenizer(dialect="athena").tokenize(sql)
        if t.token_type is TokenType.PLACEHOLDER
    ]
    if len(places) != len(parameters):
        raise MalformedQuery(
            f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected {len(places)} "
            f"but found {len(parameters)}"
        )
    for place, text in reversed(list(zip(places, parameters, strict=True))):
        sql = sql[: place.start] + _literal(text) + sql[place.end + 1 :]
    return sql


def _literal(text: str) -> str:
    """One of ExecutionParameters. It must be a value, and must not read any table."""
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
    """Translate the query to DuckDB SQL over views named "database"."table".

    `column_types` are the Hive types of the columns of all its tables, by lower-case name.
    Raises QueryFailed (also NotSupported).
    """
    tree = query.tree.copy()
    for table in list(tree.find_all(exp.Table)):
        name = _table_name(table, default_database)
        if name is not None:
            table.set("catalog", None)
            table.set("db", exp.to_identifier(name.database, quoted=True))
            table.set("this", exp.to_identifier(name.name, quoted=True))
    for column in tree.find_all(exp.Column):
        # awsdatacatalog.db.table.column: the views have only a database and a table name.
        if column.args.get("catalog") is not None:
            column.set("catalog", None)
    refuse(query.text, tree, column_types)
    kinds = Kinds(tree, column_types)
    _name_columns(tree)
    if query.wants_path:
        _hide_paths(tree)
    try:
        return rewrite(tree, kinds).sql(
            dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE, normalize_functions=False
        )
    except UnsupportedError as unsupported:
        raise NotSupported(str(unsupported)) from unsupported


def _table_name(table: exp.Table, default_database: str) -> TableName | None:
    """The catalog table of a node; None for a function or a name of a WITH clause."""
    if not isinstance(table.this, exp.Identifier):
        return None
    catalog = table.catalog.lower()
    if catalog and catalog != CATALOG:
        raise QueryFailed(f"CATALOG_NOT_FOUND: Catalog '{catalog}' does not exist")
    database, name = table.db.lower(), table.name.lower()
    if database == "information_schema":
        raise NotSupported("information_schema; use the Glue catalog's API")
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


def _hide_paths(tree: exp.Query) -> None:
    """Exclude the hidden column of catalog tables from each `*` and `t.*`.

    A column with this name in a subquery or a WITH clause is an ordinary column, and stays.
    """
    for select in tree.find_all(exp.Select):
        sources = _sources(select)
        names = {source.alias_or_name.lower() for source in sources if _is_catalog_table(source)}
        shown: list[exp.Expression] = []
        for column in select.expressions:
            if isinstance(column, exp.Column) and isinstance(column.this, exp.Star):
                if column.table.lower() in names:
                    column.set("this", _star_without_path())
            elif isinstance(column, exp.Star) and names:
                if len(names) == len(sources) or any(
                    join.args.get("using") for join in select.args.get("joins") or []
                ):
                    column = _star_without_path()
                else:
                    shown += [_star_of(source, names) for source in sources]
                    continue
            shown.append(column)
        select.set("expressions", shown)


def _sources(select: exp.Select) -> list[exp.Expression]:
    clause = select.args.get("from_") or select.args.get("from")
    joins = select.args.get("joins") or []
    return [clause.this, *(join.this for join in joins)] if clause else []


def _is_catalog_table(source: exp.Expression) -> bool:
    """Whether the source is a catalog table: to_duckdb has given those a database."""
    return isinstance(source, exp.Table) and bool(source.db)


def _star_without_path() -> exp.Star:
    return exp.Star(except_=[exp.to_identifier(PATH, quoted=True)])


def _star_of(source: exp.Expression, hiding: set[str]) -> exp.Expression:
    name = source.alias_or_name
    star = _star_without_path() if name.lower() in hiding else exp.Star()
    return exp.Column(this=star, table=exp.to_identifier(name, quoted=True))


def _name_columns(tree: exp.Query) -> None:
    """Name columns without a name _col0, _col1, … by their position, like Athena."""
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
