"""The process environment of ministack and of every Lambda it starts."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from embedded.launcher.state_folder import open_state
from embedded.launcher.words import words

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"

# Only these services start. The gateway provides SageMaker, Glue crawlers and Glue job runs.
SERVICES = tuple(
    sorted(
        words(
            """
            athena cloudformation cloudtrail codebuild ecr events glue iam kinesis kms lambda
            logs monitoring s3 scheduler secretsmanager sns sqs ssm states sts tagging
            """
        )
    )
)

# Variables that Lambda workers inherit from the user's shell. Others (AWS_PROFILE, proxies,
# NODE_OPTIONS, real credentials) would make runs depend on the machine, or send requests elsewhere.
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "USER")
# The clock that test/bench/month shifts. All programs must have the same: a request is refused 15
# minutes from the server's time.
SHIFTED_CLOCK = ("CLOCK_SHIFT_SECONDS", "LD_PRELOAD")


def shifted_clock() -> dict[str, str]:
    """The variables of a shifted clock; none if the clock is the machine's."""
    if "CLOCK_SHIFT_SECONDS" not in os.environ:
        return {}
    return {name: os.environ[name] for name in SHIFTED_CLOCK if name in os.environ}


@dataclass(frozen=True)
class Places:
    """Folders of one embedded cloud's state, all below the home directory."""

    home: Path
    objects: Path
    state: Path


@dataclass(frozen=True)
class Secrets:
    """Secrets that child processes must not see, so they are not in the environment."""

    # Sent by the gateway with each request.
    token: str
    # Secret access key of the account's root.
    root: str


def read_secrets(source: BinaryIO) -> Secrets:
    """Read the two secrets from one line of JSON: {"token": ..., "rootSecret": ...}.

    Raises ValueError when they are missing.
    """
    try:
        fields = json.loads(source.readline())
        secrets = Secrets(token=fields["token"], root=fields["rootSecret"])
    except (ValueError, KeyError, TypeError) as missing:
        raise ValueError(
            "standard input must begin with a line of JSON with token and rootSecret. "
            "Start the embedded cloud with npm start or npm run up."
        ) from missing
    if not all(isinstance(text, str) and len(text) >= 16 for text in (secrets.token, secrets.root)):
        raise ValueError("token and rootSecret must be strings of at least 16 characters")
    return secrets


def prepare(gateway: str, home: Path, log_level: str = "WARNING") -> Places:
    """Replace the process environment; must be called before ministack is imported.

    `gateway` is the address that Lambdas and custom resources call. Raises ValueError when it is
    not an http address of this machine. Raises RuntimeError when there is no `node` for the
    Lambdas, or when this version cannot read the state in `home`.
    """
    address = urlsplit(gateway)
    if address.scheme != "http" or address.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError(f"--gateway {gateway}: expected http://127.0.0.1:PORT")
    if shutil.which("node") is None:
        raise RuntimeError("no `node` on the PATH: the Lambdas need it; install Node 20 or newer")
    places = Places(home=home, objects=home / "s3", state=open_state(home))
    places.objects.mkdir(parents=True, exist_ok=True)
    # Lambda workers unpack their code here. A killed launcher leaves it behind.
    shutil.rmtree(home / "lambda-tmp", ignore_errors=True)
    (home / "lambda-tmp").mkdir()
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    kept |= shifted_clock()
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
        # ministack builds its callback addresses from these two.
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(gateway_port),
        "AWS_ENDPOINT_URL": gateway,
        # The access key of the account's root; ministack's default is "test". Its secret is not
        # here, because Lambda workers inherit these variables: see patches/root_secret.py.
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
        # Otherwise both would listen on 0.0.0.0.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # ministack must not use the user's Docker.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
