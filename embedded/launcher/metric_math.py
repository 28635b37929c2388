"""CloudWatch's metric math: expressions of numbers, time series and lists of time series.

The functions are from the CloudWatch User Guide's page "Using math expressions with CloudWatch
metrics". SEARCH, anomaly detection, Metrics Insights and date functions are not supported: an
expression with one of them is rejected.
"""

import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Values by their period's first second.
Series = dict[float, float]
Value = float | Series | list[Series]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))"
)
MAX_DEPTH = 50


class MathError(ValueError):
    """An expression is invalid, or its values do not fit; the text gives the reason."""


@dataclass(frozen=True)
class Scope:
    """The input of an expression.

    `values` are by id; `metrics` are the metrics' series, in order; `period` is in seconds; `times`
    are the first seconds of all requested periods.
    """

    values: Mapping[str, Value]
    metrics: Sequence[Series]
    period: int
    times: Sequence[float]


Node = Callable[[Scope], Value]


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `names` are the ids in it."""

    text: str
    names: frozenset[str]
    _node: Node

    def over(self, scope: Scope) -> Value:
        """Compute the value; raises MathError when the input does not fit."""
        return self._node(scope)


def parse(text: str) -> Expression:
    """Parse an expression; raises MathError when it is invalid or not supported."""
    parser = _Parser(text)
    node = parser.whole()
    return Expression(text, frozenset(parser.names), node)


def each(value: Value, function: Callable[[float], float | None]) -> Value:
    """Apply `function` to a number or to every point; a point whose result is None is dropped."""
    if isinstance(value, list):
        return [_each_point(series, function) for series in value]
    if isinstance(value, dict):
        return _each_point(value, function)
    found = function(value)
    return math.nan if found is None else found


def _each_point(series: Series, function: Callable[[float], float | None]) -> Series:
    found = {at: function(value) for at, value in series.items()}
    return {at: value for at, value in found.items() if value is not None}


def _joined(left: Value, right: Value, function: Callable[[float, float], float | None]) -> Value:
    """Combine the points that both have, like CloudWatch; a number is combined with every point."""
    if isinstance(left, list) and isinstance(right, list):
        raise MathError("two lists of series cannot be combined")
    if isinstance(left, list):
        return [_one_series(_joined(series, right, function)) for series in left]
    if isinstance(right, list):
        return [_one_series(_joined(left, series, function)) for series in right]
    if isinstance(left, dict) and isinstance(right, dict):
        both = {at: function(value, right[at]) for at, value in left.items() if at in right}
        return {at: value for at, value in both.items() if value is not None}
    if isinstance(left, dict):
        return each(left, lambda value: function(value, right))
    return each(right, lambda value: function(left, value))


def _one_series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MathError("a time series is needed here")
    return value


def _divided(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        found = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return found if isinstance(found, float | int) else None


_OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divided,
    "^": _power,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}
_SAME = {"&&": "AND", "||": "OR"}
# Operators, from the lowest to the highest precedence.
_LEVELS = (("OR",), ("AND",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/"), ("^",))


class _Parser:
    def __init__(self, text: str):
        self._text = text
        self._tokens = self._read(text)
        self._at = 0
        self._depth = 0
        self.names: set[str] = set()

    @staticmethod
    def _read(text: str) -> list[str]:
        found, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise MathError(f"'{text}': {text[at:].lstrip()[:10]!r} is not understood")
            token = match.group().strip()
            found.append(_SAME.get(token, token))
            at = match.end()
        return found

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str) -> None:
        if self._next() != wanted:
            raise MathError(f"'{self._text}': {wanted!r} is expected before {self._next()!r}")
        self._at += 1

    def whole(self) -> Node:
        node = self._level(0)
        if self._next():
            raise MathError(f"'{self._text}': nothing is expected before {self._next()!r}")
        return node

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._atom()
        node = self._level(level + 1)
        while self._next() in _LEVELS[level]:
            sign = self._next()
            self._at += 1
            node = _operation(sign, node, self._level(level + 1))
        return node

    def _atom(self) -> Node:
        token = self._next()
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise MathError(f"'{self._text}' is nested deeper than {MAX_DEPTH}")
        try:
            return self._atom_of(token)
        finally:
            self._depth -= 1

    def _atom_of(self, token: str) -> Node:
        if token == "-":
            inner = self._atom()
            return lambda scope: each(inner(scope), lambda value: -value)
        if token == "(":
            inner = self._level(0)
            self._take(")")
            return inner
        if token == "[":
            nodes = self._arguments("]")
            return lambda scope: _as_list([node(scope) for node in nodes])
        if token[:1].isdigit() or token[:1] == ".":
            number = float(token)
            return lambda _scope: number
        if token[:1].isalpha() and self._next() == "(":
            self._at += 1
            return self._call(token)
        if token[:1].islower():
            self.names.add(token)
            return lambda scope: _named(scope, token)
        if token in ("TRUE", "FALSE"):
            return lambda _scope: float(token == "TRUE")
        raise MathError(f"'{self._text}': {token or 'its end'!r} is not expected there")

    def _arguments(self, end: str) -> list[Node]:
        found: list[Node] = []
        while self._next() != end:
            if found:
                self._take(",")
            found.append(self._level(0))
        self._take(end)
        return found

    def _call(self, name: str) -> Node:
        name = name.upper()
        if name == "FILL":
            return self._fill()
        nodes = self._arguments(")")
        if name not in _FUNCTIONS:
            raise MathError(f"'{self._text}': the embedded cloud has no function {name}")
        least, most, function = _FUNCTIONS[name]
        if not least <= len(nodes) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise MathError(f"'{self._text}': {name} takes {wanted} values, not {len(nodes)}")
        return lambda scope: function(scope, *[node(scope) for node in nodes])

    def _fill(self) -> Node:
        of = self._level(0)
        self._take(",")
        if self._next() in ("REPEAT", "LINEAR"):
            way: str | Node = self._next()
            self._at += 1
        else:
            way = self._level(0)
        self._take(")")

        def filled(scope: Scope) -> Value:
            value = of(scope)
            by = way if isinstance(way, str) else way(scope)
            if isinstance(value, list):
                return [_filled(series, by, scope) for series in value]
            return _filled(_one_series(value), by, scope)

        return filled


def _operation(sign: str, left: Node, right: Node) -> Node:
    function = _OPERATORS[sign]
    return lambda scope: _joined(left(scope), right(scope), function)


def _named(scope: Scope, name: str) -> Value:
    if name not in scope.values:
        raise MathError(f"no metric or expression has the id {name!r}")
    return scope.values[name]


def _as_list(values: Sequence[Value]) -> list[Series]:
    found: list[Series] = []
    for value in values:
        found.extend(value if isinstance(value, list) else [_one_series(value)])
    return found


def _filled(series: Series, by: str | Value, scope: Scope) -> Series:
    if isinstance(by, list):
        raise MathError("FILL takes a number or a series to fill with, REPEAT or LINEAR")
    found: Series = {}
    known = sorted(series)
    for at in scope.times:
        if at in series:
            found[at] = series[at]
        elif isinstance(by, dict):
            if at in by:
                found[at] = by[at]
        elif not isinstance(by, str):
            found[at] = by
        else:
            before = max((one for one in known if one < at), default=None)
            after = min((one for one in known if one > at), default=None)
            if by == "REPEAT" and before is not None:
                found[at] = series[before]
            elif by == "LINEAR" and before is not None and after is not None:
                share = (at - before) / (after - before)
                found[at] = series[before] + share * (series[after] - series[before])
    return found


def _reduced(function: Callable[[Sequence[float]], float]) -> Callable[..., Value]:
    """Reduce a series to one number, or a list of series to one series, point by point."""

    def reduce(_scope: Scope, *values: Value) -> Value:
        if len(values) > 1:
            # SUM([a, b]) may be written SUM(a, b), also for numbers.
            if all(not isinstance(value, dict | list) for value in values):
                return function([value for value in values if isinstance(value, float)])
            return reduce(_scope, _as_list(values))
        (value,) = values
        if isinstance(value, list):
            times = sorted({at for series in value for at in series})
            return {at: function([one[at] for one in value if at in one]) for at in times}
        if isinstance(value, dict):
            return function(list(value.values())) if value else {}
        return value

    return reduce


def _chosen(_scope: Scope, condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    if isinstance(condition, list) or isinstance(then, list) or isinstance(otherwise, list):
        raise MathError("IF does not take lists of series")
    if not isinstance(condition, dict):
        chosen = then if condition else otherwise
        return {} if chosen is None else chosen
    found: Series = {}
    for at, holds in condition.items():
        chosen = then if holds else otherwise
        value = chosen.get(at) if isinstance(chosen, dict) else chosen
        if value is not None:
            found[at] = value
    return found


def _each_series(function: Callable[[Scope, Series], Value]) -> Callable[..., Value]:
    def of(scope: Scope, value: Value) -> Value:
        if isinstance(value, list):
            return [_one_series(function(scope, series)) for series in value]
        return function(scope, _one_series(value))

    return of


def _difference(_scope: Scope, series: Series) -> Series:
    times = sorted(series)
    return {b: series[b] - series[a] for a, b in zip(times, times[1:], strict=False)}


def _rate(_scope: Scope, series: Series) -> Series:
    times = sorted(series)
    return {b: (series[b] - series[a]) / (b - a) for a, b in zip(times, times[1:], strict=False)}


def _running(_scope: Scope, series: Series) -> Series:
    total, found = 0.0, {}
    for at in sorted(series):
        total += series[at]
        found[at] = total
    return found


def _metrics(scope: Scope) -> Value:
    return list(scope.metrics)


def _time_series(scope: Scope, value: Value) -> Value:
    if isinstance(value, dict | list):
        raise MathError("TIME_SERIES takes a number")
    return {at: value for at in scope.times}


def _period(scope: Scope, _of: Value) -> Value:
    return float(scope.period)


def _listed(value: Value) -> list[Series]:
    if not isinstance(value, list):
        raise MathError("a list of series is needed here")
    return value


def _nth(at: int) -> Callable[..., Value]:
    def of(_scope: Scope, value: Value) -> Value:
        series = _listed(value)
        return series[at] if series else {}

    return of


def _positive(function: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda value: function(value) if value > 0 else None


def _pointwise(function: Callable[[float], float | None]) -> Callable[..., Value]:
    return lambda _scope, value: each(value, function)


_MANY = 500
# Name -> (minimum number of arguments, maximum number, function).
_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Any]]] = {
    "ABS": (1, 1, _pointwise(abs)),
    "CEIL": (1, 1, _pointwise(lambda value: float(math.ceil(value)))),
    "FLOOR": (1, 1, _pointwise(lambda value: float(math.floor(value)))),
    "LOG": (1, 1, _pointwise(_positive(math.log))),
    "LOG10": (1, 1, _pointwise(_positive(math.log10))),
    "SUM": (1, _MANY, _reduced(math.fsum)),
    "AVG": (1, _MANY, _reduced(statistics.fmean)),
    "MIN": (1, _MANY, _reduced(min)),
    "MAX": (1, _MANY, _reduced(max)),
    "STDDEV": (1, _MANY, _reduced(statistics.pstdev)),
    "DATAPOINT_COUNT": (1, 1, _reduced(lambda values: float(len(values)))),
    "METRIC_COUNT": (1, 1, lambda _scope, value: float(len(_listed(value)))),
    "METRICS": (0, 0, _metrics),
    "FIRST": (1, 1, _nth(0)),
    "LAST": (1, 1, _nth(-1)),
    "REMOVE_EMPTY": (1, 1, lambda _scope, value: [one for one in _listed(value) if one]),
    "IF": (2, 3, _chosen),
    "DIFF": (1, 1, _each_series(_difference)),
    "RATE": (1, 1, _each_series(_rate)),
    "RUNNING_SUM": (1, 1, _each_series(_running)),
    "TIME_SERIES": (1, 1, _time_series),
    "PERIOD": (1, 1, _period),
}
