"""A clock that a benchmark shifts is the clock of Lambdas and queries, too."""

from embedded.launcher.environment import shifted_clock


def test_a_library_to_load_before_others_is_inherited_only_with_a_shift(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/clock.so")
    monkeypatch.delenv("CLOCK_SHIFT_SECONDS", raising=False)

    assert shifted_clock() == {}

    monkeypatch.setenv("CLOCK_SHIFT_SECONDS", "86400")

    assert shifted_clock() == {"CLOCK_SHIFT_SECONDS": "86400", "LD_PRELOAD": "/clock.so"}
