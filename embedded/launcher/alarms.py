"""CloudWatch alarms: their data points, their state, and the reason for it.

The rules are from the CloudWatch User Guide's pages "Alarm evaluation" and "Configuring how
CloudWatch alarms treat missing data". They show only by examples how many points an alarm fetches
(five for three evaluation periods), so this fetches two more than the evaluation periods.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedded.launcher.metric_math import Expression, MathError, Scope, Series, Value, parse

EXTRA_POINTS = 2
# PutMetricAlarm's reference: at most a week, or a day if a period is shorter than an hour.
LONGEST_SECONDS = 7 * 24 * 3600

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARED: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (lambda a, b: a > b, "greater than"),
    "GreaterThanOrEqualToThreshold": (lambda a, b: a >= b, "greater than or equal to"),
    "LessThanThreshold": (lambda a, b: a < b, "less than"),
    "LessThanOrEqualToThreshold": (lambda a, b: a <= b, "less than or equal to"),
}
_TREATMENTS = {"breaching": "Breaching", "notBreaching": "NonBreaching"}

Alarm = Mapping[str, Any]
# (namespace, name, dimensions, statistic, unit or None, period, start, end) -> the metric's series
Fetch = Callable[[str, str, dict[str, str], str, str | None, int, float, float], Series]


@dataclass(frozen=True)
class Evaluation:
    """The state that follows from the data points, and the reason; `data` is StateReasonData."""

    state: str
    reason: str
    data: dict[str, Any]
    # Whether the evaluated periods have any point.
    has_data: bool


@dataclass(frozen=True)
class _Query:
    """A metric or an expression with an id."""

    id: str
    metric: Mapping[str, Any] | None
    expression: Expression | None
    returned: bool


def problem_of(alarm: Alarm) -> str:
    """Why an alarm cannot be evaluated here; empty when it can."""
    if alarm.get("ComparisonOperator") not in _COMPARED:
        return (
            f"ComparisonOperator {alarm.get('ComparisonOperator')!r}: the embedded cloud knows "
            f"{', '.join(_COMPARED)}; the others need anomaly detection"
        )
    wanted, of = alarm.get("DatapointsToAlarm"), alarm["EvaluationPeriods"]
    if wanted is not None and wanted > of:
        return f"DatapointsToAlarm ({wanted}) is more than EvaluationPeriods ({of})"
    try:
        seconds = period_of(alarm) * of
        if alarm.get("Metrics"):
            _checked(queries_of(alarm["Metrics"]))
    except MathError as wrong:
        return str(wrong)
    if seconds > LONGEST_SECONDS:
        return f"the alarm looks back {seconds} seconds, more than a week"
    return ""


def queries_of(metrics: Sequence[Mapping[str, Any]]) -> list[_Query]:
    """Parse MetricDataQueries of a request or a template; raises MathError for an invalid one."""
    found = []
    for entry in metrics:
        query_id = entry.get("Id", "")
        if not (query_id[:1].islower() and query_id.replace("_", "a").isalnum()):
            raise MathError(
                f"the id {query_id!r} needs a lowercase letter, then letters, digits or _"
            )
        if bool(entry.get("MetricStat")) == bool(entry.get("Expression")):
            raise MathError(f"{query_id}: either a MetricStat or an Expression is needed")
        stat = entry.get("MetricStat") or {}
        named = stat.get("Metric") or {}
        needed = {"Metric.Namespace": named.get("Namespace"), "Stat": stat.get("Stat")}
        needed |= {"Metric.MetricName": named.get("MetricName"), "Period": stat.get("Period")}
        if stat and not all(needed.values()):
            lacking = next(name for name, value in needed.items() if not value)
            raise MathError(f"{query_id}: MetricStat has no {lacking}")
        expression = parse(entry["Expression"]) if entry.get("Expression") else None
        returned = str(entry.get("ReturnData", True)).lower() != "false"
        found.append(_Query(query_id, entry.get("MetricStat"), expression, returned))
    return found


def _checked(queries: Sequence[_Query]) -> None:
    ids = [query.id for query in queries]
    if len(set(ids)) < len(ids):
        raise MathError(f"two of the ids {', '.join(ids)} are the same")
    for query in queries:
        unknown = (query.expression.names if query.expression else frozenset()) - set(ids)
        if unknown:
            raise MathError(f"{query.id}: no metric or expression has the id {sorted(unknown)[0]}")
    returned = [query.id for query in queries if query.returned]
    if len(returned) != 1:
        raise MathError(f"exactly one of Metrics has to return data, not {len(returned)}")
    if not any(query.metric for query in queries):
        raise MathError("an expression without any metric has no data to watch")


def period_of(alarm: Alarm) -> int:
    """Seconds of one data point; raises MathError when the metrics' periods differ."""
    if not alarm.get("Metrics"):
        return int(alarm["Period"])
    return common_period(alarm["Metrics"])


def common_period(metrics: Iterable[Mapping[str, Any]]) -> int:
    """The period of all metrics and expressions; raises MathError when they differ."""
    periods = {
        int(period)
        for entry in metrics
        if (period := (entry.get("MetricStat") or {}).get("Period") or entry.get("Period"))
    }
    if len(periods) > 1:
        raise MathError(f"all periods have to be equal, not {sorted(periods)}")
    return periods.pop() if periods else 300


def computed(
    queries: Sequence[_Query], fetch: Fetch, period: int, start: float, end: float
) -> dict[str, Value]:
    """The value of each query; raises MathError when one cannot be computed."""
    by_id = {query.id: query for query in queries}
    times = [start + at * period for at in range(max(0, int((end - start) // period)))]
    found: dict[str, Value] = {}
    for query in queries:
        if query.metric:
            metric = query.metric["Metric"]
            found[query.id] = fetch(
                metric["Namespace"],
                metric["MetricName"],
                {one["Name"]: one["Value"] for one in metric.get("Dimensions") or []},
                query.metric["Stat"],
                query.metric.get("Unit"),
                period,
                start,
                end,
            )
    metrics = [value for value in found.values() if isinstance(value, dict)]

    def compute(name: str, above: tuple[str, ...]) -> None:
        if name in found or name not in by_id:
            return
        if name in above:
            raise MathError(f"{' -> '.join((*above, name))}: an expression needs its own result")
        expression = by_id[name].expression
        if expression is None:
            return
        for needed in sorted(expression.names):
            compute(needed, (*above, name))
        found[name] = expression.over(Scope(found, metrics, period, times))

    for query in queries:
        compute(query.id, ())
    return found


def points_of(alarm: Alarm, fetch: Fetch, start: float, end: float) -> Series:
    """The series that an alarm watches; raises MathError when it cannot be computed."""
    if not alarm.get("Metrics"):
        dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        where = (alarm["Namespace"], alarm["MetricName"], dimensions, statistic)
        return fetch(*where, alarm.get("Unit"), int(alarm["Period"]), start, end)
    queries = queries_of(alarm["Metrics"])
    values = computed(queries, fetch, period_of(alarm), start, end)
    watched = values[next(query.id for query in queries if query.returned)]
    if isinstance(watched, list):
        if len(watched) != 1:
            raise MathError(f"the expression gives {len(watched)} series; an alarm watches one")
        return watched[0]
    if not isinstance(watched, dict):
        raise MathError("the expression gives a number; an alarm watches a time series")
    return watched


def evaluate(alarm: Alarm, fetch: Fetch, now: float) -> Evaluation | None:
    """The state of an alarm at `now` (seconds since 1970); None when the state does not change.

    The last period includes the current minute, so a point counts at once.
    """
    period, needed = period_of(alarm), int(alarm["EvaluationPeriods"])
    fetched = needed + EXTRA_POINTS
    end = (now // 60 + 1) * 60
    series = points_of(alarm, fetch, end - fetched * period, end)
    newest_first = sorted(series.items(), reverse=True)
    evaluated = newest_first[:needed]
    state = state_of(alarm, [(int((end - at) // period), value) for at, value in newest_first])
    data = _data(alarm, evaluated, period, now)
    if state is None:
        return None
    return Evaluation(state, _reason(alarm, state, evaluated, needed), data, bool(series))


def state_of(alarm: Alarm, points: Sequence[tuple[int, float]]) -> str | None:
    """The state for points, newest first, each with its age in periods (1 is the newest period).

    None when the current state is kept.
    """
    needed = int(alarm["EvaluationPeriods"])
    to_alarm = int(alarm.get("DatapointsToAlarm") or needed)
    treatment = alarm.get("TreatMissingData") or "missing"
    breaches = [_breaches(alarm, value) for _, value in points]
    bad, lacking = sum(breaches[:needed]), max(0, needed - len(points))
    if treatment == "breaching":
        bad += lacking
    elif lacking and treatment in ("missing", "ignore"):
        if not points:
            return None if treatment == "ignore" else INSUFFICIENT_DATA
        # "Avoiding premature transitions to alarm state": all points are breaching, and the oldest
        # is old enough. In the page's table, ignored missing points keep the state.
        if bad < to_alarm and all(breaches) and points[-1][0] >= to_alarm:
            return None if treatment == "ignore" else ALARM
    return ALARM if bad >= to_alarm else OK


def _breaches(alarm: Alarm, value: float) -> bool:
    return _COMPARED[alarm["ComparisonOperator"]][0](value, float(alarm["Threshold"]))


def _counted(count: int, noun: str, verb: tuple[str, str] = ("", "")) -> str:
    text = f"{count} {noun}{'' if count == 1 else 's'}"
    one, many = verb
    return f"{text} {one if count == 1 else many}" if one else text


def _reason(alarm: Alarm, state: str, evaluated: Sequence[tuple[float, float]], needed: int) -> str:
    """StateReason in AWS's words, from memory."""
    if state == INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(needed, 'datapoint', ('was', 'were'))} unknown."
    lacking = needed - len(evaluated)
    treated = _TREATMENTS.get(alarm.get("TreatMissingData") or "missing", "Missing")
    missing = f"{_counted(lacking, 'missing datapoint', ('was', 'were'))} treated as [{treated}]"
    if not evaluated:
        periods = _counted(needed, "period")
        return f"Threshold Crossed: no datapoints were received for {periods} and {missing}."
    to_alarm = int(alarm.get("DatapointsToAlarm") or needed)
    shown = [(at, v) for at, v in evaluated if _breaches(alarm, v) == (state == ALARM)]
    listed = ", ".join(f"{v} ({_moment(at):%d/%m/%y %H:%M:%S})" for at, v in shown)
    negated = "" if state == ALARM else "not "
    words = _COMPARED[alarm["ComparisonOperator"]][1]
    least, change = (
        (to_alarm, "OK -> ALARM") if state == ALARM else (needed - to_alarm + 1, "ALARM -> OK")
    )
    verb = "was" if len(shown) == 1 else "were"
    also = f" and {missing}" if lacking else ""
    return (
        f"Threshold Crossed: {len(shown)} out of the last {_counted(len(evaluated), 'datapoint')} "
        f"[{listed}] {verb} {negated}{words} the threshold ({float(alarm['Threshold'])})"
        f"{also} (minimum {_counted(least, 'datapoint')} for {change} transition)."
    )


def _data(
    alarm: Alarm, evaluated: Sequence[tuple[float, float]], period: int, now: float
) -> dict[str, Any]:
    """StateReasonData; the newest point is the last one."""
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    return {
        "version": "1.0",
        "queryDate": instant(now),
        **({"startDate": instant(evaluated[-1][0])} if evaluated else {}),
        **({"statistic": statistic} if statistic and not alarm.get("Metrics") else {}),
        "period": period,
        "recentDatapoints": [value for _, value in reversed(evaluated)],
        "threshold": float(alarm["Threshold"]),
        "evaluatedDatapoints": [
            {"timestamp": instant(at), "value": value} for at, value in evaluated
        ],
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def instant(seconds: float) -> str:
    """A time in the format of CloudWatch's messages and events."""
    at = _moment(seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def message(alarm: Alarm, old: str, region: str, account: str) -> str:
    """The message that CloudWatch publishes to a topic; its shape is from memory."""
    body: dict[str, Any] = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": instant(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": instant(alarm["StateUpdatedTimestamp"]),
        "Region": region,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
    }
    if "AlarmRule" in alarm:
        body["AlarmRule"] = alarm["AlarmRule"]
        return json.dumps(body)
    trigger: dict[str, Any] = {
        "Period": period_of(alarm),
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": float(alarm["Threshold"]),
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
    }
    if alarm.get("Metrics"):
        trigger["Metrics"] = alarm["Metrics"]
    else:
        extended = alarm.get("ExtendedStatistic")
        kind = "ExtendedStatistic" if extended else "Statistic"
        trigger |= {
            "MetricName": alarm["MetricName"],
            "Namespace": alarm["Namespace"],
            "StatisticType": kind,
            kind: extended or str(alarm.get("Statistic")).upper(),
            "Unit": alarm.get("Unit"),
            "Dimensions": [
                {"value": one["Value"], "name": one["Name"]}
                for one in alarm.get("Dimensions") or []
            ],
        }
    return json.dumps({**body, "Trigger": trigger})


def event_detail(alarm: Alarm, old: str, old_reason: str) -> dict[str, Any]:
    """The detail of the event "CloudWatch Alarm State Change" (User Guide, "Alarm events and
    EventBridge")."""
    configuration: dict[str, Any] = {"description": alarm.get("AlarmDescription") or ""}
    if "AlarmRule" in alarm:
        configuration["alarmRule"] = alarm["AlarmRule"]
    elif alarm.get("Metrics"):
        configuration["metrics"] = [_metric_of_event(entry) for entry in alarm["Metrics"]]
    else:
        stat = {
            "Metric": {
                "Namespace": alarm["Namespace"],
                "MetricName": alarm["MetricName"],
                "Dimensions": alarm.get("Dimensions") or [],
            },
            "Period": alarm["Period"],
            "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        }
        entry = {"Id": "m1", "MetricStat": stat, "ReturnData": True}
        configuration["metrics"] = [_metric_of_event(entry)]
    state = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": instant(alarm["StateUpdatedTimestamp"]),
    }
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    return {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": {"value": old, "reason": old_reason},
        "configuration": configuration,
    }


def _metric_of_event(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": entry["Id"],
        "returnData": str(entry.get("ReturnData", True)).lower() != "false",
    }
    if entry.get("Expression"):
        return {**found, "expression": entry["Expression"], "label": entry.get("Label", "")}
    stat = entry["MetricStat"]
    metric = stat["Metric"]
    return {
        **found,
        "metricStat": {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {one["Name"]: one["Value"] for one in metric.get("Dimensions") or []},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        },
    }
