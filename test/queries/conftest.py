from __future__ import annotations

from collections.abc import Iterator

import pytest
from query_lake import Lake


@pytest.fixture
def lake() -> Iterator[Lake]:
    built = Lake()
    yield built
    built.connection.close()
