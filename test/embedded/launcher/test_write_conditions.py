"""A bucket policy sees whether a write is for a new object only, as on AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, Launcher, role, statement

BUCKET = "write-conditions-bucket"


@pytest.fixture(scope="module")
def writer(launcher: Launcher) -> Any:
    objects = [f"arn:aws:s3:::{BUCKET}/*"]
    role(launcher, "recording-role", statement(["s3:PutObject", "s3:GetObject"], objects))
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="kept/there", Body=b"first")
    s3.put_object(Bucket=BUCKET, Key="elsewhere", Body=b"forged")
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/kept/*",
        "Condition": {
            "Null": {"s3:if-none-match": "true"},
            "ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:root"]},
        },
    }
    policy = {"Version": "2012-10-17", "Statement": [denial]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    return launcher.client_as("s3", "recording-role")


def text(launcher: Launcher, key: str) -> bytes:
    return launcher.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_a_new_object_is_taken_once(writer: Any, launcher: Launcher) -> None:
    writer.put_object(Bucket=BUCKET, Key="kept/new", Body=b"a", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        writer.put_object(Bucket=BUCKET, Key="kept/new", Body=b"b", IfNoneMatch="*")
    assert text(launcher, "kept/new") == b"a"


@pytest.mark.parametrize("asked", [{}, {"IfMatch": "*"}, {"IfNoneMatch": '"another"'}])
def test_no_other_write_replaces_one(
    writer: Any, launcher: Launcher, asked: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.put_object(Bucket=BUCKET, Key="kept/there", Body=b"b", **asked)
    assert text(launcher, "kept/there") == b"first"


def test_neither_does_a_copy_or_an_upload_in_parts(writer: Any, launcher: Launcher) -> None:
    def as_new(request: Any, **_: Any) -> None:
        request.headers["If-None-Match"] = "*"

    source = {"Bucket": BUCKET, "Key": "elsewhere"}
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.copy_object(Bucket=BUCKET, Key="kept/there", CopySource=source)
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.create_multipart_upload(Bucket=BUCKET, Key="kept/there")
    writer.meta.events.register("before-sign.s3.CopyObject", as_new)
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.copy_object(Bucket=BUCKET, Key="kept/there", CopySource=source)
    assert text(launcher, "kept/there") == b"first"


def test_elsewhere_an_object_is_replaced_as_before(writer: Any) -> None:
    writer.put_object(Bucket=BUCKET, Key="elsewhere", Body=b"c")
