"""Lines in CloudWatch's embedded metric format become points; what breaks the format is said."""

import json
import time
from typing import Any

import pytest

from embedded.launcher.embedded_metrics import Extracted, extract

NOW = time.time()


def document(**changes: Any) -> dict[str, Any]:
    directive = {
        "Namespace": "Ours",
        "Dimensions": [["Lake"], []],
        "Metrics": [{"Name": "Rows", "Unit": "Count"}, {"Name": "Recall"}],
    }
    about = {"Timestamp": int(NOW * 1000), "CloudWatchMetrics": [{**directive, **changes}]}
    return {"_aws": about, "Lake": "dev", "Rows": [3, 4], "Recall": 0.5, "note": "more"}


def extracted(given: dict[str, Any]) -> Extracted:
    found = extract(json.dumps(given), NOW)
    assert found is not None
    return found


def test_each_metric_is_a_point_under_each_dimension_set() -> None:
    found = extracted(document())

    assert [
        (point.namespace, point.name, dict(point.dimensions), point.unit, point.values)
        for point in found.points
    ] == [
        ("Ours", "Rows", {"Lake": "dev"}, "Count", (3.0, 4.0)),
        ("Ours", "Rows", {}, "Count", (3.0, 4.0)),
        ("Ours", "Recall", {"Lake": "dev"}, "None", (0.5,)),
        ("Ours", "Recall", {}, "None", (0.5,)),
    ]
    assert {point.at for point in found.points} == {int(NOW * 1000) / 1000}
    assert found.problems == []


@pytest.mark.parametrize(
    "line",
    ["", "text", '{"a": 1}', '{"_aws": 1}', '{"_aws": {}}', '{"_aws": {"CloudWatchMetrics": [}'],
)
def test_any_other_line_is_left_alone(line: str) -> None:
    assert extract(line, NOW) is None


def test_a_line_with_anything_before_the_document_is_no_document() -> None:
    assert extract("2026-01-01T00:00:00Z\tINFO\t" + json.dumps(document()), NOW) is None


def metrics(count: int) -> list[dict[str, str]]:
    return [{"Name": "Rows"}] * count


@pytest.mark.parametrize(
    ("changes", "members", "points", "problem"),
    [
        ({"Namespace": ""}, {}, 0, "Namespace is not a string"),
        ({"Metrics": metrics(101)}, {}, 0, "has 101 metrics, more than 100"),
        ({"Metrics": "Rows"}, {}, 0, "Metrics is not a list"),
        ({"Metrics": [{"Name": "Gone"}, {"Name": "Recall"}]}, {}, 2, "'Gone', which is not"),
        ({"Metrics": [{"Name": "Rows", "Unit": "Rows"}]}, {}, 0, "the unit 'Rows'"),
        ({"Metrics": [{"Name": "Rows", "StorageResolution": 5}]}, {}, 0, "neither 1 nor 60"),
        ({"Dimensions": [["Stage"], ["Lake"]]}, {}, 2, "'Stage', a dimension of"),
        ({"Dimensions": [[f"d{n}" for n in range(31)]]}, {}, 0, "31 dimensions, more than 30"),
        ({}, {"Lake": 5}, 2, "'Lake', a dimension of"),
        ({}, {"Lake": "x" * 1025}, 2, "'Lake', a dimension of"),
        ({}, {"Rows": "3"}, 2, "holds '3', expected numbers"),
        ({}, {"Rows": None}, 2, "holds None, expected numbers"),
        ({}, {"Rows": True}, 2, "holds True, expected numbers"),
        ({}, {"Rows": float("nan")}, 2, "holds nan, expected numbers"),
        ({}, {"Rows": [1] * 101}, 2, "has 101 values"),
        ({}, {"Rows": []}, 2, "has 0 values"),
    ],
)
def test_what_breaks_the_format_is_left_out_and_said(
    changes: dict[str, Any], members: dict[str, Any], points: int, problem: str
) -> None:
    found = extracted({**document(**changes), **members})

    assert len(found.points) == points
    assert [problem in said for said in found.problems] == [True]


@pytest.mark.parametrize("days", [-15, 0.1])
def test_a_point_too_old_or_too_far_ahead_is_refused(days: float) -> None:
    given = document()
    given["_aws"]["Timestamp"] = int((NOW + days * 24 * 3600) * 1000)

    found = extracted(given)

    assert found.points == []
    assert "over two weeks old or two hours ahead" in found.problems[0]
