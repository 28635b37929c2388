"""Rejects operators and branches whose types Trino does not coerce to one type.

Trino coerces integers to wider ones, to decimals and doubles; a date to a timestamp; a varchar only
to a longer varchar, and never to a number or back (its page "Conversion functions"). An unknown
type passes, and DuckDB decides.
"""

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from embedded.launcher.athena.errors import QueryFailed
from embedded.launcher.athena.strict import functions
from embedded.launcher.athena.strict.syntax import place

# Types by Trino's names; None is a type that is not known here, "unknown" is the type of NULL.
Type = str | None

_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double")
_TIMES = ("date", "timestamp", "timestamp with time zone")
_FAMILIES = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_TIMES, "time"),
    **{name: name for name in ("varchar", "boolean", "varbinary", "array", "map", "row")},
    **{name: name for name in ("json", "interval")},
    "char": "varchar",
}
_NAMES = {
    "string": "varchar",
    "text": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "struct": "row",
    "timestamptz": "timestamp with time zone",
    "list": "array",
    "datetime": "timestamp",
}

# sqlglot's names of functions that differ from Trino's.
_OTHER_NAMES = {
    "length": "length",
    "substring": "substr",
    "regexp_i_like": "regexp_like",
    "time_to_str": "date_format",
    "str_to_time": "date_parse",
    "str_position": "strpos",
    "approx_distinct": "approx_distinct",
    "array_contains": "contains",
    "array_size": "cardinality",
    "logical_and": "bool_and",
    "logical_or": "bool_or",
    "countif": "count_if",
}

_OPERATORS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_COMPARED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)


class Types:
    """The types of a query's expressions, if they are known."""

    def __init__(self, tree: exp.Expression, column_types: Mapping[str, str]):
        self._columns = {name.lower(): named(kind) for name, kind in column_types.items()}
        self._known: dict[int, Type] = {}
        self._relations = {table.name.lower() for table in tree.find_all(exp.Table)} | {
            alias.name.lower() for alias in tree.find_all(exp.TableAlias)
        }
        self._made: dict[str, list[exp.Expression | None]] = {}
        for alias in tree.find_all(exp.TableAlias):
            columns = alias.args.get("columns") or []
            for index, column in enumerate(columns):
                made = self._made.setdefault(column.name.lower(), [])
                made += _sources(alias.parent, index)
        for lambda_ in tree.find_all(exp.Lambda):
            for name in lambda_.expressions:
                self._made.setdefault(name.name.lower(), []).append(None)
        for alias in tree.find_all(exp.Alias):
            if isinstance(alias.parent, exp.Select):
                self._made.setdefault(alias.alias.lower(), []).append(alias.this)

    def of(self, node: exp.Expression | None) -> Type:
        """The type of an expression; None if it is not known."""
        if node is None:
            return None
        if id(node) not in self._known:
            # Stops the recursion at a name that refers to itself.
            self._known[id(node)] = None
            self._known[id(node)] = self._found(node)
        return self._known[id(node)]

    def _found(self, node: exp.Expression) -> Type:
        if isinstance(node, exp.Literal):
            if node.is_string:
                return "varchar"
            if re.fullmatch(r"\d+", node.name):
                return "integer" if int(node.name) < 2**31 else "bigint"
            return "double" if "e" in node.name.lower() else "decimal"
        if isinstance(node, exp.Null):
            return "unknown"
        if isinstance(node, exp.Cast):
            return named(node.to.sql(dialect="athena"))
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, (exp.Paren, exp.Alias, exp.Neg, exp.Distinct, exp.Window, exp.Order)):
            inner = node.expressions[0] if isinstance(node, exp.Distinct) else node.this
            return self.of(inner)
        if isinstance(node, (exp.Filter, exp.Try)):
            return self.of(node.this)
        if isinstance(node, (exp.Predicate, exp.Connector, exp.Not, exp.Boolean)):
            return "boolean"
        if isinstance(node, exp.Interval):
            return "interval"
        if isinstance(node, (exp.Subquery, exp.Select)):
            columns = node.selects if isinstance(node, exp.Query) else []
            return self.of(columns[0]) if len(columns) == 1 else None
        if isinstance(node, (exp.Coalesce, exp.Case, exp.If, exp.Greatest, exp.Least)):
            return self._together(branches(node))
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)):
            return self._arithmetic(node)
        if isinstance(node, (exp.DPipe, exp.Concat, exp.ConcatWs)):
            first = node.this if isinstance(node, exp.DPipe) else None
            return self.of(first) if self.of(first) in ("array", "varbinary") else "varchar"
        if isinstance(node, exp.Array):
            return "array"
        if isinstance(node, (exp.AtTimeZone, exp.CurrentTimestamp)):
            return "timestamp with time zone"
        if isinstance(node, (exp.TsOrDsToDate, exp.Date, exp.CurrentDate)):
            return "date"
        if isinstance(node, (exp.DateAdd, exp.DateTrunc, exp.TimestampTrunc)):
            return self.of(node.this)
        if isinstance(node, (exp.Sum, exp.Avg)):
            inner = self.of(node.this)
            if isinstance(node, exp.Avg) and inner in ("tinyint", "smallint", "integer", "bigint"):
                return "double"
            return "bigint" if inner in ("tinyint", "smallint", "integer") else inner
        if isinstance(node, exp.Func):
            returned = functions.RETURNS.get(name_of(node))
            return self.of(_first(node)) if returned == functions.SAME else returned
        return None

    def _column(self, column: exp.Column) -> Type:
        name = column.name.lower()
        if name.startswith("$"):
            return "varchar"
        if column.table and column.table.lower() not in self._relations:
            # The field of a row, and not a table's column.
            return None
        own = column.find_ancestor(exp.Alias)
        found: list[Type] = [self._columns[name]] if name in self._columns else []
        for source in self._made.get(name, []):
            # coalesce(label, '') as label: the inner name is the column, and not the alias.
            if own is None or source is not own.this:
                found.append(self.of(source))
        families = {_FAMILIES.get(kind or "") for kind in found}
        return found[0] if len(families) == 1 else None

    def _together(self, nodes: list[exp.Expression]) -> Type:
        kinds = [kind for kind in map(self.of, nodes) if kind != "unknown"]
        if not kinds or None in kinds or not all(agree(kinds[0], kind) for kind in kinds):
            return None
        widest = [*_NUMBERS, *_TIMES]
        return max(kinds, key=lambda kind: widest.index(kind) if kind in widest else 0)

    def _arithmetic(self, node: exp.Binary) -> Type:
        left, right = self.of(node.left), self.of(node.right)
        if _FAMILIES.get(left or "") == "time":
            return left if right == "interval" else None
        if left in _NUMBERS and right in _NUMBERS:
            return max(left, right, key=_NUMBERS.index)
        return None


def agree(left: Type, right: Type) -> bool:
    """Whether Trino coerces the two types to one, or one of them is not known."""
    known = [_FAMILIES.get(kind) for kind in (left, right) if kind is not None]
    return len(known) < 2 or None in known or known[0] == known[1]


# A node and what is wrong with it.
_Problem = tuple[exp.Expression, str]


def check(sql: str, tree: exp.Expression, types: Types) -> None:
    """Reject operators, branches and arguments with different types. Raises QueryFailed."""
    for node in tree.walk():
        for where, what in _problems(node, types):
            raise QueryFailed(f"TYPE_MISMATCH: {place(sql, where)}: {what}")


def _problems(node: exp.Expression, types: Types) -> Iterator[_Problem]:
    of = types.of
    if type(node) in _OPERATORS:
        left, right = of(node.this), of(node.args["expression"])
        fits = agree(left, right) if isinstance(node, _COMPARED) else _adds(left, right)
        if not fits:
            yield node, f"Cannot apply operator: {left} {_OPERATORS[type(node)]} {right}"
    elif isinstance(node, exp.Between):
        value, low, high = of(node.this), of(node.args["low"]), of(node.args["high"])
        if not (agree(value, low) and agree(value, high)):
            yield node, f"Cannot check if {value} is BETWEEN {low} and {high}"
    elif isinstance(node, exp.In):
        query = node.args.get("query")
        for item in [*node.expressions, *([query] if query is not None else [])]:
            if not agree(of(node.this), of(item)):
                kinds = f"{of(node.this)} and {of(item)}"
                yield node, f"IN value and list items must be of one type: {kinds}"
    elif isinstance(node, (exp.Coalesce, exp.Case, exp.Greatest, exp.Least)) or (
        isinstance(node, exp.If) and not isinstance(node.parent, exp.Case)
    ):
        yield from _branch_problems(node, types)
    elif isinstance(node, exp.Array):
        yield from _differing(node, types, node.expressions, "All ARRAY elements")
    elif isinstance(node, exp.SetOperation):
        yield from _column_problems(node, types)
    elif isinstance(node, exp.Values):
        rows = [
            row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions
        ]
        for column in zip(*rows, strict=False):
            yield from _differing(node, types, list(column), "Values rows")
    elif isinstance(node, (exp.Where, exp.Having, exp.Not, exp.Connector)):
        for part in (node.this, node.args.get("expression")):
            if part is not None and not agree(of(part), "boolean"):
                yield node, f"a condition must be boolean, not {of(part)}"
    elif isinstance(node, (exp.Like, exp.SimilarTo)):
        for part in (node.this, node.expression):
            if not agree(of(part), "varchar"):
                yield node, f"LIKE must be given varchar, not {of(part)}"
    elif isinstance(node, (exp.DPipe, exp.Concat)):
        yield from _concat_problems(node, types)
    elif isinstance(node, exp.Func) and (name := name_of(node)) in functions.TAKES:
        kind = of(_first(node))
        family = _FAMILIES.get(kind or "")
        if family is not None and family not in functions.TAKES[name].split():
            yield node, f"Unexpected parameters ({kind}) for function {name}"


def branches(node: exp.Expression) -> list[exp.Expression]:
    """The possible values of a conditional expression."""
    if isinstance(node, exp.Case):
        found = [branch.args.get("true") for branch in node.args.get("ifs") or []]
        found.append(node.args.get("default"))
    elif isinstance(node, exp.If):
        found = [node.args.get("true"), node.args.get("false")]
    else:
        found = [node.this, *node.expressions]
    return [branch for branch in found if branch is not None]


def name_of(node: exp.Func) -> str:
    """A function's name in Trino."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    name = node.sql_names()[0].lower()
    return _OTHER_NAMES.get(name, name)


def named(declared: str) -> Type:
    """Trino's name, without length, of a declared Hive or Trino type; None if it is not known."""
    text = declared.strip().lower()
    if "with time zone" in text:
        return "timestamp with time zone" if text.startswith("timestamp") else None
    name = re.split(r"[(<\s]", text, maxsplit=1)[0]
    name = _NAMES.get(name, name)
    return name if name in _FAMILIES else None


def _first(node: exp.Func) -> exp.Expression | None:
    return (
        node.this if isinstance(node.this, exp.Expression) else next(iter(node.expressions), None)
    )


def _sources(parent: exp.Expression | None, index: int) -> Iterator[exp.Expression | None]:
    """The source expressions of a column in an alias's list: t(x) of VALUES or of a query."""
    if isinstance(parent, exp.Values):
        for row in parent.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row]
            yield cells[index] if index < len(cells) else None
    elif isinstance(parent, (exp.CTE, exp.Subquery)) and isinstance(parent.this, exp.Query):
        columns = parent.this.selects
        yield columns[index] if index < len(columns) else None
    else:
        yield None


def _adds(left: Type, right: Type) -> bool:
    kinds = [_FAMILIES.get(kind or "") for kind in (left, right)]
    if None in kinds or "interval" in kinds:
        # An interval can be combined with times, numbers and intervals, but not with strings.
        return not ("interval" in kinds and {"varchar", "boolean"} & set(kinds))
    return kinds in (["number", "number"], ["time", "time"])


def _branch_problems(node: exp.Expression, types: Types) -> Iterator[_Problem]:
    name = type(node).__name__.upper()
    what = {"CASE": "CASE results", "IF": "IF results", "COALESCE": "COALESCE operands"}
    yield from _differing(node, types, branches(node), f"All {what.get(name, 'arguments')}")
    operand = node.this if isinstance(node, exp.Case) else None
    for branch in node.args.get("ifs") or []:
        wanted = types.of(operand) if operand is not None else "boolean"
        found = types.of(branch.this)
        if not agree(wanted, found):
            yield branch, f"CASE operand type does not match: {wanted} and {found}"


def _differing(
    node: exp.Expression, types: Types, parts: list[exp.Expression], what: str
) -> Iterator[_Problem]:
    kinds = [kind for kind in map(types.of, parts) if kind not in (None, "unknown")]
    for kind in kinds[1:]:
        if not agree(kinds[0], kind):
            yield node, f"{what} must be the same type: {kinds[0]} and {kind}"


def _column_problems(node: exp.SetOperation, types: Types) -> Iterator[_Problem]:
    sides = [side.selects for side in (node.left, node.right) if isinstance(side, exp.Query)]
    if len(sides) < 2 or any(column.is_star for side in sides for column in side):
        return
    if len(sides[0]) != len(sides[1]):
        yield node, "the queries have different numbers of fields"
        return
    word = type(node).__name__.upper()
    for index, columns in enumerate(zip(*sides, strict=True), start=1):
        left, right = map(types.of, columns)
        if not agree(left, right):
            yield node, f"column {index} in {word} query has incompatible types: {left}, {right}"


def _concat_problems(node: exp.Expression, types: Types) -> Iterator[_Problem]:
    is_operator = isinstance(node, exp.DPipe)
    parts = [node.this, node.args["expression"]] if is_operator else node.expressions
    kinds = [types.of(part) for part in parts]
    families = {_FAMILIES.get(kind) for kind in kinds if kind not in (None, "unknown")}
    if "array" in families:
        return
    if families - {"varchar", "varbinary", None} or len(families) > 1 and None not in families:
        shown = ", ".join(kind or "?" for kind in kinds)
        what = f"Unexpected parameters ({shown}) for function concat"
        yield node, f"{what}; a number needs a cast to varchar"
