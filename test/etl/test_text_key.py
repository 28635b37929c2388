import json
from pathlib import Path

from etl.reading import read
from etl.text.key import normalise_for_key

CASES = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "text-keys.json").read_text(encoding="utf-8")
)


def test_gives_the_same_keys_as_typescript() -> None:
    assert [normalise_for_key(case["text"]) for case in CASES] == [
        case["normalised"] for case in CASES
    ]


def test_the_job_gives_the_same_keys() -> None:
    readings = read([case["text"] for case in CASES])

    assert [reading.text_hash for reading in readings] == [case["sha256"] for case in CASES]
