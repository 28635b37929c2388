"""Keeps `pytest --fast` honest: what takes seconds to start fails in it, not slows it down."""

only = False


def starts(what: str) -> None:
    """Said by whatever starts a slow thing. Fails the test in a fast run."""
    assert not only, f"this test starts {what}: let it, or its fixture, ask for the fixture `slow`"
