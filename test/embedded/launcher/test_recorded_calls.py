"""The calls of roles are noted: once each, without the names of a run, refused ones as such."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, Launcher, role, statement

from embedded.launcher import recorded_calls

BUCKET = "sentimentlake-recorded"


class Recording(Launcher):
    """A launcher that notes the calls of roles in calls.jsonl of its home."""

    @property
    def noted(self) -> Path:
        return self.home / "calls.jsonl"

    def calls(self) -> list[dict]:
        return [json.loads(line) for line in self.noted.read_text().splitlines()]


@pytest.fixture(scope="module")
def recording(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    home = tmp_path_factory.mktemp("recorded")
    (home / "calls.jsonl").write_text('{"role": "Earlier"}\n{"role": "hal')
    running = Recording(home).start("--record-calls", str(home / "calls.jsonl"))
    role(running, "RecordedRole", statement(["s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/*"]))
    running.client("s3").create_bucket(Bucket=BUCKET)
    s3 = running.client_as("s3", "RecordedRole")
    for day in ("2026-11-23", "2026-11-24"):
        s3.put_object(
            Bucket=BUCKET, Key=f"raw/dt={day}/a", Body=b"a", ServerSideEncryption="AES256"
        )
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=BUCKET, Key="raw/dt=2026-11-24/a")
    yield running
    running.stop()


def test_two_calls_that_differ_by_their_day_are_one_line(recording: Recording) -> None:
    puts = [call for call in recording.calls() if call.get("action") == "s3:PutObject"]

    assert puts == [
        {
            "role": "RecordedRole",
            "action": "s3:PutObject",
            "resource": "arn:aws:s3:::<bucket>/raw/dt=<day>/a",
            "context": {"s3:x-amz-server-side-encryption": "AES256"},
        }
    ]


def test_a_refused_call_is_noted_as_refused(recording: Recording) -> None:
    gets = [call for call in recording.calls() if call.get("action") == "s3:GetObject"]

    assert gets[0]["denied"] is True


def test_what_the_gateway_asks_is_noted_with_the_operation(recording: Recording) -> None:
    _, given = recording.ask(
        "credentials",
        {
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/RecordedRole",
            "service": "glue.amazonaws.com",
            "sessionName": "one",
        },
    )
    recording.ask(
        "authorize",
        {
            "accessKeyId": given["AccessKeyId"],
            "action": "glue:StartCrawler",
            "resource": f"arn:aws:glue:us-east-1:{ACCOUNT}:crawler/c",
            "api": "glue:StartCrawler",
        },
    )

    calls = recording.calls()
    assert "glue:StartCrawler" in [call.get("action") for call in calls]
    assert {
        "api": "glue:StartCrawler",
        "by": "RecordedRole",
        "permission": "glue:StartCrawler",
    } in calls


def test_the_calls_of_people_and_root_are_noted_as_theirs(recording: Recording) -> None:
    calls = recording.calls()

    assert {
        "person": "root",
        "action": "s3:CreateBucket",
        "resource": "arn:aws:s3:::<bucket>",
    } in calls
    assert {"api": "iam:CreateRole", "by": "root", "permission": "iam:CreateRole"} in calls


def test_an_operation_goes_by_its_own_name_beside_the_permission(recording: Recording) -> None:
    with pytest.raises(ClientError):
        recording.client_as("s3", "RecordedRole").head_object(Bucket=BUCKET, Key="raw/b")

    assert {
        "api": "s3:HeadObject",
        "by": "RecordedRole",
        "permission": "s3:GetObject",
    } in recording.calls()


def test_the_use_of_a_key_is_noted_with_the_service_that_asks(recording: Recording) -> None:
    key = recording.client("kms").create_key()["KeyMetadata"]["Arn"]
    topic = recording.client("sns").create_topic(
        Name="encrypted", Attributes={"KmsMasterKeyId": key}
    )["TopicArn"]
    role(
        recording,
        "KeyRole",
        statement(["s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/*"]),
        statement(["sns:Publish"], [topic]),
        statement(["kms:GenerateDataKey"], [key]),
    )
    recording.client_as("s3", "KeyRole").put_object(
        Bucket=BUCKET, Key="k", Body=b"k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    with pytest.raises(ClientError, match="KMSAccessDenied"):
        recording.client_as("sns", "KeyRole").publish(TopicArn=topic, Message="m")

    calls = [call for call in recording.calls() if "KeyRole" in (call.get("role"), call.get("by"))]
    used = {"role": "KeyRole", "resource": "arn:aws:kms:us-east-1:<account>:key/<uuid>"}
    made = {**used, "action": "kms:GenerateDataKey"}
    api = {"by": "KeyRole", "permission": "kms:GenerateDataKey"}
    assert [call for call in calls if "via" in call] == [
        {"api": "s3:PutObject", **api, "via": "s3"},
        {**made, "via": "s3"},
        {"api": "sns:Publish", **api, "via": "sns"},
        {**made, "via": "sns"},
        {"api": "sns:Publish", "by": "KeyRole", "permission": "kms:Decrypt", "via": "sns"},
        {**used, "action": "kms:Decrypt", "via": "sns", "denied": True},
    ]


def test_lines_of_an_earlier_start_are_kept_and_half_a_line_is_not(recording: Recording) -> None:
    assert recording.calls()[0] == {"role": "Earlier"}
    assert recording.noted.read_text().count("hal") == 0


def test_the_file_ends_with_a_mark_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_calls, "MOST_CALLS", 2)
    records = recorded_calls._Records(tmp_path / "calls")

    for number in range(5):
        records.add(json.dumps({"call": number}))

    lines = (tmp_path / "calls").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"call": 0}, {"call": 1}, {"full": 2}]


def test_a_hash_that_begins_with_digits_is_no_part_of_a_runs_name() -> None:
    key = "0123456789abcdef-20261124-170550-a69abd9e-00001-12a3766060123456.ndjson.gz"

    assert recorded_calls.placeholders(key) == "<hash>-<run>-<hash>.ndjson.gz"


def test_the_row_of_an_execution_is_a_placeholder_whatever_its_name() -> None:
    key = "lake/processed-data/executions/dt=2026-11-24/wrong-input.json"

    assert recorded_calls.placeholders(key) == (
        "lake/processed-data/executions/dt=<day>/<execution>.json"
    )
