"""Rewrites single expressions that DuckDB or sqlglot would evaluate differently from Trino."""

import re
from collections.abc import Callable

from sqlglot import exp

from embedded.launcher.athena import functions
from embedded.launcher.athena.errors import NotSupported
from embedded.launcher.athena.formats import formatted
from embedded.launcher.athena.functions import call as _call
from embedded.launcher.athena.numbers import DOUBLE, Kind, Kinds


def rewrite(tree: exp.Query, kinds: Kinds) -> exp.Query:
    """Translate Trino's tree to DuckDB's in place, with the functions of macros.sql.

    Raises NotSupported and QueryFailed.
    """
    nodes = list(tree.dfs())
    # Collected before the rewrites, because a rewritten operand hides its kind.
    numbers = {
        id(node): (kinds.of(node.this), kinds.of(node.expression))
        for node in nodes
        if isinstance(node, (exp.Div, exp.Sub))
    }
    averaged = {id(node): kinds.of(node.this) for node in nodes if isinstance(node, exp.Avg)}
    doubles = {
        id(node) for node in nodes if isinstance(node, exp.Cast) and kinds.of(node.this) == DOUBLE
    }
    # Children first, so that replacements are not rewritten again.
    for node in reversed(nodes):
        if isinstance(node, exp.Div):
            new = _divided(node, *numbers[id(node)])
        elif isinstance(node, exp.Sub):
            new = _subtracted(node, *numbers[id(node)])
        elif isinstance(node, exp.Avg):
            new = _averaged(node, averaged[id(node)])
        elif isinstance(node, exp.Cast):
            new = _cast(node, id(node) in doubles)
        else:
            new = next((make(node) for kind, make in _REWRITES if isinstance(node, kind)), node)
        if new is not node:
            node.replace(new)
    return tree


def _like(node: exp.Expression, model: exp.Expression) -> exp.Expression:
    """The value of `node` with the type of `model`, so that a date stays a date."""
    return _call("athena_like", node.copy(), model.copy())


def _date_add(node: exp.DateAdd) -> exp.Expression:
    amount = exp.Interval(this=node.expression, unit=node.args.get("unit"))
    return _like(exp.Add(this=node.this.copy(), expression=amount), node.this)


def _interval(node: exp.Add) -> exp.Expression:
    return _like(node, node.this) if isinstance(node.expression, exp.Interval) else node


def _subtracted(node: exp.Sub, left: Kind, right: Kind) -> exp.Expression:
    """A difference of two values that are or may be dates."""
    if isinstance(node.expression, exp.Interval):
        return _like(node, node.this)
    if left is None and right is None:
        return _call("athena_minus", node.this, node.expression)
    return node


def _averaged(node: exp.Avg, kind: Kind) -> exp.Expression:
    """The average of decimals is a decimal of their scale."""
    if not isinstance(kind, int) or kind == 0:
        return node
    rounded = _call("round", node.copy(), exp.Literal.number(kind))
    return exp.cast(rounded, f"decimal(38, {kind})")


def _truncated(node: exp.DateTrunc | exp.TimestampTrunc) -> exp.Expression:
    return _like(node, node.this)


def _date_diff(node: exp.DateDiff) -> exp.Expression:
    """DuckDB's date_diff counts crossed boundaries; date_sub counts complete units, like Trino."""
    unit = exp.Literal.string(str(node.args["unit"]).strip("'").lower())
    return _call("date_sub", unit, node.expression, node.this)


def _regexp_extract(node: exp.RegexpExtract) -> exp.Expression:
    group = node.args.get("group") or exp.Literal.number(0)
    return _call("regexp_extract_or_null", node.this, node.expression, group)


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expression:
    """A group is $1 in Trino's replacement, and \\1 in DuckDB's."""
    new = node.args.get("replacement")
    if isinstance(new, exp.Literal) and new.is_string:
        node.set("replacement", exp.Literal.string(re.sub(r"\$(\d)", r"\\\1", new.name)))
    return node


def _at_time_zone(node: exp.AtTimeZone) -> exp.Expression:
    return _call("at_timezone", node.this, node.args["zone"])


def _sequence(node: exp.GenerateSeries) -> exp.Expression:
    return _call("athena_sequence", node.args["start"], node.args["end"], node.args.get("step"))


def _array_position(node: exp.ArrayPosition) -> exp.Expression:
    return _call("array_position_or_zero", node.this, node.expression)


def _slice(node: exp.ArraySlice) -> exp.Expression:
    """The third argument is a length in Trino, and the last index in DuckDB."""
    start, length = node.args["start"], node.args["end"]
    past = exp.Add(this=start.copy(), expression=length)
    last = exp.Sub(this=past, expression=exp.Literal.number(1))
    return _call("array_slice", node.this, start, last)


def _reduced(node: exp.Reduce) -> exp.Expression:
    """reduce(array, start, step, finish): DuckDB has no finish, so it must be the identity."""
    finish = node.args.get("finish")
    if finish is not None:
        names = [name.name for name in finish.expressions] if isinstance(finish, exp.Lambda) else []
        if len(names) != 1 or finish.this.sql() != names[0]:
            raise NotSupported("reduce() whose last function is not s -> s")
        node.set("finish", None)
    return node


def _function(node: exp.Anonymous) -> exp.Expression:
    """Translate functions that sqlglot does not know."""
    name = node.name.lower()
    if name == "format":
        return formatted(node.expressions)
    if name in ("all_match", "any_match", "none_match"):
        return functions.matched(name, *node.expressions)
    if name in ("map_filter", "transform_keys", "transform_values"):
        return functions.of_entries(node)
    if name == "json_exists":
        return functions.json_exists(node)
    if name in functions.RENAMED:
        return _call(functions.RENAMED[name], *node.expressions)
    return node


def _format(node: exp.Format) -> exp.Expression:
    return formatted([node.this, *node.expressions])


def _divided(node: exp.Div, left: Kind, right: Kind) -> exp.Expression:
    """Decimals keep the larger scale, so 10 / 3.0 is 3.3. Doubles can be divided by zero."""
    if DOUBLE in (left, right):
        return _call("athena_double_division", node.this, node.expression)
    if left is None or right is None or (left, right) == (0, 0):
        return node
    return _call("round", node.copy(), exp.Literal.number(max(int(left), int(right))))


def _printer(value: exp.Expression, of_double: bool) -> str:
    """The macro that converts the value to a string, by its type if that is known."""
    if isinstance(value, exp.Interval) or value.name == "athena_minus":
        return "athena_interval"
    return "athena_double_text" if of_double else "athena_text"


def _cast(node: exp.Cast, of_double: bool) -> exp.Expression:
    if node.to.is_type("varchar", "text"):
        text = (
            _call("athena_json_scalar", node.this, exp.Literal.string("$"))
            if isinstance(node.this, exp.ParseJSON)
            else _call(_printer(node.this, of_double), node.this)
        )
        length = node.to.expressions[0].this if node.to.expressions else None
        return text if length is None else _call("substring", text, exp.Literal.number(1), length)
    if of_double and node.to.is_type("bigint", "int", "smallint", "tinyint"):
        # Trino rounds half away from zero, DuckDB's cast half to even.
        node.set("this", exp.Round(this=node.this))
    return node


_REWRITES: tuple[tuple[type | tuple[type, ...], Callable[..., exp.Expression]], ...] = (
    (exp.DateAdd, _date_add),
    (exp.Add, _interval),
    ((exp.DateTrunc, exp.TimestampTrunc), _truncated),
    (exp.DateDiff, _date_diff),
    (exp.RegexpExtract, _regexp_extract),
    (exp.RegexpReplace, _regexp_replace),
    (exp.AtTimeZone, _at_time_zone),
    (exp.GenerateSeries, _sequence),
    (exp.ArrayPosition, _array_position),
    (exp.ArraySlice, _slice),
    (exp.Reduce, _reduced),
    (exp.Format, _format),
    (exp.Anonymous, _function),
    *functions.REWRITES,
)
