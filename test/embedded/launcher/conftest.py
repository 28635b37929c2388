from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import Launcher


@pytest.fixture(scope="session")
def launcher(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    running = Launcher(tmp_path_factory.mktemp("lake")).start()
    yield running
    running.stop()


@pytest.fixture
def own_launcher(slow: None, tmp_path: Path) -> Iterator[Launcher]:
    """A launcher that a test may kill."""
    running = Launcher(tmp_path).start()
    yield running
    running.stop()
