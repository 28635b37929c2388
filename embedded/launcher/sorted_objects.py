"""A bucket's objects with their keys in order, so that a page of a listing begins at its marker."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import Any

Page = tuple[list[str], list[str], bool, str]

_MISSING = object()


class SortedObjects(dict[str, Any]):
    """ministack sets and pops single keys; other changes are refused."""

    def __init__(self, objects: Iterable[tuple[str, Any]] = ()):
        super().__init__(objects)
        self.sorted_keys = sorted(self)
        # Athena stores results in its own thread.
        self.lock = threading.Lock()

    def __setitem__(self, key: str, value: Any) -> None:
        with self.lock:
            if key not in self:
                insort(self.sorted_keys, key)
            super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        with self.lock:
            if key in self:
                del self.sorted_keys[bisect_left(self.sorted_keys, key)]
            return super().pop(key) if default is _MISSING else super().pop(key, default)

    def _not_kept_sorted(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("objects are set and popped one at a time")

    setdefault = update = popitem = clear = __ior__ = _not_kept_sorted


def keys_of(objects: dict[str, Any]) -> list[str]:
    """A copy of the keys, in order."""
    if not isinstance(objects, SortedObjects):
        return sorted(objects)
    with objects.lock:
        return objects.sorted_keys.copy()


def page_of(
    objects: dict[str, Any], prefix: str, delimiter: str, max_keys: int, start_after: str
) -> Page:
    """(keys, common prefixes, whether there are more, the last of both) of one page.

    Common prefixes end with the delimiter, and stand for all keys that begin with them. The page
    begins after the key or common prefix `start_after`.
    """
    if not isinstance(objects, SortedObjects):
        return _page(sorted(objects), prefix, delimiter, max_keys, start_after)
    with objects.lock:
        return _page(objects.sorted_keys, prefix, delimiter, max_keys, start_after)


def _page(keys: list[str], prefix: str, delimiter: str, max_keys: int, start_after: str) -> Page:
    place = max(bisect_left(keys, prefix), bisect_right(keys, start_after) if start_after else 0)
    contents: list[str] = []
    groups: list[str] = []
    last = ""
    while place < len(keys) and keys[place].startswith(prefix):
        value, into = keys[place], contents
        end = value.find(delimiter, len(prefix)) if delimiter else -1
        if end < 0:
            place += 1
        else:
            value, into = value[: end + len(delimiter)], groups
            size = len(value)
            place = bisect_right(keys, value, place, key=lambda key, size=size: key[:size])
        # A marker in a group, or the group's own, is behind all of it.
        if start_after and value <= start_after:
            continue
        if len(contents) + len(groups) >= max_keys:
            return contents, groups, True, last
        into.append(value)
        last = value
    return contents, groups, False, last
