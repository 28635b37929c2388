from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from lstm.data import (
    HumanLabels,
    _Smallest,
    read_labels,
    read_weak_rows,
    require_every_class,
    rows_digest,
    split_of,
)
from lstm.files import SetAside
from lstm.labels import LABELS, POSITIVE
from tiny_job import label_rows, text_hash

from etl.text import key
from ml.bench.weak_rows import write_weak_files

TRAINING = Path(__file__).parents[2] / "ml" / "training"


def write(folder: Path, rows: list[dict], name: str = "a.ndjson") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def labelled(text: str, label: str, imported_at: str = "2026-11-20T00:00:00Z") -> dict[str, str]:
    return {
        "text_hash": text_hash(text),
        "text": text,
        "label": label,
        "source": "test",
        "imported_at": imported_at,
    }


def test_the_split_is_a_fifth_test_and_a_tenth_validation() -> None:
    splits = [split_of(text_hash(f"text {index}")) for index in range(10_000)]

    assert splits.count("test") == pytest.approx(2000, abs=120)
    assert splits.count("validation") == pytest.approx(1000, abs=90)


@pytest.mark.parametrize(
    ("prefix", "split"),
    [
        (19, "test"),
        (20, "validation"),
        (29, "validation"),
        (30, "train"),
        (99, "train"),
        (100, "test"),
    ],
)
def test_the_split_is_the_first_32_bits_of_the_hash_modulo_100(prefix: int, split: str) -> None:
    assert split_of(f"{prefix:08x}" + "f" * 56) == split


FIXTURES = Path(__file__).parents[1] / "fixtures"
CASES = json.loads((FIXTURES / "labels-that-count.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_label_that_counts_is_that_of_spark_and_gate(tmp_path: Path, order: int) -> None:
    write(tmp_path, [row for case in CASES for row in case["labels"]][::order])

    rows = read_labels(tmp_path, SetAside()).rows

    assert {row.text_hash: LABELS[row.label] for row in rows} == {
        key.text_hash(case["labels"][0]["text"]): case["counts"]
        for case in CASES
        if case["counts"] is not None
    }


def test_texts_whose_labels_disagree_are_counted(tmp_path: Path) -> None:
    write(tmp_path, [labelled("same", "negative", "2026-11-21T00:00:00Z")], "b.ndjson")
    write(tmp_path, [labelled("same", "positive"), labelled("other", "positive")], "c.ndjson")

    assert read_labels(tmp_path).conflicts == 1


def test_rows_do_not_depend_on_how_files_are_named(tmp_path: Path) -> None:
    rows = label_rows()
    write(tmp_path / "one", rows)
    write(tmp_path / "two", rows[40:], "1.ndjson")
    write(tmp_path / "two", rows[:40], "2.ndjson")

    assert read_labels(tmp_path / "one") == read_labels(tmp_path / "two")


def test_gzipped_labels_and_texts_with_line_separators_are_read(tmp_path: Path) -> None:
    row = labelled("one\u2028two", "neutral")
    line = json.dumps(row, ensure_ascii=False) + "\n"
    (tmp_path / "labels.ndjson.gz").write_bytes(gzip.compress(line.encode()))

    assert [row.text for row in read_labels(tmp_path).rows] == ["one\u2028two"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label": "joy"}, "label must be one of negative, neutral, positive, not 'joy'"),
        ({"text_hash": "abc"}, "text_hash must be a SHA-256 in hex, not 'abc'"),
        ({"text": None}, "text must be a string, not None"),
    ],
)
def test_a_wrong_label_row_is_named_by_file_and_line(
    tmp_path: Path, change: dict, complaint: str
) -> None:
    write(tmp_path, [labelled("fine", "neutral"), {**labelled("wrong", "neutral"), **change}])

    with pytest.raises(ValueError, match=f"a.ndjson, line 2: {complaint}"):
        read_labels(tmp_path)


def test_a_cut_line_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, [labelled("fine", "neutral")])
    path.write_text(path.read_text("utf-8") + '{"text_hash": "ab', "utf-8")

    with pytest.raises(ValueError, match="a.ndjson, line 2: not JSON"):
        read_labels(tmp_path)


def test_no_labels_at_all_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no human labels in .* import-labels"):
        read_labels(tmp_path / "absent")


def test_a_class_missing_from_a_split_is_named(tmp_path: Path) -> None:
    rows = [
        row
        for row in label_rows()
        if row["label"] != "neutral" or split_of(row["text_hash"]) != "test"
    ]
    write(tmp_path, rows)

    with pytest.raises(ValueError, match=r"no row labelled 'neutral' among the \d+ test rows"):
        require_every_class(read_labels(tmp_path))


ENGLISH = frozenset({"en"})


def weak_file(folder: Path, rows: list[dict]) -> Path:
    path = folder / "dt=2026-11-20" / "run=r1-0" / "part-0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def weak(text: str, label_source: str = "lexicon") -> dict:
    return {
        "tweet_id": "1",
        "text_hash": text_hash(text),
        "text": text,
        "lang": "en",
        "label": "positive",
        "label_source": label_source,
        "label_confidence": 0.8,
    }


def test_weak_rows_are_unlabelled_train_side_texts_once_each(tmp_path: Path) -> None:
    texts = [f"weak {index}" for index in range(60)]
    known = texts[0]
    weak_file(tmp_path / "tweets", [*map(weak, texts), *map(weak, texts), weak("rated", "human")])
    train_side = next(t for t in map(str, range(99)) if split_of(text_hash(t)) == "train")
    write(tmp_path / "labels", [labelled(known, "negative"), labelled(train_side, "neutral")])

    labels = read_labels(tmp_path / "labels")
    rows = read_weak_rows(tmp_path / "tweets", labels, per_human=100, languages=ENGLISH)

    expected = {text_hash(text) for text in texts[1:] if split_of(text_hash(text)) == "train"}
    assert [row.text_hash for row in rows] == sorted(expected)
    assert {(row.label, row.confidence) for row in rows} == {(POSITIVE, 0.8)}


def test_weak_rows_are_bounded_by_the_human_training_rows(tmp_path: Path) -> None:
    weak_file(tmp_path / "tweets", [weak(f"weak {index}") for index in range(200)])
    write(tmp_path / "labels", label_rows())
    labels = read_labels(tmp_path / "labels")

    few = read_weak_rows(tmp_path / "tweets", labels, per_human=0.5, languages=ENGLISH)
    more = read_weak_rows(tmp_path / "tweets", labels, per_human=1, languages=ENGLISH)

    assert len(few) == len(labels.of("train")) // 2
    assert more[: len(few)] == few


def test_weak_rows_are_of_the_models_languages_or_of_none(tmp_path: Path) -> None:
    texts = [str(n) for n in range(99) if split_of(text_hash(str(n))) == "train"][:4]
    tags = ["en", "de", None, "und"]
    weak_file(
        tmp_path / "tweets",
        [{**weak(text), "lang": tag} for text, tag in zip(texts, tags, strict=True)],
    )
    write(tmp_path / "labels", label_rows())
    labels = read_labels(tmp_path / "labels")

    def read(*languages: str) -> set[str]:
        rows = read_weak_rows(tmp_path / "tweets", labels, 100, frozenset(languages))
        return {row.text for row in rows}

    assert read("en") == {texts[0], texts[2]}
    assert read("de", "und") == set(texts[1:])


def test_without_a_tweets_channel_there_are_no_weak_rows(tmp_path: Path) -> None:
    labels = HumanLabels([], 0)

    assert read_weak_rows(tmp_path / "absent", labels, per_human=3, languages=ENGLISH) == []


def test_the_smallest_hashes_are_chosen_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Smallest, "SPARE", 10)
    write(tmp_path / "labels", label_rows())
    labels = read_labels(tmp_path / "labels")
    texts = [f"weak {index}" for index in range(3000)]
    for part in range(5):
        rows = [weak(text) for text in texts[part * 500 : part * 500 + 1000]]
        path = weak_file(tmp_path / "tweets" / str(part), rows)
        assert pyarrow.parquet.ParquetFile(path).metadata.num_rows == 1000

    chosen = read_weak_rows(tmp_path / "tweets", labels, per_human=3, languages=ENGLISH)

    train_side = sorted(h for h in map(text_hash, texts) if split_of(h) == "train")
    assert len(chosen) == 3 * len(labels.of("train")) < len(train_side)
    assert [row.text_hash for row in chosen] == train_side[: len(chosen)]


def test_a_text_stored_with_two_hashes_is_chosen_once_by_the_smaller(tmp_path: Path) -> None:
    write(tmp_path / "labels", label_rows())
    labels = read_labels(tmp_path / "labels")
    text = next(t for t in map(str, range(99)) if split_of(text_hash(t)) == "train")
    stored = {
        f"{55:08x}" + "f" * 56: "positive",
        f"{54:08x}" + "f" * 56: "negative",
        f"{56:08x}" + "f" * 56: "neutral",
    }
    rows = [weak(text) | {"text_hash": h, "label": label} for h, label in stored.items()]
    weak_file(tmp_path / "tweets", rows)

    [row] = read_weak_rows(tmp_path / "tweets", labels, per_human=1, languages=ENGLISH)

    assert (row.text_hash, LABELS[row.label]) == (text_hash(text), "negative")


@pytest.mark.parametrize(
    "change", [{"label": "joy"}, {"label": None}, {"text_hash": "abc"}, {"text_hash": None}]
)
def test_a_weak_row_that_cannot_be_used_is_named(tmp_path: Path, change: dict) -> None:
    weak_file(tmp_path, [weak("fine"), weak("rated", "human") | change, weak("wrong") | change])

    with pytest.raises(ValueError, match="part-0.parquet, row 3: label .* cannot be used"):
        read_weak_rows(tmp_path, HumanLabels([], 0), per_human=3, languages=ENGLISH)


# A million rows held as Python objects take a gigabyte.
MOST_MEMORY = 400 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_channel(tmp_path: Path) -> None:
    write(tmp_path / "labels", label_rows())
    write_weak_files(tmp_path / "tweets", rows=1_000_000, files=2)
    rows_alone = f"""
import resource, sys
from pathlib import Path
from lstm.data import read_labels, read_weak_rows

folder = Path({str(tmp_path)!r})
labels = read_labels(folder / "labels")
# What the interpreter has so far, and so much more.
used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + {MOST_MEMORY}, used + {MOST_MEMORY}))
print(len(read_weak_rows(folder / "tweets", labels, 3, frozenset({{"en"}}))))
"""
    paths = [str(TRAINING), str(TRAINING.parents[1])]

    ended = subprocess.run(
        [sys.executable, "-c", rows_alone],
        # Arrow's own allocator reserves a gigabyte that it does not use.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "ARROW_DEFAULT_MEMORY_POOL": "system",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stderr == ""
    assert int(ended.stdout) == 3 * len(read_labels(tmp_path / "labels").of("train"))


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    path = weak_file(tmp_path, [weak("fine")])
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(ValueError, match="part-0.parquet is not readable Parquet"):
        read_weak_rows(tmp_path, HumanLabels([], 0), per_human=3, languages=ENGLISH)


def test_a_parquet_file_without_a_column_is_named(tmp_path: Path) -> None:
    row = weak("fine")
    del row["label_confidence"]
    weak_file(tmp_path, [row])

    with pytest.raises(ValueError, match="part-0.parquet lacks the column label_confidence"):
        read_weak_rows(tmp_path, HumanLabels([], 0), per_human=3, languages=ENGLISH)


def test_the_digest_sees_a_changed_label_but_not_the_order(tmp_path: Path) -> None:
    rows = read_labels(write(tmp_path, label_rows()).parent).rows
    changed = [
        *rows[:-1],
        type(rows[0])(rows[-1].text_hash, rows[-1].text, (rows[-1].label + 1) % 3),
    ]

    assert rows_digest(rows) == rows_digest(rows[::-1])
    assert rows_digest(rows) != rows_digest(changed)


def test_the_held_out_rows_are_those_the_gate_counts(tmp_path: Path) -> None:
    """test/functions/held-out.test.ts has the other half."""
    path = Path(__file__).parents[1] / "fixtures" / "held-out.json"
    fixture = json.loads(path.read_text("utf-8"))
    lines = "".join(json.dumps(row) + "\n" for row in fixture["labels"])
    (tmp_path / "labels.ndjson").write_text(lines, "utf-8")

    held_out = read_labels(tmp_path).of("test")

    assert fixture["held_out"] == {"rows": len(held_out), "sha256": rows_digest(held_out)}


def test_a_text_labelled_as_uncertain_only_trains(tmp_path: Path) -> None:
    rows = [
        {**row, "sampling": "uncertain" if index % 2 else "random"}
        for index, row in enumerate(label_rows())
    ]
    (tmp_path / "labels.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))

    labels = read_labels(tmp_path)

    uncertain = {row["text_hash"] for row in rows if row["sampling"] == "uncertain"}
    assert uncertain <= {row.text_hash for row in labels.of("train")}
    assert not uncertain & {row.text_hash for row in labels.of("test")}
    assert len(labels.rows) == len(rows)


def test_a_label_counts_under_its_text_whatever_hash_it_is_stored_under(tmp_path: Path) -> None:
    stored = {"test": f"{5:08x}" + "f" * 56, "train": f"{55:08x}" + "f" * 56}
    rows = [
        labelled("I don’t know", "negative") | {"text_hash": stored["test"]},
        labelled("I don't know", "positive", imported_at="2026-11-21T00:00:00.000Z")
        | {"text_hash": stored["train"]},
    ]
    write(tmp_path, rows)

    [row] = read_labels(tmp_path).rows

    assert (LABELS[row.label], row.split) == ("positive", "test")


@pytest.mark.parametrize("kind", ["labels", "others"])
def test_takes_the_same_lines_for_labels_as_gate_and_spark(tmp_path: Path, kind: str) -> None:
    lines = json.loads((FIXTURES / "label-lines.json").read_text("utf-8"))[kind]
    folder = tmp_path / "labels"
    for number, line in enumerate(lines):
        write(folder, [labelled(f"good {number}", "neutral")], f"{number}.ndjson")
        with (folder / f"{number}.ndjson").open("a", encoding="utf-8") as file:
            file.write(line)
    aside = SetAside()

    read_labels(folder, aside)

    refused = {f"{number}.ndjson" for number in range(len(lines))} if kind == "others" else set()
    assert {one["file"] for one in aside.as_list()} == refused


def test_an_unreadable_object_is_set_aside_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    write(folder, [labelled("fine", "neutral")])
    (folder / "cut.ndjson.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    (folder / "bomb.ndjson.gz").write_bytes(gzip.compress(b" " * (65 << 20)))
    (folder / "latin.ndjson").write_bytes("{caf\u00e9".encode("latin-1"))
    (folder / "_tmp").mkdir()
    (folder / "_tmp" / "left.ndjson").write_text("left by a writer", "utf-8")
    aside = SetAside()

    labels = read_labels(folder, aside)

    assert [row.text for row in labels.rows] == ["fine"]
    assert [(one["channel"], one["file"]) for one in aside.as_list()] == [
        ("labels", "bomb.ndjson.gz"),
        ("labels", "cut.ndjson.gz"),
        ("labels", "latin.ndjson"),
    ]
    assert "unpacks to more than 64 MB" in aside.as_list()[0]["problem"]
    assert "cut short" in aside.as_list()[1]["problem"]
