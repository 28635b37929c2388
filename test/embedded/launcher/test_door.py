"""The launcher's own port: it answers the gateway alone, and no caller that was not checked."""

import hashlib
import http.client
import inspect
import json
import re
import socket

import boto3
import pytest
from botocore.config import Config
from launcher_front import ROOT_SECRET, TOKEN
from launching import ACCOUNT, REGION, Launcher, function, role
from ministack import app as ministack_app
from ministack.core import router

AS_ROOT = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261101/{REGION}/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
# Every path that ministack compares with, whatever it then does.
ROUTES = sorted(
    set(re.findall(r"""[\"'](/[\w.-][\w./-]*)[\"']""", inspect.getsource(ministack_app)))
    | {
        prefix
        for patterns in router.SERVICE_PATTERNS.values()
        for prefix in patterns.get("path_prefixes", [])
    }
)


def ask(
    launcher: Launcher, path: str, method: str = "GET", headers: list[tuple[str, str]] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", launcher.port, timeout=30)
    connection.putrequest(method, path)
    for name, value in headers or []:
        connection.putheader(name, value)
    connection.putheader("Content-Length", "2")
    connection.endheaders(b"{}")
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_the_routes_are_those_of_ministack():
    assert {"/_ministack/reset", "/_ministack/config", "/health", "/oauth2/authorize"} <= set(
        ROUTES
    )
    assert len(ROUTES) > 60


def test_no_route_is_answered_without_the_token(launcher):
    launcher.client("s3").create_bucket(Bucket="door-kept")

    answers = {
        (method, path): ask(launcher, path, method, [("Authorization", AS_ROOT), *wrong])[0]
        for path in [*ROUTES, "/_lake/health", "/_lake/credentials", "/_lake/key", "/"]
        for method, wrong in (
            ("GET", []),
            ("POST", [("x-lake-token", TOKEN[:-1])]),
            ("PUT", [("x-lake-token", "")]),
        )
    }

    assert {key: status for key, status in answers.items() if status != 403} == {}
    assert "door-kept" in {b["Name"] for b in launcher.client("s3").list_buckets()["Buckets"]}


@pytest.mark.parametrize(
    "headers",
    [
        [("x-lake-token", TOKEN), ("x-lake-token", TOKEN)],
        [("x-lake-token", f"{TOKEN}, {TOKEN}")],
        [("x-lake-token", TOKEN.lower())],
    ],
)
def test_the_token_is_sent_once_and_as_it_is(launcher, headers):
    assert ask(launcher, "/_lake/health", headers=headers)[0] == 403


def test_a_websocket_is_not_opened(launcher):
    with socket.create_connection(("127.0.0.1", launcher.port), timeout=30) as connection:
        connection.sendall(
            b"GET /_aws/execute-api/x/y HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert connection.recv(200).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_localstack/health"])
def test_ministacks_own_routes_are_closed_to_the_gateway_as_well(launcher, path):
    headers = [("x-lake-token", TOKEN), ("x-lake-caller", ACCOUNT), ("Authorization", AS_ROOT)]

    assert ask(launcher, path, "POST", headers)[0] == 403


def test_a_custom_resources_answer_is_taken_while_it_is_waited_for_only(launcher):
    path = "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000"

    assert ask(launcher, path, "PUT", [("x-lake-token", TOKEN)])[0] == 403


@pytest.mark.parametrize(
    "path, headers",
    [
        ("/door-kept", []),
        ("/door-kept", [("x-lake-caller", "AKIAOTHER")]),
        ("/door-kept", [("x-lake-caller", ACCOUNT)]),
        (f"/?X-Amz-Credential={ACCOUNT}/a/b/c/aws4_request", [("x-lake-caller", "AKIAOTHER")]),
    ],
)
def test_the_caller_that_ministack_sees_is_the_one_that_was_checked(launcher, path, headers):
    signed = [("Authorization", AS_ROOT)] if ("x-lake-caller", "AKIAOTHER") in headers else []

    assert ask(launcher, path, headers=[("x-lake-token", TOKEN), *headers, *signed])[0] == 403


def test_a_function_finds_no_secret_of_the_lake_and_no_computable_key(launcher):
    source = "exports.handler = async () => process.env;"
    owner = role(launcher, "door-fn")
    arn = function(launcher, "door", source, owner)

    given = json.loads(launcher.client("lambda").invoke(FunctionName="door")["Payload"].read())

    everything = json.dumps(given)
    assert ROOT_SECRET not in everything and TOKEN not in everything
    computable = hashlib.sha256(f"{arn}:{owner}".encode()).hexdigest()
    assert given["AWS_ACCESS_KEY_ID"] != f"ASIA{computable[:16].upper()}"
    assert launcher.ask("key", {"accessKeyId": f"ASIA{computable[:16].upper()}"})[0] == 403
    status, known = launcher.ask("key", {"accessKeyId": given["AWS_ACCESS_KEY_ID"]})
    assert (status, known["secretAccessKey"]) == (200, given["AWS_SECRET_ACCESS_KEY"])


def test_a_presigned_url_of_root_is_checked_with_the_lakes_secret(launcher):
    launcher.client("s3").create_bucket(Bucket="door-presigned")
    launcher.client("s3").put_object(Bucket="door-presigned", Key="a", Body=b"1")

    def status(secret: str) -> int:
        signer = boto3.client(
            "s3",
            endpoint_url=launcher.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=secret,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        url = signer.generate_presigned_url("get_object", {"Bucket": "door-presigned", "Key": "a"})
        path = url.removeprefix(launcher.url)
        headers = [("x-lake-token", TOKEN), ("x-lake-caller", ACCOUNT)]
        connection = http.client.HTTPConnection("127.0.0.1", launcher.port, timeout=30)
        connection.putrequest("GET", path, skip_host=True)
        for name, value in [("Host", launcher.url.removeprefix("http://")), *headers]:
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status

    assert [status(ROOT_SECRET), status("test"), status("not-the-root-secret")] == [200, 403, 403]
