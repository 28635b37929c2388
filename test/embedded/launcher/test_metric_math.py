"""Metric math gives what CloudWatch's page on it says, and refuses what is not here."""

import math

import pytest

from embedded.launcher.metric_math import MathError, Scope, Value, parse

TIMES = (0.0, 60.0, 120.0, 180.0)
A = {0.0: 1.0, 60.0: 4.0, 180.0: 9.0}
B = {0.0: 2.0, 60.0: 0.0, 120.0: 5.0}


def value(text: str) -> Value:
    return parse(text).over(Scope({"a": A, "b": B}, [A, B], 60, TIMES))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 ^ 2 - 4 / 2", 17.0),
        ("-(2 - 5)", 3.0),
        ("a + 1", {0.0: 2.0, 60.0: 5.0, 180.0: 10.0}),
        ("a + b", {0.0: 3.0, 60.0: 4.0}),
        # Nothing where it is divided by zero.
        ("a / b", {0.0: 0.5}),
        ("a > 3", {0.0: 0.0, 60.0: 1.0, 180.0: 1.0}),
        ("a > 3 AND a < 9", {0.0: 0.0, 60.0: 1.0, 180.0: 0.0}),
        ("a > 3 || a == 1", {0.0: 1.0, 60.0: 1.0, 180.0: 1.0}),
        ("SUM(a)", 14.0),
        ("MAX([a, b])", {0.0: 2.0, 60.0: 4.0, 120.0: 5.0, 180.0: 9.0}),
        ("SUM(METRICS())", {0.0: 3.0, 60.0: 4.0, 120.0: 5.0, 180.0: 9.0}),
        ("AVG([a, b])", {0.0: 1.5, 60.0: 2.0, 120.0: 5.0, 180.0: 9.0}),
        ("MIN(a)", 1.0),
        ("FILL(a, 0)", {0.0: 1.0, 60.0: 4.0, 120.0: 0.0, 180.0: 9.0}),
        ("FILL(b, REPEAT)", {0.0: 2.0, 60.0: 0.0, 120.0: 5.0, 180.0: 5.0}),
        ("FILL(a, LINEAR)", {0.0: 1.0, 60.0: 4.0, 120.0: 6.5, 180.0: 9.0}),
        ("IF(a >= 4, a / 2)", {60.0: 2.0, 180.0: 4.5}),
        ("IF(a >= 4, a, 0)", {0.0: 0.0, 60.0: 4.0, 180.0: 9.0}),
        ("IF(a, b)", {0.0: 2.0, 60.0: 0.0}),
        ("DIFF(a)", {60.0: 3.0, 180.0: 5.0}),
        ("RATE(a)", {60.0: 0.05, 180.0: 5 / 120}),
        ("RUNNING_SUM(a)", {0.0: 1.0, 60.0: 5.0, 180.0: 14.0}),
        ("TIME_SERIES(7)", {at: 7.0 for at in TIMES}),
        ("a * PERIOD(a)", {0.0: 60.0, 60.0: 240.0, 180.0: 540.0}),
        ("FIRST(METRICS()) - 1", {0.0: 0.0, 60.0: 3.0, 180.0: 8.0}),
        ("METRIC_COUNT(METRICS())", 2.0),
        ("METRICS() * 0", [{at: 0.0 for at in A}, {at: 0.0 for at in B}]),
        ("CEIL(0.2) + FLOOR(1.8) + ABS(-1)", 3.0),
    ],
)
def test_an_expression_has_its_value(text: str, expected: Value) -> None:
    assert value(text) == expected


def test_a_point_that_has_no_logarithm_is_left_out() -> None:
    assert value("LOG10(b)") == {0.0: math.log10(2), 120.0: math.log10(5)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a +", "is not expected there"),
        ("(a", "')' is expected"),
        ("a b", "nothing is expected before 'b'"),
        ("a ? b", "is not understood"),
        ("IF(a)", "IF takes 2 to 3 values, not 1"),
        ("SEARCH(a)", "no function SEARCH"),
        ("ANOMALY_DETECTION_BAND(a, 2)", "no function ANOMALY_DETECTION_BAND"),
        ("c + 1", "no metric or expression has the id 'c'"),
        ("METRICS() + METRICS()", "two lists of series"),
        ("FIRST(a)", "a list of series is needed"),
        ("(" * 60 + "a" + ")" * 60, "nested deeper"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_reason(text: str, sentence: str) -> None:
    with pytest.raises(MathError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        value(text)


def test_an_expression_knows_the_ids_it_uses() -> None:
    assert parse("IF(received >= 20, lost / received, METRICS())").names == {"received", "lost"}
