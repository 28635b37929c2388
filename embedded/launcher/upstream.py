"""Guards: a patch may be applied only to the exact ministack code for which it was written."""

import functools
import hashlib
import importlib
import inspect
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

MINISTACK_VERSION = version("ministack")


class UpstreamChanged(RuntimeError):
    """ministack's code has changed since a patch was written; the patch must be reviewed."""


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


# Cached: several patches may correct the same code, and reading it takes milliseconds.
@functools.cache
def fingerprint(path: str) -> str:
    """The first 12 hex digits of the SHA-256 of the named object's source, or of a text's value."""
    found = named(path)
    text = found if isinstance(found, str) else inspect.getsource(found)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def expect(patch: str, expected: Mapping[str, str]) -> None:
    """Raises UpstreamChanged unless each named object has the fingerprint of the patch."""
    for path, known in expected.items():
        seen = fingerprint(path)
        if seen != known:
            raise UpstreamChanged(
                f"patch {patch} corrects {path} as fingerprinted {known}, but ministack "
                f"{MINISTACK_VERSION} has {seen}: compare the two, adapt the patch and its test, "
                "then record the new fingerprint"
            )
