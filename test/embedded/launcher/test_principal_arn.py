"""aws:PrincipalArn of a session is its role's ARN, as bucket policies count on."""

import json

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, Launcher, role, statement

BUCKET = "principal-arn-bucket"


@pytest.fixture(scope="module")
def spared(launcher: Launcher) -> Launcher:
    for name in ("spared-role", "other-role"):
        role(launcher, name, statement(["s3:GetObject"], [f"arn:aws:s3:::{BUCKET}/*"]))
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"a")
    only = [f"arn:aws:iam::{ACCOUNT}:role/spared-role", f"arn:aws:iam::{ACCOUNT}:root"]
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": only}},
    }
    policy = {"Version": "2012-10-17", "Statement": [denial]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    return launcher


def read_as(launcher: Launcher, role_name: str) -> bytes:
    status, given = launcher.ask(
        "credentials",
        {
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{role_name}",
            "service": "glue.amazonaws.com",
            "sessionName": "session",
        },
    )
    assert status == 200, given
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return launcher.client("s3", *keys).get_object(Bucket=BUCKET, Key="a")["Body"].read()


def test_a_role_that_the_policy_spares_may_read(spared: Launcher) -> None:
    assert read_as(spared, "spared-role") == b"a"


def test_another_role_may_not(spared: Launcher) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        read_as(spared, "other-role")
