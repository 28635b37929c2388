"""What the gateway asks below /_lake/: who calls, what they may, and credentials for services."""

import json
import time

import pytest
from launching import ACCOUNT, REGION, Launcher, role, statement

BUCKET = "routes-bucket"


@pytest.fixture(scope="module")
def guarded(launcher: Launcher) -> Launcher:
    role(
        launcher,
        "routes-reader",
        statement(["s3:GetObject"], [f"arn:aws:s3:::{BUCKET}/*"]),
        statement(["glue:StartJobRun"], [f"arn:aws:glue:{REGION}:{ACCOUNT}:job/clean"]),
        {
            **statement(["iam:PassRole"], ["*"]),
            "Condition": {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}},
        },
    )
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(
        Bucket=BUCKET,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [f"arn:aws:s3:::{BUCKET}/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:GetObject",
                        "Resource": f"arn:aws:s3:::{BUCKET}/secret/*",
                    },
                ],
            }
        ),
    )
    return launcher


def credentials(launcher: Launcher, **fields: str) -> tuple[int, dict]:
    return launcher.ask(
        "credentials",
        {
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/routes-reader",
            "service": "glue.amazonaws.com",
            "sessionName": "job one",
            **fields,
        },
    )


def allowed(launcher: Launcher, key: str, action: str, resource: str, **context: str) -> dict:
    status, answer = launcher.ask(
        "authorize",
        {"accessKeyId": key, "action": action, "resource": resource, "context": context},
    )
    assert status == 200, answer
    return answer


def test_health_names_the_version(guarded):
    status, answer = guarded.ask("health")

    assert (status, answer["ok"], answer["ministackVersion"]) == (200, True, "1.5.33")


def test_the_accounts_key_is_root_and_may_do_everything(guarded):
    assert allowed(guarded, ACCOUNT, "glue:StartJobRun", "*") == {"allowed": True, "message": ""}


def test_credentials_are_those_of_a_session_of_the_role(guarded):
    status, given = credentials(guarded)
    key = given["AccessKeyId"]

    assert status == 200
    status, known = guarded.ask("key", {"accessKeyId": key})
    assert (status, known["arn"], known["secretAccessKey"], known["sessionToken"]) == (
        200,
        f"arn:aws:sts::{ACCOUNT}:assumed-role/routes-reader/job-one",
        given["SecretAccessKey"],
        given["SessionToken"],
    )
    assert 11 * 3600 < known["expiration"] - time.time() < 13 * 3600
    caller = guarded.client("sts", key, given["SecretAccessKey"], given["SessionToken"])
    assert caller.get_caller_identity()["Arn"].endswith("assumed-role/routes-reader/job-one")


def test_a_session_does_what_its_role_may_and_no_more(guarded):
    guarded.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"1")
    s3 = guarded.client_as("s3", "routes-reader")

    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"1"
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=BUCKET, Key="b", Body=b"1")


def test_identity_and_resource_policies_both_count(guarded):
    key = credentials(guarded)[1]["AccessKeyId"]

    assert allowed(guarded, key, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/a")["allowed"]
    secret = allowed(guarded, key, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/secret/a")
    assert not secret["allowed"]
    assert "explicit deny in a resource-based policy" in secret["message"]
    other = allowed(guarded, key, "glue:StartJobRun", f"arn:aws:glue:{REGION}:{ACCOUNT}:job/x")
    assert other == {
        "allowed": False,
        "message": (
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/routes-reader/job-one is not authorized to "
            f"perform: glue:StartJobRun on resource: arn:aws:glue:{REGION}:{ACCOUNT}:job/x because "
            "no identity-based policy allows the glue:StartJobRun action"
        ),
    }


def test_condition_keys_come_with_the_question(guarded):
    key = credentials(guarded)[1]["AccessKeyId"]
    target = f"arn:aws:iam::{ACCOUNT}:role/any"

    assert allowed(
        guarded, key, "iam:PassRole", target, **{"iam:PassedToService": "glue.amazonaws.com"}
    )["allowed"]
    assert not allowed(
        guarded, key, "iam:PassRole", target, **{"iam:PassedToService": "sagemaker.amazonaws.com"}
    )["allowed"]


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/absent"}, "does not exist"),
        (
            {"service": "sagemaker.amazonaws.com"},
            "does not allow sagemaker.amazonaws.com to assume it",
        ),
    ],
)
def test_credentials_are_refused_with_the_reason(guarded, fields, reason):
    status, answer = credentials(guarded, **fields)

    assert status == 403
    assert reason in answer["message"]


def test_a_trust_policy_may_ask_for_the_source(guarded):
    source = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/clean"
    trusting = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "glue.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                    "ArnLike": {"aws:SourceArn": source},
                },
            }
        ],
    }
    guarded.client("iam").create_role(
        RoleName="routes-sourced", AssumeRolePolicyDocument=json.dumps(trusting)
    )
    arn = f"arn:aws:iam::{ACCOUNT}:role/routes-sourced"

    assert credentials(guarded, roleArn=arn, sourceArn=source)[0] == 200
    assert credentials(guarded, roleArn=arn, sourceArn=source + "x")[0] == 403


def test_a_users_key_is_known_until_it_is_taken_away(guarded):
    iam = guarded.client("iam")
    iam.create_user(UserName="routes-user")
    made = iam.create_access_key(UserName="routes-user")["AccessKey"]
    key = {"accessKeyId": made["AccessKeyId"]}

    assert guarded.ask("key", key) == (
        200,
        {
            "arn": f"arn:aws:iam::{ACCOUNT}:user/routes-user",
            "secretAccessKey": made["SecretAccessKey"],
            "sessionToken": "",
            "expiration": None,
        },
    )
    iam.update_access_key(
        UserName="routes-user", AccessKeyId=made["AccessKeyId"], Status="Inactive"
    )
    assert guarded.ask("key", key)[0] == 403


@pytest.mark.parametrize("key", ["AKIAUNKNOWN", "test", ACCOUNT, "1" * 12])
def test_a_key_without_a_secret_here_is_refused(guarded, key):
    assert guarded.ask("key", {"accessKeyId": key})[0] == 403


def test_an_unknown_key_may_do_nothing(guarded):
    assert (
        guarded.ask(
            "authorize", {"accessKeyId": "AKIAUNKNOWN", "action": "s3:GetObject", "resource": "*"}
        )[0]
        == 403
    )


def test_a_body_without_its_fields_is_told_which(guarded):
    assert guarded.ask("authorize", {"accessKeyId": ACCOUNT}) == (
        400,
        {"message": "/_lake/authorize: action must be a non-empty string"},
    )
    assert guarded.ask("nothing", {})[0] == 404
