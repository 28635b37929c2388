"""patches/lambda_errors.py and lambda_workers.py, through Invoke and Step Functions."""

import json

import pytest
from embedded import Launcher, Machine, function, machine, role, statement, zipped

SOURCE = """
let calls = 0;
class CrawlerBusy extends Error { constructor(m) { super(m); this.name = 'CrawlerBusy'; } }
exports.handler = async (event) => {
  if (event.fail === 'named') throw new CrawlerBusy('the crawler is at work');
  if (event.fail === 'text') throw 'just text';
  if (event.fail === 'exit') process.exit(1);
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
