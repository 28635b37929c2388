"""Tasks of a start that must wait until the gateway is running: until its first request.

Events invoke Lambdas, and Lambdas call the gateway, which starts after the launcher.
"""

import threading
from collections.abc import Callable

_pending: list[Callable[[], None]] = []


def when_gateway_is_there(task: Callable[[], None]) -> None:
    """Run a task in its own thread at the gateway's first request."""
    _pending.append(task)


def gateway_is_there() -> None:
    while _pending:
        threading.Thread(target=_pending.pop(), daemon=True).start()
