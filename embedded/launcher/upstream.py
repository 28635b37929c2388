"""Guards: a patch may only be laid over exactly the upstream code it was written against."""

import functools
import hashlib
import importlib
import inspect
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

MINISTACK_VERSION = version("ministack")


class UpstreamChanged(RuntimeError):
    """ministack is not the code that a patch corrects; the patch has to be looked at again."""


def named(path: str) -> Any:
    """The object that `module:qualified.name` names, below the package ministack."""
    module_name, _, qualified = path.partition(":")
    try:
        found = importlib.import_module(f"ministack.{module_name}")
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as missing:
        raise UpstreamChanged(
            f"ministack {MINISTACK_VERSION} has no {path}: {missing}"
        ) from missing
    return found


# Once for each: two patches may correct the same code, and reading it takes milliseconds.
@functools.cache
def fingerprint(path: str) -> str:
    """The first 12 hex digits of the SHA-256 of the named object's source, or of a text's value."""
    found = named(path)
    text = found if isinstance(found, str) else inspect.getsource(found)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def expect(patch: str, expected: Mapping[str, str]) -> None:
    """Raise UpstreamChanged unless each named object has the fingerprint the patch was made for."""
    for path, known in expected.items():
        seen = fingerprint(path)
        if seen != known:
            raise UpstreamChanged(
                f"patch {patch} corrects {path} as fingerprinted {known}, but ministack "
                f"{MINISTACK_VERSION} has {seen}: compare the two, adapt the patch and its test, "
                "then record the new fingerprint"
            )
