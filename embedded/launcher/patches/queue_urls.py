"""Upstream: a queue's URL keeps the port that the lake had when the queue was created.

Queues, stacks and functions store the URL. After a start on another port it leads to nothing, or to
another program. Here the loaded state gets the current address.
"""

import re
from typing import Any

from ministack.services import cloudformation, lambda_svc, sqs

EXPECTS = {
    "services.sqs:_restore_state": "6ad905ae1eea",
    "services.sqs:_queue_url_for_account": "84f56260ad93",
}

_OLD = re.compile(r"\bhttp://(?:127\.0\.0\.1|localhost):\d+(?=/\d{12}/[\w.-]+)")


def moved(value: Any, address: str) -> Any:
    """The value with `address` in all of its queue URLs, including keys of stores."""
    if isinstance(value, str):
        return _OLD.sub(address, value) if "://" in value else value
    if isinstance(value, tuple):
        return tuple(moved(item, address) for item in value)
    if isinstance(value, list):
        value[:] = [moved(item, address) for item in value]
    elif isinstance(value, dict):
        items = [(moved(key, address), moved(item, address)) for key, item in value.items()]
        value.clear()
        value.update(items)
    elif hasattr(value, "_data"):
        # A store of ministack: its own iteration returns only one account and region.
        moved(value._data, address)
    return value


def apply() -> None:
    address = sqs._queue_url_for_account("0" * 12, "q").removesuffix(f"/{'0' * 12}/q")
    for module in (sqs, cloudformation, lambda_svc):
        load = module.load_persisted_state

        def load_moved(data: Any, load: Any = load) -> Any:
            return load(moved(data, address))

        module.load_persisted_state = load_moved
