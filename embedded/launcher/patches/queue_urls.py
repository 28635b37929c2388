"""Upstream: a queue's URL is kept with the port that the lake had when the queue was made.

Queues, stacks and functions remember it. After a start on another port it leads to nothing, or to
another program. Here what is loaded gets the address of now.
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
    """The same value with the address in all its queue URLs, keys of stores included."""
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
        # ministack's stores: their own iteration shows one account and region only.
        moved(value._data, address)
    return value


def apply() -> None:
    address = sqs._queue_url_for_account("0" * 12, "q").removesuffix(f"/{'0' * 12}/q")
    for module in (sqs, cloudformation, lambda_svc):
        load = module.load_persisted_state

        def load_moved(data: Any, load: Any = load) -> Any:
            return load(moved(data, address))

        module.load_persisted_state = load_moved
