"""Log lines, runs of functions and executions become metrics of CloudWatch."""

import json
import time
from typing import Any

import pytest
from launching import ACCOUNT, REGION, Launcher, function, machine, role, statement, until

LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/metrics-*:*"
DIMENSIONS = [{"Name": "Lake", "Value": "test"}]


def line(namespace: str, **values: Any) -> str:
    return json.dumps(
        {
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": namespace,
                        "Dimensions": [["Lake"]],
                        "Metrics": [{"Name": name, "Unit": "Count"} for name in values],
                    }
                ],
            },
            "Lake": "test",
            **values,
        }
    )


def statistics(
    launcher: Launcher, namespace: str, name: str, dimensions: list[dict[str, str]] = DIMENSIONS
) -> dict[str, float]:
    """Sum and count of the last hours; empty while there is no point."""
    found = launcher.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=dimensions,
        StartTime=time.time() - 3 * 3600,
        EndTime=time.time() + 3600,
        Period=12 * 3600,
        Statistics=["Sum", "SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]
    return (
        {
            "sum": sum(point["Sum"] for point in found),
            "count": sum(point["SampleCount"] for point in found),
        }
        if found
        else {}
    )


def write(launcher: Launcher, group: str, *messages: str) -> None:
    logs = launcher.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": text} for text in messages],
    )


def test_lines_of_a_log_become_points_and_the_wrong_ones_are_said(launcher: Launcher) -> None:
    write(
        launcher,
        "/metrics/lines",
        line("FromLines", Rows=[2, 3], Lost=1),
        line("FromLines", Rows=3),
        line("FromLines", Rows="many"),
        "no document",
    )

    assert statistics(launcher, "FromLines", "Rows") == {"sum": 8.0, "count": 3.0}
    assert statistics(launcher, "FromLines", "Lost") == {"sum": 1.0, "count": 1.0}
    listed = launcher.client("cloudwatch").list_metrics(Namespace="FromLines")["Metrics"]
    assert sorted((one["MetricName"], str(one["Dimensions"])) for one in listed) == [
        ("Lost", str(DIMENSIONS)),
        ("Rows", str(DIMENSIONS)),
    ]
    log = (launcher.home / "launcher.log").read_text()
    assert "/metrics/lines: a metric is left out: the member 'Rows' holds 'many'" in log


def test_what_a_function_writes_becomes_points_whoever_invokes_it(launcher: Launcher) -> None:
    arn = role(
        launcher,
        "metrics-role",
        statement(["lambda:InvokeFunction"], ["*"]),
        statement(["logs:PutLogEvents"], [LOGS]),
    )
    code = """
exports.handler = async ({ fail }) => {
  process.stdout.write('LINE\\n');
  if (fail) throw new Error('no');
  return {};
};
""".replace("LINE", line("FromFunction", Rows=5))
    called = function(launcher, "metrics-function", code, arn)
    launcher.client("lambda").invoke(FunctionName="metrics-function", Payload=b"{}")
    calling = machine(
        launcher,
        "metrics-machine",
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": called, "End": True}}},
        arn,
    )
    assert calling.ended(calling.start({"fail": True}))["status"] == "FAILED"
    assert calling.ended(calling.start())["status"] == "SUCCEEDED"

    assert statistics(launcher, "FromFunction", "Rows") == {"sum": 15.0, "count": 3.0}
    own = [{"Name": "FunctionName", "Value": "metrics-function"}]
    for name, total in {"Invocations": 3.0, "Errors": 1.0, "Throttles": 0.0}.items():
        found = until(lambda name=name: statistics(launcher, "AWS/Lambda", name, own))
        assert found == {"sum": total, "count": 3.0}, name
    assert statistics(launcher, "AWS/Lambda", "Duration", own)["sum"] > 0
    waiting = machine(
        launcher,
        "metrics-waiting",
        {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}},
        arn,
    )
    launcher.client("stepfunctions").stop_execution(executionArn=waiting.start())
    slow = [{"Name": "StateMachineArn", "Value": waiting.arn}]
    assert statistics(launcher, "AWS/States", "ExecutionsAborted", slow)["sum"] == 1.0
    runs = [{"Name": "StateMachineArn", "Value": calling.arn}]
    for name, total in {
        "ExecutionsStarted": 2.0,
        "ExecutionsFailed": 1.0,
        "ExecutionsSucceeded": 1.0,
    }.items():
        assert statistics(launcher, "AWS/States", name, runs)["sum"] == total, name
    assert statistics(launcher, "AWS/States", "ExecutionTime", runs)["count"] == 2.0


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"Errors": [2, "None"], "Latency": [5, "Microseconds"]}, 200),
        ({"Errors": 2}, 400),
        ({"Errors": [2, "Errors"]}, 400),
        ({"Errors": ["2", "None"]}, 400),
        ({}, 400),
    ],
)
def test_the_gateway_gives_the_metrics_of_its_services(
    launcher: Launcher, values: dict[str, Any], status: int
) -> None:
    name = f"endpoint-{len(values)}-{status}"

    answered = launcher.ask(
        "metrics", {"namespace": "AWS/SageMaker", "dimensions": {"E": name}, "values": values}
    )

    assert answered[0] == status, answered
    own = [{"Name": "E", "Value": name}]
    found = statistics(launcher, "AWS/SageMaker", "Errors", own)
    assert found == ({"sum": 2.0, "count": 1.0} if status == 200 else {})


def test_a_metric_is_asked_for_by_exactly_its_dimensions(launcher: Launcher) -> None:
    write(launcher, "/metrics/exact", line("Exact", Rows=5))

    assert statistics(launcher, "Exact", "Rows") == {"sum": 5.0, "count": 1.0}
    for others in ([], [{"Name": "Lake", "Value": "other"}]):
        assert statistics(launcher, "Exact", "Rows", others) == {}


def test_a_metric_with_too_many_points_keeps_its_sums_and_not_its_points(
    own_launcher: Launcher,
) -> None:
    cloudwatch = own_launcher.client("cloudwatch")
    start = time.time() - 20 * 3600
    for call in range(8):
        # 4,800 different values, 30 a minute: more than are kept.
        cloudwatch.put_metric_data(
            Namespace="Many",
            MetricData=[
                {
                    "MetricName": "Rows",
                    "Dimensions": DIMENSIONS,
                    "Timestamp": start + (20 * call + minute) * 60,
                    "Unit": "Gigabits",
                    "Values": [1000.0 * call + 30 * minute + n for n in range(30)],
                }
                for minute in range(20)
            ],
        )
    own_launcher.saved()

    found = cloudwatch.get_metric_data(
        StartTime=start - 60,
        EndTime=time.time(),
        MetricDataQueries=[
            {
                "Id": stat.lower(),
                "MetricStat": {
                    "Metric": {
                        "Namespace": "Many",
                        "MetricName": "Rows",
                        "Dimensions": DIMENSIONS,
                    },
                    "Period": 3600,
                    "Stat": stat,
                },
            }
            for stat in ("Sum", "SampleCount", "Maximum")
        ],
    )["MetricDataResults"]
    values = {one["Id"]: one["Values"] for one in found}
    assert sum(values["samplecount"]) == 4800
    assert sum(values["sum"]) == sum(1000 * call + n for call in range(8) for n in range(600))
    assert max(values["maximum"]) == 7599
    state = own_launcher.home / "cloud-state"
    named = json.loads((state / "manifest.json").read_text())["files"]["cloudwatch"]
    assert 0 < (state / "services" / named).read_text().count('"Gigabits"') <= 4000


def test_lines_of_a_function_that_may_not_write_its_log_are_no_metrics(
    launcher: Launcher,
) -> None:
    arn = role(launcher, "unlogged-role", statement(["logs:PutLogEvents"], [LOGS]))
    code = "exports.handler = async () => process.stdout.write('LINE\\n');"
    function(launcher, "unlogged", code.replace("LINE", line("Unlogged", Rows=5)), arn)

    launcher.client("lambda").invoke(FunctionName="unlogged", Payload=b"{}")

    assert statistics(launcher, "Unlogged", "Rows") == {}
    log = (launcher.home / "launcher.log").read_text()
    assert "/aws/lambda/unlogged: its log lines become no metrics" in log
    assert "is not authorized to perform: logs:PutLogEvents" in log
