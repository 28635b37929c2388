"""Fixtures of the training tests. `tiny_job` puts ml/training on the path, as when the job runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny_job  # noqa: E402
from tiny_job import Job  # noqa: E402


@pytest.fixture
def job(slow: None, tmp_path: Path) -> Job:
    """A job that has not run."""
    tiny_job.prepare(tmp_path)
    return Job(tmp_path)


@pytest.fixture(scope="session")
def trained(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that has run, once for all tests; treat it as read-only."""
    done = Job(tmp_path_factory.mktemp("trained"))
    tiny_job.prepare(done.folder)
    finished = done.run()
    assert finished.returncode == 0, finished.stderr
    (done.folder / "log").write_text(finished.stdout, "utf-8")
    return done
