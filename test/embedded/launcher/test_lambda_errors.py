"""patches/lambda_errors.py and lambda_workers.py, through Invoke and Step Functions."""

import json

import pytest
from launching import Launcher, Machine, function, machine, role, statement, zipped

SOURCE = """
let calls = 0;
class CrawlerBusy extends Error { constructor(m) { super(m); this.name = 'CrawlerBusy'; } }
exports.handler = async (event) => {
  if (event.fail === 'named') throw new CrawlerBusy('the crawler is at work');
  if (event.fail === 'text') throw 'just text';
  if (event.fail === 'exit') process.exit(1);
  if (event.fail === 'memory') process.kill(process.pid, 'SIGKILL');
  if (event.fail === 'time') await new Promise((later) => setTimeout(later, 60_000));
  if (event.fail === 'twice') {
    const fs = require('fs');
    fs.appendFileSync(event.calls, '.');
    if (fs.readFileSync(event.calls).length < 3) {
      if (event.how === 'killed') process.kill(process.pid, 'SIGKILL');
      throw Object.assign(new Error('Rate exceeded'), { name: 'ServiceBusy' });
    }
  }
  return { echo: event, version: process.env.AWS_LAMBDA_FUNCTION_VERSION, mark: process.env.MARK };
};
exports.sync = (event) => { throw new TypeError('thrown at once'); };
"""


@pytest.fixture(scope="module")
def arn(launcher: Launcher) -> str:
    return function(launcher, "errors", SOURCE, role(launcher, "errors-fn"))


def invoke(launcher: Launcher, name: str, event: dict) -> tuple[str | None, dict]:
    answer = launcher.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_invoke_answers_with_the_errors_own_name_message_and_trace(launcher, arn):
    kind, payload = invoke(launcher, "errors", {"fail": "named"})

    assert kind == "Unhandled"
    assert payload["errorType"] == "CrawlerBusy"
    assert payload["errorMessage"] == "the crawler is at work"
    assert payload["trace"][0] == "CrawlerBusy: the crawler is at work"
    assert "/var/task/index.js:" in payload["trace"][1]


def test_an_error_thrown_synchronously_keeps_its_name(launcher, arn):
    role_arn = role(launcher, "errors-sync-fn")
    launcher.client("lambda").create_function(
        FunctionName="errors-sync",
        Runtime="nodejs20.x",
        Role=role_arn,
        Handler="index.sync",
        Code={"ZipFile": zipped(SOURCE)},
    )

    assert invoke(launcher, "errors-sync", {})[1]["errorType"] == "TypeError"


def test_thrown_text_is_of_type_string(launcher, arn):
    payload = invoke(launcher, "errors", {"fail": "text"})[1]

    assert (payload["errorType"], payload["errorMessage"]) == ("string", "just text")


def test_a_handler_that_exits_is_a_runtime_exit_error(launcher, arn):
    assert invoke(launcher, "errors", {"fail": "exit"})[1]["errorType"] == "Runtime.ExitError"


def test_a_handler_that_the_kernel_kills_for_its_memory_is_a_runtime_exit_error(launcher, arn):
    payload = invoke(launcher, "errors", {"fail": "memory"})[1]

    assert payload["errorType"] == "Runtime.ExitError"
    # The next call finds a fresh process.
    assert invoke(launcher, "errors", {"a": 1})[0] is None


def test_a_handler_that_takes_too_long_is_killed_and_reported_as_aws_does(launcher):
    function(launcher, "errors-late", SOURCE, role(launcher, "errors-late-fn"), Timeout=1)

    kind, payload = invoke(launcher, "errors-late", {"fail": "time"})

    assert (kind, payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]


def test_a_handler_that_returns_is_untouched(launcher, arn):
    kind, payload = invoke(launcher, "errors", {"a": 1})

    assert (kind, payload["echo"]) == (None, {"a": 1})


@pytest.fixture(scope="module")
def catching(launcher: Launcher, arn: str) -> Machine:
    caller = role(launcher, "errors-sfn", statement(["lambda:InvokeFunction"], [arn]))
    return machine(
        launcher,
        "catching",
        {
            "StartAt": "Call",
            "States": {
                "Call": {
                    "Type": "Task",
                    "Resource": arn,
                    "End": True,
                    "Retry": [
                        {"ErrorEquals": ["CrawlerBusy"], "IntervalSeconds": 0.1, "MaxAttempts": 2}
                    ],
                    "Catch": [
                        {
                            "ErrorEquals": ["CrawlerBusy"],
                            "Next": "Caught",
                            "ResultPath": "$.failure",
                        }
                    ],
                },
                "Caught": {"Type": "Pass", "End": True},
            },
        },
        caller,
    )


def test_retry_and_catch_match_the_errors_name(catching):
    execution = catching.start({"fail": "named"})

    ended = catching.ended(execution)

    failure = json.loads(ended["output"])["failure"]
    assert failure["Error"] == "CrawlerBusy"
    assert json.loads(failure["Cause"])["errorMessage"] == "the crawler is at work"
    assert catching.kinds(execution).count("LambdaFunctionFailed") == 3


def test_an_uncaught_error_ends_the_execution_under_its_name(catching):
    ended = catching.ended(catching.start({"fail": "text"}))

    assert (ended["status"], ended["error"]) == ("FAILED", "string")
    assert json.loads(ended["cause"])["errorType"] == "string"


def test_a_version_runs_its_own_code_and_environment(launcher, arn):
    client = launcher.client("lambda")
    client.update_function_configuration(
        FunctionName="errors", Environment={"Variables": {"MARK": "one"}}
    )
    one = client.publish_version(FunctionName="errors")["FunctionArn"]
    client.update_function_configuration(
        FunctionName="errors", Environment={"Variables": {"MARK": "two"}}
    )

    assert one.endswith(":1")
    assert invoke(launcher, one, {})[1]["mark"] == "one"
    assert invoke(launcher, one, {})[1]["version"] == "1"
    assert invoke(launcher, "errors", {})[1]["mark"] == "two"


@pytest.fixture(scope="module")
def repeating(launcher: Launcher, arn: str) -> Machine:
    """The retriers of every step (workflows/retries.ts), with shorter waits."""
    caller = role(launcher, "repeating-sfn", statement(["lambda:InvokeFunction"], ["*"]))

    def retrier(tries: int, *errors: str) -> dict:
        return {
            "ErrorEquals": list(errors),
            "IntervalSeconds": 1,
            "MaxAttempts": tries,
            "BackoffRate": 2,
            "MaxDelaySeconds": 1,
            "JitterStrategy": "FULL",
        }

    crashes = ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown", "States.Timeout"]
    return machine(
        launcher,
        "repeating",
        {
            "StartAt": "Call",
            "States": {
                "Call": {
                    "Type": "Task",
                    "Resource": arn,
                    "Retry": [retrier(6, "ServiceBusy"), retrier(2, *crashes)],
                    "End": True,
                }
            },
        },
        caller,
    )


@pytest.mark.parametrize("how", ["throttled", "killed"])
def test_a_step_that_fails_twice_in_passing_ends_well(repeating, tmp_path, how):
    calls = tmp_path / "calls"
    execution = repeating.start({"fail": "twice", "how": how, "calls": str(calls)})

    ended = repeating.ended(execution, 30)

    assert ended["status"] == "SUCCEEDED", ended
    assert calls.read_text() == "..."
    assert repeating.kinds(execution).count("LambdaFunctionFailed") == 2


def test_a_step_that_is_killed_each_time_ends_under_that_name_after_three_tries(repeating):
    execution = repeating.start({"fail": "memory"})

    ended = repeating.ended(execution, 30)

    assert (ended["status"], ended["error"]) == ("FAILED", "Runtime.ExitError")
    assert repeating.kinds(execution).count("LambdaFunctionFailed") == 3
