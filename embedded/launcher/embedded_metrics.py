"""CloudWatch's embedded metric format: the data points in a log line.

The members and their limits are from the CloudWatch User Guide's page "Specification: Embedded
metric format". It does not say what CloudWatch does with invalid parts. This module leaves out the
smallest invalid part (a value, a dimension set, a directive) and reports it.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_METRICS = 100
MAX_VALUES = 100
MAX_DIMENSIONS = 30
MAX_NAME = 1024
MAX_DIMENSION_NAME = 250
MAX_NAMESPACE = 255
# PutMetricData's reference: a point may be at most two weeks old, or two hours in the future.
OLDEST_SECONDS = 14 * 24 * 3600
AHEAD_SECONDS = 2 * 3600

# StandardUnit of the CloudWatch API Reference, MetricDatum.
_BYTES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")
_BITS = ("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits")
UNITS = frozenset(
    ("Seconds", "Microseconds", "Milliseconds", *_BYTES, *_BITS, "Percent", "Count", "None")
    + tuple(f"{unit}/Second" for unit in (*_BYTES, *_BITS, "Count"))
)


@dataclass(frozen=True)
class Point:
    """Values of one metric at one time (seconds since 1970), with one set of dimensions."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    unit: str
    at: float
    values: tuple[float, ...]


@dataclass
class Extracted:
    """The points of a document, and a sentence for each part that was left out."""

    points: list[Point] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Wrong(Exception):
    """A part of a document violates the format; the text names the part and the rule."""


def extract(line: str, now: float | None = None) -> Extracted | None:
    """The points of a log line; None for a line in another format.

    `now` is in seconds since 1970, by default the current time. Never raises for invalid lines.
    """
    # Not stripped: CloudWatch reads only lines that are JSON from the first to the last character.
    if not (line.startswith("{") and '"_aws"' in line):
        return None
    try:
        root = json.loads(line)
    except (ValueError, RecursionError):
        return None
    about = root.get("_aws")
    if not isinstance(about, dict) or "CloudWatchMetrics" not in about:
        return None
    found = Extracted()
    try:
        at = _moment(about.get("Timestamp"), time.time() if now is None else now)
        directives = _listed(about["CloudWatchMetrics"], "_aws.CloudWatchMetrics")
    except _Wrong as wrong:
        found.problems.append(str(wrong))
        return found
    for number, directive in enumerate(directives):
        where = f"_aws.CloudWatchMetrics[{number}]"
        try:
            for part in _directive(root, directive, where, at):
                if isinstance(part, Point):
                    found.points.append(part)
                else:
                    found.problems.append(part)
        except _Wrong as wrong:
            found.problems.append(str(wrong))
    return found


def _directive(root: Any, directive: Any, where: str, at: float) -> Iterator[Point | str]:
    if not isinstance(directive, dict):
        raise _Wrong(f"{where} is not an object")
    namespace = _text(directive.get("Namespace"), f"{where}.Namespace", MAX_NAMESPACE)
    metrics = _listed(directive.get("Metrics"), f"{where}.Metrics")
    if len(metrics) > MAX_METRICS:
        raise _Wrong(f"{where}.Metrics has {len(metrics)} metrics, more than {MAX_METRICS}")
    sets = []
    for number, names in enumerate(_listed(directive.get("Dimensions"), f"{where}.Dimensions")):
        try:
            sets.append(_dimensions(root, names, f"{where}.Dimensions[{number}]"))
        except _Wrong as wrong:
            yield str(wrong)
    for number, metric in enumerate(metrics):
        try:
            name, unit, values = _metric(root, metric, f"{where}.Metrics[{number}]")
        except _Wrong as wrong:
            yield str(wrong)
            continue
        for dimensions in sets:
            yield Point(namespace, name, dimensions, unit, at, values)


def _moment(milliseconds: Any, now: float) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise _Wrong("_aws.Timestamp is not a number of milliseconds since 1970")
    at = milliseconds / 1000
    if not now - OLDEST_SECONDS <= at <= now + AHEAD_SECONDS:
        raise _Wrong(f"_aws.Timestamp {milliseconds} is over two weeks old or two hours ahead")
    return at


def _dimensions(root: Any, names: Any, where: str) -> dict[str, str]:
    if len(_listed(names, where)) > MAX_DIMENSIONS:
        raise _Wrong(f"{where} has {len(names)} dimensions, more than {MAX_DIMENSIONS}")
    return {
        _text(name, f"a name in {where}", MAX_DIMENSION_NAME): _text(
            root.get(name), f"the member {name!r}, a dimension of {where},", MAX_NAME
        )
        for name in names
    }


def _metric(root: Any, metric: Any, where: str) -> tuple[str, str, tuple[float, ...]]:
    if not isinstance(metric, dict):
        raise _Wrong(f"{where} is not an object")
    name = _text(metric.get("Name"), f"{where}.Name", MAX_NAME)
    unit = metric.get("Unit", "None")
    if unit not in UNITS:
        raise _Wrong(f"{where} ({name}) has the unit {unit!r}, which CloudWatch does not know")
    if metric.get("StorageResolution", 60) not in (1, 60):
        raise _Wrong(f"{where}.StorageResolution ({name}) is neither 1 nor 60")
    if name not in root:
        raise _Wrong(f"{where} names {name!r}, which is not a member of the document")
    member = root[name]
    values = member if isinstance(member, list) else [member]
    if not 1 <= len(values) <= MAX_VALUES:
        raise _Wrong(f"the member {name!r} has {len(values)} values, expected 1 to {MAX_VALUES}")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise _Wrong(f"the member {name!r} holds {value!r}, expected numbers")
    return name, unit, tuple(float(value) for value in values)


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(f"{where} is not a list")
    return value


def _text(value: Any, where: str, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise _Wrong(f"{where} is not a string of 1 to {longest} characters")
    return value
