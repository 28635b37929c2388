"""A bucket policy sees the key that a write asks for, as on AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, role, statement

BUCKET = "write-encryption-bucket"
OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/22222222-2222-2222-2222-222222222222"
ALGORITHM = "s3:x-amz-server-side-encryption"
KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"


def denial(condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": condition,
    }


@pytest.fixture(scope="module")
def key(launcher: Launcher) -> str:
    return launcher.client("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def writer(launcher: Launcher, key: str) -> Any:
    role(
        launcher,
        "writing-role",
        statement(["s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/*"]),
        statement(["kms:GenerateDataKey", "kms:Decrypt"], [key]),
    )
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    statements = [
        denial({"Null": {ALGORITHM: "false", KEY_ID: "true"}}),
        denial({"Null": {KEY_ID: "false"}, "StringNotEquals": {KEY_ID: key}}),
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    status, given = launcher.ask(
        "credentials",
        {
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/writing-role",
            "service": "glue.amazonaws.com",
            "sessionName": "session",
        },
    )
    assert status == 200, given
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return launcher.client("s3", *keys)


def test_a_write_with_the_right_key_is_allowed(writer: Any, key: str) -> None:
    writer.put_object(
        Bucket=BUCKET, Key="a", Body=b"a", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )


def test_a_write_without_headers_is_allowed(writer: Any) -> None:
    writer.put_object(Bucket=BUCKET, Key="a", Body=b"a")


@pytest.mark.parametrize("asked", [{}, {"SSEKMSKeyId": OTHER_KEY}])
def test_a_write_with_no_key_or_another_is_denied(writer: Any, asked: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.put_object(
            Bucket=BUCKET, Key="a", Body=b"a", ServerSideEncryption="aws:kms", **asked
        )


def test_the_parts_of_an_upload_have_the_key_it_was_begun_with(writer: Any, key: str) -> None:
    begun = writer.create_multipart_upload(
        Bucket=BUCKET, Key="parts", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )

    part = writer.upload_part(
        Bucket=BUCKET, Key="parts", UploadId=begun["UploadId"], PartNumber=1, Body=b"a"
    )

    assert part["ETag"]
