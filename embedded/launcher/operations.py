"""Finds the operation of a request with the service's model, which botocore ships."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

import botocore.loaders


@dataclass(frozen=True)
class _Route:
    """The route of one operation of a REST service."""

    name: str
    method: str
    path: re.Pattern[str]
    # Required query parameters and headers; "" matches any value.
    query: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]
    # S3's deprecated operations share the route of their replacements.
    deprecated: bool

    def takes(
        self, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> bool:
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(name in query and value in ("", query[name][0]) for name, value in self.query)
            and all(name in headers for name in self.headers)
        )


# Services whose operation follows from method and path. Other services send its name.
_REST = ("s3", "lambda")


def operation(
    service: str, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> str:
    """`service:Operation`; only `service:` if neither a header nor the path names the operation.

    `service` is the request's signing name; the names of `headers` are lower-case. The query
    protocol names its operation in the body, which is not read here.
    """
    target = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if target or service not in _REST:
        return f"{service}:{target or ''.join(query.get('Action', []))}"
    found = [one for one in _routes(service) if one.takes(method, path, query, headers)]
    best = max(
        found, key=lambda one: (len(one.query) + len(one.headers), not one.deprecated), default=None
    )
    return f"{service}:{best.name if best else ''}"


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = botocore.loaders.Loader().load_service_model(service, "service-2")
    return tuple(_route(model, name) for name in sorted(model["operations"]))


def _route(model: Mapping, name: str) -> _Route:
    operation = model["operations"][name]
    uri, _, constants = operation["http"]["requestUri"].partition("?")
    shape = model["shapes"].get(operation.get("input", {}).get("shape", ""), {})
    required = [shape["members"][member] for member in shape.get("required", [])]
    query = {key: values[0] for key, values in parse_qs(constants, True).items()}
    query |= {one["locationName"]: "" for one in required if one.get("location") == "querystring"}
    headers = [one["locationName"].lower() for one in required if one.get("location") == "header"]
    return _Route(
        name,
        operation["http"]["method"],
        _pattern(uri),
        tuple(query.items()),
        tuple(headers),
        operation.get("deprecated", False),
    )


def _pattern(uri: str) -> re.Pattern[str]:
    """`/{Bucket}/{Key+}` as a pattern: only a label with a plus may contain slashes."""
    parts = re.split(r"(\{[^}]+\})", uri.rstrip("/"))
    pieces = [
        re.escape(part)
        if not part.startswith("{")
        else ("(?:.+)" if part.endswith("+}") else "[^/]+")
        for part in parts
    ]
    return re.compile("".join(pieces) + "/?", re.DOTALL)
