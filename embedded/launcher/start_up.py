"""What a start has to tell the world, once there is a world to tell: the gateway's first request.

Events reach Lambdas, and Lambdas call the gateway. A launcher that has just come up has none yet.
"""

import threading
from collections.abc import Callable

_pending: list[Callable[[], None]] = []


def when_gateway_is_there(task: Callable[[], None]) -> None:
    """Run a task in a thread of its own at the first request that the gateway passes on."""
    _pending.append(task)


def gateway_is_there() -> None:
    while _pending:
        threading.Thread(target=_pending.pop(), daemon=True).start()
