"""Random damage to an NDJSON object, and a strict reading of what is left of it."""

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

# Signs that people's tools and broken connections put into files.
ODD = ("\x00", "\x07", "\x1b[2J", "\x7f", "\x85", "\u202e", "\u2028", "\ufeff", "\ufffd", "\u0301")


def _at(random_: random.Random, content: bytes) -> int:
    return random_.randrange(len(content)) if content else 0


def _insert(random_: random.Random, content: bytes, what: bytes) -> bytes:
    place = _at(random_, content)
    return content[:place] + what + content[place:]


def cut(random_: random.Random, content: bytes) -> bytes:
    return content[: _at(random_, content)]


def flip_bit(random_: random.Random, content: bytes) -> bytes:
    place = _at(random_, content)
    changed = bytearray(content)
    changed[place] ^= 1 << random_.randrange(8)
    return bytes(changed)


def lose_part(random_: random.Random, content: bytes) -> bytes:
    start, end = sorted((_at(random_, content), _at(random_, content)))
    return content[:start] + content[end:]


def insert_odd(random_: random.Random, content: bytes) -> bytes:
    return _insert(random_, content, random_.choice(ODD).encode())


def insert_byte(random_: random.Random, content: bytes) -> bytes:
    return _insert(random_, content, bytes([random_.randrange(0x80, 0x100)]))


def insert_line_end(random_: random.Random, content: bytes) -> bytes:
    return _insert(random_, content, random_.choice([b"\n", b"\r", b"\r\n", b"\n\n\n"]))


def other_line_ends(random_: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", random_.choice([b"\r", b"\r\n", b"\n \n"]))


def as_utf_16(random_: random.Random, content: bytes) -> bytes:
    return content.decode().encode(random_.choice(["utf-16", "utf-16-le"]))


def as_latin_1(random_: random.Random, content: bytes) -> bytes:
    return content.decode().replace("sunny", "sünny").encode("latin-1", "replace")


def repeat_line(random_: random.Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return content + random_.choice(lines) * random_.randrange(1, 3)


def join_lines(random_: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", b"", random_.randrange(1, 3))


VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e400, 2**70, "", " ", "NaN", [], {}, [[1]], {"id": "1"}),
    *("['a']", "0x10", "1e3", "٣", "+3", "1_000", "2026-11-20", "2026-11-20T25:00:00Z", "9" * 400),
)


def _objects(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def _lines(objects: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in objects).encode()


def other_value(random_: random.Random, content: bytes) -> bytes:
    objects = _objects(content)
    chosen = random_.choice(objects)
    chosen[random_.choice(list(chosen))] = random_.choice(VALUES)
    return _lines(objects)


def other_field(random_: random.Random, content: bytes) -> bytes:
    objects = _objects(content)
    chosen = random_.choice(objects)
    name = random_.choice(list(chosen))
    value = chosen.pop(name)
    chosen[random_.choice([name.upper(), f"{name} ", f"{name}\u200b", "extra"])] = value
    return _lines(objects)


def as_a_list(_: random.Random, content: bytes) -> bytes:
    return json.dumps(_objects(content)).encode()


def packed_badly(random_: random.Random, content: bytes) -> bytes:
    """Damages the bytes of the gzip file itself."""
    packed = gzip.compress(content)
    return random_.choice([cut, flip_bit, lose_part, insert_byte])(random_, packed)


# What `other_value` and `other_field` do to a record is seen by reading it; the rest is damage.
OF_CONTENT: tuple[Mutation, ...] = (
    *(cut, flip_bit, lose_part, insert_odd, insert_byte, insert_line_end, other_line_ends),
    *(as_utf_16, as_latin_1, repeat_line, join_lines, other_value, other_field, as_a_list),
)


def mutated(random_: random.Random, content: bytes) -> tuple[str, bytes]:
    """(name of the mutation, bytes of the `.ndjson.gz` object)."""
    if random_.random() < 0.15:
        return packed_badly.__name__, packed_badly(random_, content)
    mutation = random_.choice(OF_CONTENT)
    return mutation.__name__, gzip.compress(mutation(random_, content))


def text_lines(content: bytes) -> list[bytes]:
    """The lines that are not blank, as Spark cuts them."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [line for line in lines if line.strip(b" \t")]


def strict(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None unless it is UTF-8 and one JSON object of distinct fields."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a field stands twice")
        return dict(pairs)

    def constant(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    try:
        value = json.loads(
            line.decode(), object_pairs_hook=distinct, parse_constant=constant, parse_float=str
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
