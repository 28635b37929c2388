"""The state of an alarm for given data points: AWS's own examples, and what they say of reasons."""

from typing import Any

import pytest

from embedded.launcher import alarms
from embedded.launcher.metric_math import MathError, Series

NOW = 1_790_000_000.0
END = (NOW // 60 + 1) * 60
KEEP = None


def alarm(**changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": "a",
        "Namespace": "N",
        "MetricName": "M",
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 3,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
        **changes,
    }


def points(row: str) -> list[tuple[int, float]]:
    """`0 - X`, the newest on the right, as ages in periods and values; newest first."""
    found = {"0": 0.0, "X": 1.0}
    return [(age, found[one]) for age, one in enumerate(reversed(row.split()), 1) if one in found]


# User Guide, "Configuring how CloudWatch alarms treat missing data": both tables, row by row.
TABLES = [
    (3, "0 - X - X", ("OK", "OK", "OK", "OK")),
    (3, "0 - - - -", ("OK", "OK", "OK", "OK")),
    (3, "- - - - -", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
    (3, "0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (3, "- - X - -", ("ALARM", KEEP, "ALARM", "OK")),
    (2, "0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (2, "0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
    (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
    (2, "- - - X -", ("ALARM", KEEP, "ALARM", "OK")),
]


@pytest.mark.parametrize(("to_alarm", "row", "expected"), TABLES)
def test_missing_data_are_treated_as_awss_tables_say(
    to_alarm: int, row: str, expected: tuple[str | None, ...]
) -> None:
    found = tuple(
        alarms.state_of(alarm(DatapointsToAlarm=to_alarm, TreatMissingData=treated), points(row))
        for treated in ("missing", "ignore", "breaching", "notBreaching")
    )

    assert found == expected


@pytest.mark.parametrize(
    ("operator", "states"),
    [
        ("GreaterThanThreshold", ("OK", "OK", "ALARM")),
        ("GreaterThanOrEqualToThreshold", ("OK", "ALARM", "ALARM")),
        ("LessThanThreshold", ("ALARM", "OK", "OK")),
        ("LessThanOrEqualToThreshold", ("ALARM", "ALARM", "OK")),
    ],
)
def test_a_value_is_compared_with_the_threshold(operator: str, states: tuple[str, ...]) -> None:
    given = alarm(ComparisonOperator=operator, Threshold=2, EvaluationPeriods=1)

    assert tuple(alarms.state_of(given, [(1, value)]) for value in (1.0, 2.0, 3.0)) == states


def evaluated_as(given: dict[str, Any], series: Series) -> alarms.Evaluation | None:
    return alarms.evaluate(given, lambda *_: series, NOW)


def test_the_reason_names_the_points_that_crossed_and_what_is_needed() -> None:
    evaluation = evaluated_as(
        alarm(EvaluationPeriods=2, DatapointsToAlarm=1),
        {END - 600: 0.0, END - 300: 3.0},
    )

    assert evaluation is not None
    assert evaluation.state == "ALARM"
    # 1,790,000,000 is 14:13:20 UTC on 21 September 2026.
    assert evaluation.reason == (
        "Threshold Crossed: 1 out of the last 2 datapoints [3.0 (21/09/26 14:09:00)] was greater "
        "than the threshold (0.5) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert evaluation.data["recentDatapoints"] == [0.0, 3.0]


@pytest.mark.parametrize(
    ("treated", "reason"),
    [
        ("missing", "Insufficient Data: 3 datapoints were unknown."),
        (
            "breaching",
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints "
            "were treated as [Breaching].",
        ),
        (
            "notBreaching",
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints "
            "were treated as [NonBreaching].",
        ),
    ],
)
def test_the_reason_says_how_missing_points_were_taken(treated: str, reason: str) -> None:
    evaluation = evaluated_as(alarm(TreatMissingData=treated), {})

    assert evaluation is not None
    assert evaluation.reason == reason
    assert not evaluation.has_data


SHARE = [
    {"Id": "share", "Expression": "IF(received >= 20, lost / received)"},
    *(
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "N", "MetricName": name},
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for name in ("received", "lost")
    ),
]


@pytest.mark.parametrize(
    ("received", "lost", "state"), [(100, 5, "OK"), (100, 60, "ALARM"), (10, 9, KEEP)]
)
def test_an_alarm_on_an_expression_has_its_state(
    received: float, lost: float, state: str | None
) -> None:
    values = {"received": received, "lost": lost}
    given = alarm(Metrics=SHARE, EvaluationPeriods=1, TreatMissingData="ignore")

    evaluation = alarms.evaluate(given, lambda _n, name, *_: {END - 3600: values[name]}, NOW)

    assert (evaluation and evaluation.state) == state


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "anomaly detection"),
        ({"DatapointsToAlarm": 4}, "is more than EvaluationPeriods"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "more than a week"),
        ({"Metrics": [{"Id": "A", "Expression": "1"}]}, "lowercase letter"),
        ({"Metrics": [{"Id": "a", "Expression": "1"}]}, "without any metric"),
        ({"Metrics": [{**SHARE[0], "Expression": "b + received"}, *SHARE[1:]]}, "has the id b"),
        ({"Metrics": [{**SHARE[0], "Expression": "SEARCH(lost)"}, *SHARE[1:]]}, "SEARCH"),
        ({"Metrics": [*SHARE, SHARE[1]]}, "are the same"),
        ({"Metrics": [{"Id": "a", "MetricStat": {"Period": 60}}]}, "has no Metric.Namespace"),
        ({"Metrics": SHARE[1:]}, "exactly one of Metrics has to return data, not 0"),
        ({"Metrics": [*SHARE, {"Id": "b"}]}, "either a MetricStat or an Expression"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_refused(
    changes: dict[str, Any], problem: str
) -> None:
    assert problem in alarms.problem_of(alarm(**changes))


def test_periods_that_differ_are_refused() -> None:
    other = {**SHARE[1], "Id": "x", "MetricStat": {**SHARE[1]["MetricStat"], "Period": 60}}

    assert "all periods have to be equal" in alarms.problem_of(alarm(Metrics=[*SHARE, other]))


def test_an_expression_that_needs_itself_is_not_computed() -> None:
    queries = alarms.queries_of([{"Id": "a", "Expression": "b"}, {"Id": "b", "Expression": "a"}])

    with pytest.raises(MathError, match="a -> b -> a: an expression needs its own result"):
        alarms.computed(queries, lambda *_: {}, 60, 0, 60)


def test_an_alarm_may_watch_a_percentile() -> None:
    evaluation = evaluated_as(
        alarm(EvaluationPeriods=1, Statistic="", ExtendedStatistic="p99"), {NOW: 2.0}
    )

    assert evaluation is not None
    assert evaluation.data["statistic"] == "p99"
