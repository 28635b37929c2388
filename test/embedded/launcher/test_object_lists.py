"""embedded/launcher/sorted_objects.py: ministack's pages, without walking the bucket."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from launching import Launcher
from ministack.services import s3

from embedded.launcher.sorted_objects import SortedObjects, keys_of, page_of


def test_pages_are_ministacks():
    chance = random.Random(7)
    for _ in range(3_000):
        keys = {
            "".join(chance.choice("ab/é") for _ in range(chance.randint(1, 5))) for _ in range(12)
        }
        objects = {key: {} for key in keys}
        marker = chance.choice(["", "a/", "b", *keys])
        given = (
            chance.choice(["", "a", "a/", "b/a"]),
            chance.choice(["", "", "/", "a"]),
            chance.choice([0, 1, 3, 1000]),
            marker,
        )

        assert page_of(SortedObjects(objects.items()), *given) == s3._collect_list_entries(
            objects, *given
        ), (sorted(keys), given)


class Counted(list[str]):
    """Keys that count how many of them are looked at."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        type(self).looks += 1
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the bucket is walked")


@pytest.mark.parametrize(
    ("delimiter", "marker", "most", "found"),
    [("", "dt=100/500", 10, 10), ("/", "", 1000, 200), ("/", "dt=150/", 1000, 49)],
)
def test_a_page_looks_at_its_own_keys_only(delimiter, marker, most, found):
    objects = SortedObjects((f"dt={day:03d}/{n:03d}", {}) for day in range(200) for n in range(500))
    objects.sorted_keys = Counted(objects.sorted_keys)
    Counted.looks = 0

    contents, groups, _, _ = page_of(objects, "dt=", delimiter, most, marker)

    assert len(contents) + len(groups) == found
    # 100,000 keys; a group is passed by bisecting.
    assert Counted.looks < 20 * (found + 1)


def test_keys_stay_sorted_through_puts_and_deletes():
    chance = random.Random(3)
    objects = SortedObjects({"m": 1}.items())
    for _ in range(2_000):
        key = chance.choice("abcdefghij") * chance.randint(1, 3)
        if chance.random() < 0.5:
            objects[key] = 1
        else:
            objects.pop(key, None)
        assert keys_of(objects) == sorted(objects)
    with pytest.raises(KeyError):
        objects.pop("absent")
    with pytest.raises(NotImplementedError):
        objects.update({"a": 1})


def test_listings_through_the_api_after_a_restart(own_launcher: Launcher):
    client = own_launcher.client("s3")
    for bucket in ("filled", "empty"):
        client.create_bucket(Bucket=bucket)
    for key in ("b/2", "a", "b/1", "c"):
        client.put_object(Bucket="filled", Key=key, Body=b"x")
    own_launcher.saved()
    own_launcher.kill()
    own_launcher.start()
    client.put_object(Bucket="filled", Key="b/0", Body=b"x")
    client.put_object(Bucket="empty", Key="z", Body=b"x")
    client.delete_object(Bucket="filled", Key="a")

    def keys(bucket: str, **given: Any) -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **given)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    assert keys("filled", PaginationConfig={"PageSize": 2}) == ["b/0", "b/1", "b/2", "c"]
    assert keys("filled", Prefix="b/", StartAfter="b/0") == ["b/1", "b/2"]
    assert keys("filled", Delimiter="/") == ["c"]
    assert keys("empty") == ["z"]
