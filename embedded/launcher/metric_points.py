"""The data points of CloudWatch's metrics, compacted but exact enough for alarms.

They are in ministack's own store and format. Equal values of one minute are one point with a count.
If a metric has too many points, its older half is merged by minutes, then by five minutes, then by
hours. Sums, counts, minima and maxima stay exact; percentiles of that half are lost. CloudWatch
itself merges minutes to five minutes after 15 days.
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
# Number of earlier points that are searched for an equal value of the same minute.
_NEIGHBOURS = 16

Stored = dict[str, Any]
Key = tuple[str, str, str]

_lock = threading.RLock()
_full: list[str] = []
# Called after each addition of points, in the thread that added them.
listeners: list[Callable[[], None]] = []


def record(points: Iterable[Point]) -> None:
    """Store points, and call the listeners."""
    added = list(points)
    for point in added:
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
    if added:
        for listener in listeners:
            listener()


def publish(namespace: str, dimensions: Mapping[str, str], **values: tuple[float, str]) -> None:
    """Store a value and its unit for each metric of an AWS service, with the current time."""
    now = time.time()
    record(
        Point(namespace, name, dimensions, unit, now, (float(value),))
        for name, (value, unit) in values.items()
    )


def add_stored(key: Key, point: Stored) -> None:
    """Store a point in ministack's format, as from PutMetricData, without calling the listeners."""
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
    """Count the point with an equal one of the same minute; returns whether there was one."""
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
    # 15 days have few hours; points beyond the limit are older than that.
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
            "%s metrics are stored, which is the limit: %s/%s {%s} and every other new metric is "
            "dropped. Use fewer dimension values: each combination is a metric.",
            MAX_METRICS,
            *key,
        )
        _full.append(key[1])


def evict() -> None:
    """Delete points older than 15 days."""
    oldest = time.time() - KEPT_SECONDS
    with _lock:
        store = cloudwatch._metrics._data
        for key, kept in list(store.items()):
            if any(point["Timestamp"] < oldest for point in kept):
                kept[:] = [point for point in kept if point["Timestamp"] >= oldest]
            if not kept:
                del store[key]


def of(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[Stored]:
    """The points of the metric with exactly these dimensions, like CloudWatch."""
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
    """The statistic of each period with points, from `start` on, by the period's first second.

    `statistic` is Sum, Average, Minimum, Maximum, SampleCount or a percentile such as p99. Periods
    begin at `start`. If `unit` is set, only points with that unit count.
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
