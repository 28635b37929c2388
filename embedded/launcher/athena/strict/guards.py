"""Run-time errors of Trino that DuckDB does not have: subscripts, strings cast to integers."""

from sqlglot import exp
from sqlglot.expressions import apply_index_offset

from embedded.launcher.athena.strict.types import Types

_WHOLE = ("bigint", "int", "smallint", "tinyint")


def guard(tree: exp.Expression, types: Types) -> None:
    """Add Trino's run-time checks to the tree in place, with DuckDB's functions."""
    for node in reversed(list(tree.walk())):
        if isinstance(node, exp.Bracket):
            # element_at() is safe: NULL past the end.
            if types.of(node.this) == "array" and not node.args.get("safe"):
                node.replace(_subscript(node))
        elif (
            isinstance(node, exp.Cast)
            and node.to.is_type(*_WHOLE)
            and types.of(node.this) == "varchar"
        ):
            node.set("this", _whole(node.this))


def _call(name: str, *arguments: exp.Expression | str) -> exp.Anonymous:
    operands = [exp.Literal.string(a) if isinstance(a, str) else a.copy() for a in arguments]
    return exp.Anonymous(this=name, expressions=operands)


def _subscript(node: exp.Bracket) -> exp.Expression:
    """array[n]: "Array subscript must be less than or equal to array length"."""
    array = node.this
    (place,) = apply_index_offset(array, [e.copy() for e in node.expressions], 1)
    length = _call("array_length", array)
    past = _call(
        "printf",
        "Array subscript must be less than or equal to array length: %d > %d",
        place,
        length,
    )
    return (
        exp.Case()
        .when(exp.GT(this=place.copy(), expression=length.copy()), _call("error", past))
        .when(
            exp.LT(this=place.copy(), expression=exp.Literal.number(1)),
            _call("error", "SQL array indices start at 1"),
        )
        .else_(_call("list_extract", array, place))
    )


def _whole(text: exp.Expression) -> exp.Expression:
    """Make DuckDB reject strings that it would round to an integer ('1.5', '1e3')."""
    return (
        exp.Case()
        .when(_call("regexp_full_match", text, r"\s*[+-]?\d+\s*"), text.copy())
        .else_(_call("concat", "(", text, ")"))
    )
