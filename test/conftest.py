"""`pytest --fast` leaves out what needs a launcher, Spark or a training, and nothing else."""

import fast
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="leave out what needs a launcher, Spark or a training"
    )


def pytest_configure(config: pytest.Config) -> None:
    fast.only = config.getoption("--fast")


@pytest.fixture(scope="session")
def slow() -> None:
    """Every fixture and test that starts a launcher, Spark or a training asks for this one."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--fast"):
        return
    left_out = [item for item in items if "slow" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
