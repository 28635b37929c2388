"""One Spark session and one embedded S3 for all tests of the job: both take seconds to start."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from lake import BUCKET, Lake
from launcher_front import ROOT_SECRET, SECRETS_LINE, Front
from pyspark.sql import SparkSession

from etl.clean_tweets import spark_session

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def spark(slow: None) -> Iterator[SparkSession]:
    session = spark_session(embedded=True)
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def endpoint(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a launcher with a home of its own."""
    home = tmp_path_factory.mktemp("lake")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    front = Front(port)
    url = front.url
    command = [sys.executable, "-m", "embedded.launcher", "--port", str(port), "--gateway", url]
    with (home / "launcher.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--home", str(home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        process.stdin.write(SECRETS_LINE)
        process.stdin.close()
        ready = process.stdout.readline() if process.stdout else ""
        assert ready.startswith("launcher ready"), (home / "launcher.log").read_text()
        yield url
        process.terminate()
        process.wait(timeout=15)
        front.close()


@pytest.fixture
def lake(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty bucket, and an environment in which boto3 finds it."""
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # boto3's own session keeps the credentials that it found first, also those of another test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    return Lake(BUCKET)
