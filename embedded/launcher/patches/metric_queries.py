"""Upstream: GetMetricData has no expressions; no dimensions matches all metrics of a name.

Here both operations match a metric's exact dimensions, and GetMetricData computes metric math
(embedded/launcher/metric_math.py). Upstream still answers requests of the old query protocol.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch

from embedded.launcher import alarms, metric_points
from embedded.launcher.metric_math import MathError

EXPECTS = {
    "services.cloudwatch:_get_metric_data": "bf6a8e1132a2",
    "services.cloudwatch:_get_metric_statistics": "332ec61708c8",
    "services.cloudwatch:_cbor_metric_data_result": "921b3337e269",
    "services.cloudwatch:_cbor_datapoint": "bd2fb4edec84",
}

Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    cloudwatch._get_metric_data = _answered(cloudwatch._get_metric_data, _data)
    cloudwatch._get_metric_statistics = _answered(cloudwatch._get_metric_statistics, _statistics)


def _answered(
    upstream: Callable[..., Response], answer: Callable[[dict[str, Any], bool], dict[str, Any]]
) -> Callable[..., Response]:
    def handler(
        params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Response:
        if not (is_cbor or is_json):
            return upstream(params, data, is_cbor, is_json)
        try:
            found = answer(data, is_cbor)
        except MathError as wrong:
            return cloudwatch._error("ValidationError", str(wrong), 400, is_json, is_cbor)
        return cloudwatch._cbor_ok(found) if is_cbor else cloudwatch._json_ok(found)

    return handler


def _between(data: dict[str, Any]) -> tuple[float, float]:
    start = cloudwatch._parse_ts(data.get("StartTime"))
    end = cloudwatch._parse_ts(data.get("EndTime"))
    if start is None or end is None or start >= end:
        raise MathError("StartTime has to be before EndTime")
    return start, end


def _statistics(data: dict[str, Any], is_cbor: bool) -> dict[str, Any]:
    start, end = _between(data)
    period = int(data.get("Period") or 60)
    points = metric_points.of(
        data["Namespace"],
        data["MetricName"],
        cloudwatch._dims_from_list(data.get("Dimensions") or []),
    )
    found: dict[float, dict[str, Any]] = {}
    for kind in ("Statistics", "ExtendedStatistics"):
        for statistic in data.get(kind) or []:
            series = metric_points.series(
                points, statistic, period, start // period * period, end, data.get("Unit")
            )
            for at, value in series.items():
                point = found.setdefault(
                    at, {"Timestamp": cloudwatch._ts_iso(at), "Unit": points[0]["Unit"]}
                )
                if kind == "Statistics":
                    point[statistic] = value
                else:
                    point.setdefault(kind, {})[statistic] = value
    datapoints = [
        cloudwatch._cbor_datapoint(point) if is_cbor else point for point in found.values()
    ]
    return {"Datapoints": datapoints, "Label": data["MetricName"]}


def _data(data: dict[str, Any], is_cbor: bool) -> dict[str, Any]:
    """GetMetricData's response; newest points first, AWS's default."""
    results = _results(data)
    if is_cbor:
        results = [cloudwatch._cbor_metric_data_result(result) for result in results]
    return {"MetricDataResults": results}


def _results(data: dict[str, Any]) -> list[dict[str, Any]]:
    asked = data.get("MetricDataQueries", [])
    queries = alarms.queries_of(asked)
    start, end = _between(data)
    expressions = [query for query in queries if query.expression]
    found: list[dict[str, Any]] = []
    values = {}
    if expressions:
        period = alarms.common_period(asked)
        values = alarms.computed(
            queries, metric_points.fetch, period, start // period * period, end
        )
    for entry, query in zip(asked, queries, strict=True):
        if query.metric and not expressions:
            period = int(query.metric["Period"])
            values |= alarms.computed(
                [query], metric_points.fetch, period, start // period * period, end
            )
        if not query.returned:
            continue
        value = values[query.id]
        if not isinstance(value, dict | list):
            raise MathError(f"{query.id} gives a number; a time series has to be returned")
        label = entry.get("Label") or (
            query.metric["Metric"]["MetricName"] if query.metric else query.id
        )
        newest_first = data.get("ScanBy") != "TimestampAscending"
        for series in value if isinstance(value, list) else [value]:
            times = sorted(series, reverse=newest_first)
            found.append(
                {
                    "Id": query.id,
                    "Label": label,
                    "Timestamps": [cloudwatch._ts_iso(at) for at in times],
                    "Values": [series[at] for at in times],
                    "StatusCode": "Complete",
                }
            )
    return found
