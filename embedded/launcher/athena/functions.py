"""Translates Trino's functions that DuckDB lacks or defines differently to macros of macros.sql."""

from collections.abc import Callable

from sqlglot import exp

from embedded.launcher.athena.errors import NotSupported


def call(name: str, *arguments: exp.Expression | None) -> exp.Anonymous:
    """A call of a function or macro; an argument that is None is left out."""
    present = [argument for argument in arguments if argument is not None]
    return exp.Anonymous(this=name, expressions=present)


# Functions that sqlglot does not know: Trino's name and our macro's name.
RENAMED = {
    "bit_count": "athena_bit_count",
    "bitwise_left_shift": "athena_left_shift",
    "bitwise_right_shift": "athena_right_shift",
    "every": "bool_and",
    "hamming_distance": "hamming",
    "json_array_length": "athena_json_array_length",
    "map_entries": "athena_map_entries",
    "millisecond": "athena_millisecond",
    "to_base": "athena_to_base",
    "to_milliseconds": "athena_to_milliseconds",
    "url_decode": "athena_url_decode",
    "url_encode": "athena_url_encode",
    "year_of_week": "isoyear",
    "yow": "isoyear",
}

_EXTRACTED = {
    "DOW": "isodow",
    "DAYOFWEEK": "isodow",
    "DAY_OF_WEEK": "isodow",
    "DOY": "dayofyear",
    "DAYOFYEAR": "dayofyear",
    "DAY_OF_YEAR": "dayofyear",
    "DAY_OF_MONTH": "dayofmonth",
    "YOW": "isoyear",
    "YEAR_OF_WEEK": "isoyear",
}


def extracted(node: exp.Extract) -> exp.Expression:
    """In DuckDB Sunday is 0; in Trino Monday is 1."""
    name = _EXTRACTED.get(node.this.name.upper())
    return node if name is None else call(name, node.expression)


def split(node: exp.Split) -> exp.Expression:
    """With a limit, the last part is the complete rest."""
    limit = node.args.get("limit")
    return node if limit is None else call("athena_split", node.this, node.expression, limit)


def split_part(node: exp.SplitPart) -> exp.Expression:
    """A part past the end is NULL."""
    return call("athena_split_part", node.this, node.args["delimiter"], node.args["part_index"])


def substring(node: exp.Substring) -> exp.Expression:
    """Trino counts from 1, or backwards from the end; a start outside the string gives ''."""
    return call("athena_substr", node.this, node.args["start"], node.args.get("length"))


def repeated(node: exp.Repeat) -> exp.Expression:
    """repeat() returns an array in Trino, and a string in DuckDB."""
    return call("athena_repeat", node.this, node.args["times"])


def type_of(node: exp.Typeof) -> exp.Expression:
    """typeof() of a literal includes its length or precision; there are two interval types."""
    value = node.this
    if isinstance(value, exp.Literal) and value.is_string:
        return exp.Literal.string(f"varchar({len(value.name)})")
    if isinstance(value, exp.Interval) and value.unit and value.unit.name in ("MONTH", "YEAR"):
        return exp.Literal.string("interval year to month")
    return call("athena_type_name", call("typeof", value))


def row(node: exp.Struct) -> exp.Expression:
    """row(1, 'a') prints as {field0=1, field1=a}."""
    cast = node.parent
    if isinstance(cast, exp.Cast):
        return node
    fields = [
        value
        if isinstance(value, (exp.PropertyEQ, exp.Alias))
        else exp.PropertyEQ(this=exp.to_identifier(f"field{place}"), expression=value)
        for place, value in enumerate(node.expressions)
    ]
    return exp.Struct(expressions=fields)


def _path(path: exp.Expression) -> exp.Expression:
    """The path of a SQL JSON function without its mode, which must be `lax`."""
    if not isinstance(path, exp.Literal) or not path.name.startswith("lax "):
        raise NotSupported("JSON paths other than a string 'lax $…'")
    return exp.Literal.string(path.name.removeprefix("lax ").strip())


def json_value(node: exp.JSONValue) -> exp.Expression:
    """A scalar as a string; NULL for other values, as without ON ERROR and ON EMPTY."""
    if node.args.get("returning") or node.args.get("on_condition"):
        raise NotSupported("json_value with RETURNING, ON EMPTY or ON ERROR")
    return call("athena_json_scalar", node.this, _path(node.args["path"]))


def json_extract(node: exp.JSONExtract) -> exp.Expression:
    """json_query and json_extract: text that is not JSON gives NULL."""
    path = node.expression
    if node.args.get("json_query"):
        if any(node.args.get(name) for name in ("option", "quote", "on_condition")):
            raise NotSupported("json_query with a wrapper, quotes, ON EMPTY or ON ERROR")
        path = _path(path)
    return call("athena_json_extract", node.this, _text_of(path))


def json_extract_scalar(node: exp.JSONExtractScalar) -> exp.Expression:
    """json_extract_scalar: an object or an array gives NULL."""
    return call("athena_json_scalar", node.this, _text_of(node.expression))


def json_exists(node: exp.Anonymous) -> exp.Expression:
    value, path = node.expressions
    return call("json_exists", value, _path(path))


def _text_of(path: exp.Expression) -> exp.Expression:
    """The text of a parsed path, which DuckDB's functions expect."""
    if isinstance(path, exp.JSONPath):
        return exp.Literal.string(path.sql(dialect="duckdb").strip("'").replace("''", "'"))
    return path


def position(node: exp.StrPosition) -> exp.Expression:
    """strpos() with an occurrence; DuckDB finds only the first one."""
    occurrence = node.args.get("occurrence")
    if occurrence is None:
        return node
    return call("athena_strpos", node.this, node.args["substr"], occurrence)


def size(node: exp.ArraySize) -> exp.Expression:
    """cardinality() of a map literal; the type of a column is not known here."""
    return call("cardinality" if isinstance(node.this, exp.Map) else "len", node.this)


def matched(name: str, array: exp.Expression, test: exp.Expression) -> exp.Expression:
    """any_match and similar functions: NULL if a test that is NULL could change the result."""
    results = call("list_transform", array, test)
    return call(f"athena_{name}", results)


def of_entries(node: exp.Anonymous) -> exp.Expression:
    """Translate map_filter, transform_keys and transform_values to functions of a map's entries."""
    mapping, function = node.expressions
    if not isinstance(function, exp.Lambda) or len(function.expressions) != 2:
        raise NotSupported(f"{node.name}() without a lambda of key and value")
    names = [argument.name for argument in function.expressions]
    fields = {
        name: call("struct_extract", exp.column("entry"), exp.Literal.string(field))
        for name, field in zip(names, ("key", "value"), strict=True)
    }
    body = function.this.copy().transform(
        lambda part: (
            fields[part.name].copy()
            if isinstance(part, (exp.Column, exp.Identifier)) and part.name in fields
            else part
        )
    )
    entries = call("map_entries", mapping)
    if node.name.lower() == "map_filter":
        kept = exp.Lambda(this=body, expressions=[exp.to_identifier("entry")])
        return call("map_from_entries", call("list_filter", entries, kept))
    parts = {
        "key": fields[names[0]],
        "value": fields[names[1]],
        node.name.lower().removeprefix("transform_").removesuffix("s"): body,
    }
    made = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name), expression=value)
            for name, value in parts.items()
        ]
    )
    changed = exp.Lambda(this=made, expressions=[exp.to_identifier("entry")])
    return call("map_from_entries", call("list_transform", entries, changed))


def _simply(name: str, *arguments: str) -> Callable[[exp.Expression], exp.Expression]:
    """Translate a node to a macro call with these arguments in this order."""
    return lambda node: call(name, *(node.args.get(argument) for argument in arguments))


REWRITES: tuple[tuple[type, Callable[..., exp.Expression]], ...] = (
    (exp.Extract, extracted),
    (exp.Split, split),
    (exp.SplitPart, split_part),
    (exp.Substring, substring),
    (exp.Repeat, repeated),
    (exp.Typeof, type_of),
    (exp.Struct, row),
    (exp.JSONValue, json_value),
    (exp.JSONExtract, json_extract),
    (exp.JSONExtractScalar, json_extract_scalar),
    (exp.StrPosition, position),
    (exp.ArraySize, size),
    (exp.ArrayContains, _simply("athena_contains", "this", "expression")),
    (exp.ArrayMax, _simply("athena_array_max", "this")),
    (exp.ArrayMin, _simply("athena_array_min", "this")),
    (exp.ArrayRemove, _simply("athena_array_remove", "this", "expression")),
    (exp.ArrayDistinct, _simply("athena_array_distinct", "this")),
    (exp.Cbrt, _simply("athena_cbrt", "this")),
    (exp.Soundex, _simply("athena_soundex", "this")),
    (exp.StrToMap, _simply("athena_split_to_map", "this", "pair_delim", "key_value_delim")),
)
