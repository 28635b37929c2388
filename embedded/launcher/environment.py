"""The process environment that ministack, and every Lambda it starts, is given."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from embedded.launcher.state_folder import open_state

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"

# Only these start. SageMaker, Glue crawlers and Glue job runs are the gateway's.
SERVICES = (
    "athena",
    "cloudformation",
    "codebuild",
    "ecr",
    "events",
    "glue",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "tagging",
)

# What a Lambda worker may inherit from the person's shell. Anything more (AWS_PROFILE, proxies,
# NODE_OPTIONS, real credentials) would make a run depend on whose machine it is, or leave it.
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "USER")


@dataclass(frozen=True)
class Places:
    """Where one embedded cloud keeps its state; all below the home directory."""

    home: Path
    objects: Path
    state: Path


@dataclass(frozen=True)
class Secrets:
    """What this process knows and none of its children may: neither is in the environment."""

    # What the gateway sends with each request.
    token: str
    # What the account's root signs with.
    root: str


def read_secrets(source: BinaryIO) -> Secrets:
    """The two secrets from one line of JSON: {"token": ..., "rootSecret": ...}.

    Raises ValueError when they are not there.
    """
    try:
        fields = json.loads(source.readline())
        secrets = Secrets(token=fields["token"], root=fields["rootSecret"])
    except (ValueError, KeyError, TypeError) as missing:
        raise ValueError(
            "standard input must begin with a line of JSON that holds token and rootSecret: "
            "start the embedded cloud with npm start or npm run up"
        ) from missing
    if not all(isinstance(text, str) and len(text) >= 16 for text in (secrets.token, secrets.root)):
        raise ValueError("token and rootSecret must be texts of 16 characters or more")
    return secrets


def prepare(gateway: str, home: Path, log_level: str = "WARNING") -> Places:
    """Replace the process environment before ministack is imported.

    `gateway` is the address Lambdas and custom resources call back to. Raises ValueError when it
    is not an http address of this machine, RuntimeError when there is no `node` for the Lambdas and
    when the state in `home` is not for this version.
    """
    address = urlsplit(gateway)
    if address.scheme != "http" or address.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError(f"--gateway {gateway}: expected http://127.0.0.1:PORT")
    if shutil.which("node") is None:
        raise RuntimeError("no `node` on the PATH: the Lambdas run on it; install Node 20 or newer")
    places = Places(home=home, objects=home / "s3", state=open_state(home))
    places.objects.mkdir(parents=True, exist_ok=True)
    # Lambda workers unpack their code here; a killed launcher leaves it behind.
    shutil.rmtree(home / "lambda-tmp", ignore_errors=True)
    (home / "lambda-tmp").mkdir()
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(_settings(address.port or 80, gateway, places, log_level))
    return places


def _settings(gateway_port: int, gateway: str, places: Places, log_level: str) -> dict[str, str]:
    return {
        "AUTH": "true",
        "LOG_LEVEL": log_level,
        "SERVICES": ",".join(SERVICES),
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # ministack builds its call-back addresses from these two.
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(gateway_port),
        "AWS_ENDPOINT_URL": gateway,
        # The configured key is the account's root; ministack's default would be "test". Its secret
        # is not here, for Lambda workers inherit all this: see patches/root_secret.py.
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": "not-the-root-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TMPDIR": str(places.home / "lambda-tmp"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(places.objects),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(places.state),
        "ATHENA_ENGINE": "duckdb",
        "LAMBDA_EXECUTOR": "local",
        # Both would listen on 0.0.0.0 otherwise.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # A Docker socket on the person's machine is none of our business.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
