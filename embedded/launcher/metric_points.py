"""The data points of CloudWatch's metrics: few enough to keep, exact enough for alarms.

They lie in ministack's own store, in its form. Equal values of one minute are one point with a
count. A metric with too many points has its older half put together, by minutes, then by five
minutes, then by hours: sums, counts, least and greatest stay what they were. Percentiles over that
part are gone. CloudWatch itself goes from minutes to five minutes after 15 days.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.services import cloudwatch

from embedded.launcher.embedded_metrics import Point
from embedded.launcher.environment import ACCOUNT_ID, REGION

logger = logging.getLogger("lake.metrics")

KEPT_SECONDS = 15 * 24 * 3600
MAX_POINTS = 4_000
MAX_METRICS = 2_000
_COARSER = (60, 300, 3600)
# How far back an equal value of the same minute is looked for.
_NEIGHBOURS = 16

Stored = dict[str, Any]
Key = tuple[str, str, str]

_lock = threading.RLock()
_full: list[str] = []
# Called after points were added, in the thread that added them.
listeners: list[Callable[[], None]] = []


def record(points: Iterable[Point]) -> None:
    """Keep points, and tell the listeners."""
    given = list(points)
    for point in given:
        for value in point.values:
            _add(
                (point.namespace, point.name, cloudwatch._dims_key(dict(point.dimensions))),
                {
                    "Timestamp": point.at,
                    "Value": value,
                    "Unit": point.unit,
                    "Dimensions": dict(point.dimensions),
                },
            )
    if given:
        for told in listeners:
            told()


def publish(namespace: str, dimensions: Mapping[str, str], **values: tuple[float, str]) -> None:
    """Keep a value with its unit for each named metric of one of AWS's services, as of now."""
    now = time.time()
    record(
        Point(namespace, name, dimensions, unit, now, (float(value),))
        for name, (value, unit) in values.items()
    )


def add_stored(key: Key, point: Stored) -> None:
    """Keep a point in ministack's form, as PutMetricData makes it, and tell nobody."""
    _add(key, point)


def _add(key: Key, point: Stored) -> None:
    with _lock:
        store = cloudwatch._metrics._data
        kept = store.get((ACCOUNT_ID, REGION, key))
        if kept is None:
            if len(store) >= MAX_METRICS:
                _say_full(key)
                return
            kept = store[(ACCOUNT_ID, REGION, key)] = []
        if not _counted(kept, point):
            kept.append(point)
            if len(kept) > MAX_POINTS:
                _put_together(kept)


def _counted(kept: list[Stored], point: Stored) -> bool:
    """Whether an equal value of the same minute was there, and has been counted up."""
    if "_stat" in point:
        return False
    minute = point["Timestamp"] // 60
    for other in kept[-_NEIGHBOURS:]:
        if (
            "_stat" not in other
            and other["Timestamp"] // 60 == minute
            and other["Value"] == point["Value"]
            and other["Unit"] == point["Unit"]
        ):
            other["Count"] = other.get("Count", 1.0) + point.get("Count", 1.0)
            return True
    return False


def _put_together(kept: list[Stored]) -> None:
    kept.sort(key=lambda point: point["Timestamp"])
    half = len(kept) // 2
    old, new = kept[:half], kept[half:]
    for seconds in _COARSER:
        old = _by(seconds, old)
        if len(old) <= half // 2:
            break
    # Hours of 15 days are few; what is left over lies further back than that.
    kept[:] = [*old[-half // 2 :], *new]


def _by(seconds: int, points: list[Stored]) -> list[Stored]:
    groups: dict[tuple[float, str], list[Stored]] = {}
    for point in points:
        groups.setdefault((point["Timestamp"] // seconds, point["Unit"]), []).append(point)
    return [
        group[0] if len(group) == 1 else {**group[0], **_together(group)}
        for group in groups.values()
    ]


def _together(group: list[Stored]) -> Stored:
    figures = cloudwatch._calc_stats(group)
    mean = figures.pop("Average")
    return {"Value": mean, "_stat": figures}


def _say_full(key: Key) -> None:
    if not _full:
        logger.warning(
            "%s metrics are kept, and no more: %s/%s {%s} is left out, and so is every other new "
            "one. A dimension with many values makes many metrics.",
            MAX_METRICS,
            *key,
        )
        _full.append(key[1])


def evict() -> None:
    """Drop what is older than 15 days."""
    oldest = time.time() - KEPT_SECONDS
    with _lock:
        store = cloudwatch._metrics._data
        for key, kept in list(store.items()):
            if any(point["Timestamp"] < oldest for point in kept):
                kept[:] = [point for point in kept if point["Timestamp"] >= oldest]
            if not kept:
                del store[key]


def of(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[Stored]:
    """The points of one metric: its dimensions are exactly these, as for CloudWatch."""
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    with _lock:
        return list(cloudwatch._metrics._data.get((ACCOUNT_ID, REGION, key), ()))


def series(
    points: Iterable[Stored],
    statistic: str,
    period: int,
    start: float,
    end: float,
    unit: str | None = None,
) -> dict[float, float]:
    """The statistic of each period from `start` on that has points, by the period's first second.

    `statistic` is Sum, Average, Minimum, Maximum, SampleCount or a percentile such as p99. Periods
    are counted from `start`; only points of `unit`, where one is given, count.
    """
    groups: dict[float, list[Stored]] = {}
    for point in points:
        if start <= point["Timestamp"] < end and (not unit or point["Unit"] == unit):
            begin = start + (point["Timestamp"] - start) // period * period
            groups.setdefault(begin, []).append(point)
    found = {
        begin: cloudwatch._stat_value(cloudwatch._calc_stats(group), statistic, group)
        for begin, group in sorted(groups.items())
    }
    return {begin: value for begin, value in found.items() if value is not None}


def fetch(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    unit: str | None,
    period: int,
    start: float,
    end: float,
) -> dict[float, float]:
    """The series of one metric (see `series`)."""
    return series(of(namespace, name, dimensions), statistic, period, start, end, unit)
