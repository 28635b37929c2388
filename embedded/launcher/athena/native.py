"""Trino's functions that are hard to write in DuckDB's SQL, as Python functions of the worker."""

import math
import re
import zlib
from collections.abc import Callable
from urllib.parse import quote_plus, unquote_plus

import duckdb

from embedded.launcher.athena.results import java_double


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the functions. They are deterministic, and NULL for a NULL argument."""
    functions: tuple[tuple[str, Callable, list[str], str], ...] = (
        ("athena_double_text", java_double, ["DOUBLE"], "VARCHAR"),
        ("athena_cbrt", math.cbrt, ["DOUBLE"], "DOUBLE"),
        ("athena_type_name", type_name, ["VARCHAR"], "VARCHAR"),
        ("athena_url_encode", url_encode, ["VARCHAR"], "VARCHAR"),
        ("athena_url_decode", lambda text: unquote_plus(text), ["VARCHAR"], "VARCHAR"),
        ("from_base", from_base, ["VARCHAR", "BIGINT"], "BIGINT"),
        ("athena_soundex", soundex, ["VARCHAR"], "VARCHAR"),
        ("crc32", lambda data: zlib.crc32(data), ["BLOB"], "BIGINT"),
    )
    for name, function, arguments, answer in functions:
        connection.create_function(name, function, arguments, answer)


def url_encode(text: str) -> str:
    """Encode like java.net.URLEncoder, as in Trino: blank becomes +, ~ is encoded, * is not."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def from_base(text: str, radix: int) -> int:
    """Raises ValueError for an invalid number of that base, which fails the query as in Trino."""
    return int(text, radix)


def soundex(text: str) -> str:
    """The American Soundex of Apache Commons Codec."""
    codes = {
        letter: str(code)
        for code, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), start=1)
        for letter in letters
    }
    letters = [letter for letter in text.lower() if "a" <= letter <= "z"]
    if not letters:
        return ""
    found = letters[0].upper()
    last = codes.get(letters[0], "")
    for letter in letters[1:]:
        code = codes.get(letter, "")
        if code and code != last:
            found += code
        # Vowels separate two letters of one code; h and w do not.
        if letter not in "hw":
            last = code
    return found[:4].ljust(4, "0")


_SIMPLE = {
    "INTEGER_LITERAL": "integer",
    "STRING_LITERAL": "varchar",
    '"NULL"': "unknown",
    "FLOAT": "real",
    "HUGEINT": "bigint",
    "UBIGINT": "bigint",
    "UINTEGER": "bigint",
    "BLOB": "varbinary",
    "TIME": "time(3)",
    "TIMESTAMP": "timestamp(3)",
    "TIMESTAMP_S": "timestamp(0)",
    "TIMESTAMP_MS": "timestamp(3)",
    "TIMESTAMP_NS": "timestamp(9)",
    "TIMESTAMP WITH TIME ZONE": "timestamp(3) with time zone",
    "INTERVAL": "interval day to second",
}


def type_name(of: str) -> str:
    """Trino's name of a DuckDB type. The length of a varchar is not known here."""
    if of.endswith("[]"):
        return f"array({type_name(of[:-2])})"
    nested = re.fullmatch(r"(MAP|STRUCT)\((.*)\)", of)
    if nested is None:
        return _SIMPLE.get(of, of.lower())
    parts = _parts(nested[2])
    if nested[1] == "MAP":
        return f"map({', '.join(map(type_name, parts))})"
    fields = [re.fullmatch(r'("(?:[^"]|"")*"|\w+) (.*)', part) for part in parts]
    return f"row({', '.join(_field(field[1], field[2]) for field in fields if field)})"


def _field(name: str, of: str) -> str:
    anonymous = re.fullmatch(r'"?field\d+"?', name)
    return type_name(of) if anonymous else f'"{name.strip(chr(34))}" {type_name(of)}'


def _parts(text: str) -> list[str]:
    """Split the text at the commas of the outermost level."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]
