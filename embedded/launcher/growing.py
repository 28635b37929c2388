"""Stores lists that grow at their end in parts that are written once.

A stream's records and the history of queries only grow, and lose their oldest items. A snapshot
writes what came since the last one:

    <prefix>-<hash>-<n>   a part: `size` items that never change
    <prefix>-<hash>       {"key", "parts": [[n, items of it that were dropped], …], "last": [items]}

`n` counts the parts of a list since its beginning.
"""

import hashlib
import json
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Key = tuple[str, ...]
Sources = dict[str, Callable[[], Any]]


@dataclass
class _Part:
    number: int
    items: list[Any]
    dropped: int = 0


class GrowingLists:
    """Finds the parts that must be written, and restores the lists from their parts.

    An item of a part must not change. Items are known by identity, so a list may be a new one each
    time, with the same items. A list that has changed in another way is stored anew.
    """

    def __init__(self, prefix: str, size: int):
        self._prefix = f"{prefix}-"
        self._size = size
        self._parts: dict[Key, list[_Part]] = {}
        self._next: dict[Key, int] = {}

    def due(
        self,
        lists: Mapping[Key, Sequence[Any]],
        written: Collection[str],
        final: Callable[[Any], bool] = lambda _: True,
    ) -> Sources:
        """The parts to write; `written` are names on disk.

        An item that is not `final` may change yet, and is in no part.
        """
        sources: Sources = {}
        for key, items in lists.items():
            parts = self._parts[key] = self._still_held(self._parts.get(key, []), items)
            place = sum(len(part.items) - part.dropped for part in parts)
            while len(fresh := list(items[place : place + self._size])) == self._size and all(
                map(final, fresh)
            ):
                number = self._next.get(key, 0)
                self._next[key] = number + 1
                parts.append(_Part(number, fresh))
                place += self._size
            name = self._name(key)
            for part in parts:
                if f"{name}-{part.number}" not in written:
                    sources[f"{name}-{part.number}"] = _value(part.items)
            sources[name] = _value(
                {
                    "key": list(key),
                    "parts": [[part.number, part.dropped] for part in parts],
                    "last": list(items[place:]),
                }
            )
        for key in self._parts.keys() - lists.keys():
            del self._parts[key]
        return sources

    def gone(self, written: Collection[str]) -> set[str]:
        """Names on disk that belong to no list, as of the last `due`."""
        kept = {self._name(key) for key in self._parts}
        kept |= {
            f"{self._name(key)}-{p.number}" for key, parts in self._parts.items() for p in parts
        }
        return {name for name in written if name.startswith(self._prefix) and name not in kept}

    def restore(self, payloads: dict[str, Any]) -> dict[Key, list[Any]]:
        """Remove the parts from a snapshot's payloads and return the lists they form."""
        own = {name: payloads.pop(name) for name in list(payloads) if name.startswith(self._prefix)}
        found = {}
        for name, head in own.items():
            if not isinstance(head, dict):
                continue
            key: Key = tuple(head["key"])
            parts = [
                _Part(number, own[f"{name}-{number}"], dropped) for number, dropped in head["parts"]
            ]
            self._parts[key] = parts
            self._next[key] = parts[-1].number + 1 if parts else 0
            found[key] = [item for part in parts for item in part.items[part.dropped :]]
            found[key] += head["last"]
        return found

    def _still_held(self, parts: list[_Part], items: Sequence[Any]) -> list[_Part]:
        """The parts that the list still holds, without those that were dropped from its front."""
        rest = list(parts)
        if not items:
            return []
        while rest:
            found = [n for n, item in enumerate(rest[0].items) if item is items[0]]
            if found:
                rest[0] = _Part(rest[0].number, rest[0].items, found[0])
                break
            rest.pop(0)
        place = 0
        for part in rest:
            held = part.items[part.dropped :]
            # Not the rest of the list: a copy for each part would take quadratic time.
            now = items[place : place + len(held)]
            if len(now) < len(held) or not all(map(operator.is_, held, now)):
                return []
            place += len(held)
        return rest

    def _name(self, key: Key) -> str:
        return self._prefix + hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def _value(value: Any) -> Callable[[], Any]:
    return lambda: value
