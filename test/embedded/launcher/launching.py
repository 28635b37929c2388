"""One launcher for all tests, on a free port, with its own home; clients and helpers for it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import fast
from botocore.config import Config
from launcher_front import ROOT_SECRET, SECRETS_LINE, Front

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "000000000000"
REGION = "us-east-1"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(wanted: Callable[[], Any], seconds: float = 10.0, every: float = 0.05) -> Any:
    """What `wanted` returns, as soon as that is true; fails the test after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = wanted()
        if found:
            return found
        assert time.monotonic() < end, f"not so within {seconds} s; last answer: {found!r}"
        time.sleep(every)


class Launcher:
    """A launcher process, and what stands before it: Lambdas call back to that."""

    def __init__(self, home: Path):
        self.home = home
        self.port = free_port()
        self.url = Front(self.port).url
        self.process: subprocess.Popen[str] | None = None
        self._clients: dict[tuple[str, ...], Any] = {}

    def start(self, *options: str) -> "Launcher":
        fast.starts("a launcher")
        with open(self.home / "launcher.log", "a") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "embedded.launcher",
                    "--port",
                    str(self.port),
                    "--gateway",
                    self.url,
                    "--home",
                    str(self.home),
                    *options,
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.process.stdin.write(SECRETS_LINE)
        self.process.stdin.close()
        line = self.process.stdout.readline()
        assert line.startswith("launcher ready"), (self.home / "launcher.log").read_text()
        return self

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=15)

    def client(
        self,
        service: str,
        key: str = ACCOUNT,
        secret: str = ROOT_SECRET,
        token: str | None = None,
    ) -> Any:
        # Making a client takes longer than most of the calls it is made for.
        wanted = (service, key, secret, token or "")
        if wanted not in self._clients:
            self._clients[wanted] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(
                    retries={"max_attempts": 1},
                    s3={"addressing_style": "path"},
                    parameter_validation=service != "athena",
                ),
            )
        return self._clients[wanted]

    def client_as(self, service: str, role: str) -> Any:
        """A client with a session of the role, which must trust glue.amazonaws.com."""
        status, given = self.ask(
            "credentials",
            {
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "service": "glue.amazonaws.com",
                "sessionName": "test",
            },
        )
        assert status == 200, given
        return self.client(
            service, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        )

    def saved(self) -> None:
        """Wait until the last change is in a snapshot."""
        until(lambda: self.ask("health")[1]["saved"])

    def ask(self, route: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(
            f"{self.url}/_lake/{route}",
            data=None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "POST",
        )
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)


def trust(*services: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": list(services)},
                }
            ],
        }
    )


def statement(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def role(launcher: Launcher, name: str, *statements: dict[str, Any]) -> str:
    """Create a role that Lambda, Step Functions and Glue may assume; returns its ARN."""
    iam = launcher.client("iam")
    arn = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=trust(
            "lambda.amazonaws.com", "states.amazonaws.com", "glue.amazonaws.com"
        ),
    )["Role"]["Arn"]
    if statements:
        iam.put_role_policy(
            RoleName=name,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        )
    return arn


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.js", source)
    return packed.getvalue()


def function(launcher: Launcher, name: str, source: str, role_arn: str, **settings: Any) -> str:
    """Create a Node function from CommonJS source; returns its ARN."""
    return launcher.client("lambda").create_function(
        FunctionName=name,
        Runtime="nodejs20.x",
        Role=role_arn,
        Handler="index.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=settings.pop("Timeout", 20),
        **settings,
    )["FunctionArn"]


@dataclass(frozen=True)
class Machine:
    """A state machine, and ways to run and look at it."""

    launcher: Launcher
    arn: str

    @property
    def client(self) -> Any:
        return self.launcher.client("stepfunctions")

    def start(self, given: Any = None, name: str | None = None) -> str:
        named = {"name": name} if name else {}
        return self.client.start_execution(
            stateMachineArn=self.arn, input=json.dumps(given or {}), **named
        )["executionArn"]

    def describe(self, execution: str) -> dict[str, Any]:
        return self.client.describe_execution(executionArn=execution)

    def ended(self, execution: str, seconds: float = 15.0) -> dict[str, Any]:
        def done() -> dict[str, Any] | None:
            found = self.describe(execution)
            return found if found["status"] != "RUNNING" else None

        return until(done, seconds)

    def history(self, execution: str) -> list[dict[str, Any]]:
        return self.client.get_execution_history(executionArn=execution, maxResults=1000)["events"]

    def kinds(self, execution: str) -> list[str]:
        return [event["type"] for event in self.history(execution)]


def machine(launcher: Launcher, name: str, definition: dict[str, Any], role_arn: str) -> Machine:
    arn = launcher.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role_arn
    )["stateMachineArn"]
    return Machine(launcher, arn)
