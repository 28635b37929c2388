"""Requests are known by the operation that the service's model has for them."""

import pytest

from embedded.launcher.operations import operation

ANY = [""]


@pytest.mark.parametrize(
    ("service", "request_line", "query", "headers", "name"),
    [
        ("s3", "GET /", {}, {}, "ListBuckets"),
        ("s3", "HEAD /b/a/key", {}, {}, "HeadObject"),
        ("s3", "GET /b", {"list-type": ["2"], "prefix": ["a/"]}, {}, "ListObjectsV2"),
        ("s3", "GET /b", {"versions": ANY}, {}, "ListObjectVersions"),
        ("s3", "PUT /b/key", {}, {"x-amz-copy-source": "b/other"}, "CopyObject"),
        ("s3", "PUT /b/key", {"partNumber": ["1"], "uploadId": ["u"]}, {}, "UploadPart"),
        ("s3", "POST /b", {"delete": ANY}, {}, "DeleteObjects"),
        ("s3", "PUT /b", {"lifecycle": ANY}, {}, "PutBucketLifecycleConfiguration"),
        ("lambda", "POST /2015-03-31/functions/f/invocations", {}, {}, "Invoke"),
        (
            "states",
            "POST /",
            {},
            {"x-amz-target": "AWSStepFunctions.StartExecution"},
            "StartExecution",
        ),
        # The body says the rest.
        ("iam", "POST /", {}, {}, ""),
    ],
)
def test_the_operation_of_a_request(service, request_line, query, headers, name) -> None:
    method, path = request_line.split(" ")

    assert operation(service, method, path, query, headers) == f"{service}:{name}"
