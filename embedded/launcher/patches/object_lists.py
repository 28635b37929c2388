"""Upstream: each page of ListObjects and ListObjectsV2 sorts all keys of the bucket.

A listing of a lake of 100,000 objects sorts them a hundred times. Here a bucket keeps its keys
sorted (embedded/launcher/sorted_objects.py); the answers are the same.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import s3

from embedded.launcher.sorted_objects import SortedObjects, page_of

EXPECTS = {
    "services.s3:_collect_list_entries": "91a9990a1d73",
    "services.s3:_create_bucket": "eb1d6626bf66",
    "services.s3:_restore_state": "1ee11336adcf",
    "services.s3:_load_persisted_bucket": "7e84b6f2596e",
}


def _keep_sorted() -> None:
    for bucket in list(s3._buckets._data.values()):
        if not isinstance(bucket["objects"], SortedObjects):
            bucket["objects"] = SortedObjects(bucket["objects"].items())


def _then(act: Callable[..., Any]) -> Callable[..., Any]:
    """`act`, whose new buckets then keep their keys sorted. Nobody else has these buckets yet."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        answer = act(*arguments, **named)
        _keep_sorted()
        return answer

    return wrapped


def apply() -> None:
    _keep_sorted()
    s3._create_bucket = _then(s3._create_bucket)
    s3._restore_state = _then(s3._restore_state)
    s3._collect_list_entries = page_of
