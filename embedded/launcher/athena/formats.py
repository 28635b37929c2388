"""Translates format('%s has %,d', a, b), which uses Java's format strings, to DuckDB."""

import re

from sqlglot import exp

from embedded.launcher.athena.errors import NotSupported, QueryFailed

_SPECIFIER = re.compile(
    r"%(?P<flags>[-+0, ]*)(?P<width>\d*)(?P<precision>\.\d+)?(?P<kind>[a-zA-Z%])"
)


def formatted(arguments: list[exp.Expression]) -> exp.Expression:
    """The result of format(pattern, values...) as one DuckDB expression.

    Raises NotSupported for a pattern that is not a constant, or a specifier other than %s, %d, %f,
    %e, %x and %%; QueryFailed when there are fewer values than specifiers.
    """
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
    return exp.Anonymous(this="concat", expressions=pieces or [exp.Literal.string("")])


def _piece(found: re.Match[str], value: exp.Expression) -> exp.Expression:
    """One specifier with its value. DuckDB's format() uses Python's format strings."""
    flags, width, precision, kind = found.group("flags", "width", "precision", "kind")
    if kind == "s":
        text = exp.Coalesce(
            this=exp.Anonymous(this="athena_text", expressions=[value]),
            expressions=[exp.Literal.string("null")],
        )
        side = "<" if "-" in flags else ">"
        return _format(f"{{:{side}{width}}}", text) if width else text
    if kind not in "dfexX":
        raise NotSupported(f"%{kind} in format()")
    side = "<" if "-" in flags else ""
    sign = "+" if "+" in flags else ""
    zero = "0" if "0" in flags and width else ""
    comma = "," if "," in flags else ""
    # Java's default for %f and %e is six decimals.
    digits = precision or (".6" if kind in "fe" else "")
    number = exp.cast(value, "bigint" if kind in "dxX" else "double")
    return _format(f"{{:{side}{sign}{zero}{width}{comma}{digits}{kind}}}", number)


def _format(pattern: str, value: exp.Expression) -> exp.Expression:
    arguments = [exp.Literal.string(pattern), value]
    return exp.Anonymous(this="format", expressions=arguments)
