"""Finds an expression's kind of number, because Trino's decimals and doubles divide differently."""

import re
from collections.abc import Mapping

from sqlglot import exp

DOUBLE = "double"

# Decimal places of an exact number (0 for an integer), or DOUBLE, or None if unknown.
Kind = int | str | None


class Kinds:
    """The kinds of numbers of a query's expressions, if they are known without running it.

    Names are the tables' columns and the query's aliases.
    """

    _SAME = (
        exp.Paren,
        exp.Neg,
        exp.Sum,
        exp.Window,
        exp.Max,
        exp.Min,
        exp.Filter,
        exp.Coalesce,
        exp.Abs,
    )

    def __init__(self, tree: exp.Expression, column_types: Mapping[str, str]):
        self._names: dict[str, Kind] = {}
        for name, declared in column_types.items():
            self._names[name] = _declared_kind(declared)
        # An alias may refer to another one. Three levels of WITH are enough in practice.
        for _ in range(3):
            for alias in tree.find_all(exp.Alias):
                self._names[alias.alias.lower()] = self.of(alias.this)

    def of(self, node: exp.Expression | None) -> Kind:
        """The kind of one expression."""
        if isinstance(node, self._SAME):
            return self.of(node.this)
        if isinstance(node, exp.Literal):
            if node.is_string:
                return None
            return DOUBLE if "e" in node.name.lower() else len(node.name.partition(".")[2])
        if isinstance(node, (exp.Count, exp.CountIf, exp.Length)):
            return 0
        if isinstance(node, exp.Avg):
            return self.of(node.this) or DOUBLE
        if isinstance(node, (exp.Sqrt, exp.Ln, exp.Exp, exp.Stddev)):
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
            return (
                int(left) + int(right) if isinstance(node, exp.Mul) else max(int(left), int(right))
            )
        return None


def _declared_kind(declared: str) -> Kind:
    """The kind of a declared Hive or Trino type."""
    name = declared.strip().lower()
    found = re.fullmatch(r"decimal\s*(?:\(\s*\d+\s*(?:,\s*(\d+)\s*)?\))?", name)
    if found:
        return int(found[1] or 0)
    if name in ("double", "float", "real"):
        return DOUBLE
    return 0 if name in ("tinyint", "smallint", "int", "integer", "bigint") else None
