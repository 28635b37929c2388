from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_job
from lstm.files import SetAside
from lstm.pretraining import find_encoder, read_corpora
from tiny_job import Job, write_corpora


def corpus_row(**changes: object) -> str:
    return json.dumps({"task": "mood", "text": "so nice", "label": 1, **changes}) + "\n"


def test_tasks_and_their_classes_come_from_the_rows(tmp_path: Path) -> None:
    write_corpora(tmp_path)

    mood, topic = read_corpora(tmp_path)

    assert (mood.task, mood.classes) == ("mood", ["negative", "neutral", "positive"])
    assert (topic.task, topic.classes) == ("topic.of/day", ["0", "1"])


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not an object"),
        (corpus_row(task=""), "line 2: task must be a name, not ''"),
        (corpus_row(text=None), "line 2: text must be a string, not None"),
        (corpus_row(label=1.5), "line 2: label must be a string or a whole number, not 1.5"),
        (corpus_row(label=True), "line 2: label must be a string or a whole number, not True"),
        (corpus_row(label=2), "task 'mood' has 0 labels with 10 rows or more"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    (tmp_path / "a.jsonl").write_text(corpus_row() + line)

    with pytest.raises(ValueError, match=complaint):
        read_corpora(tmp_path)


@pytest.fixture(scope="module")
def pretrained(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job with corpora and without labels, which has run."""
    job = Job(tmp_path_factory.mktemp("pretrained"))
    tiny_job.prepare(job.folder)
    shutil.rmtree(job.root / "input" / "data" / "labels")
    write_corpora(job.root / "input" / "data" / "corpora")
    finished = job.run(TRAINING_JOB_NAME="encoder-1")
    assert finished.returncode == 0, finished.stderr
    assert re.search(r"pretrain_loss=\d", finished.stdout)
    return job


def test_a_job_with_corpora_and_no_labels_leaves_an_encoder(pretrained: Job) -> None:
    description = pretrained.model_json("encoder.json")

    assert description["encoder_version"] == "encoder-1"
    assert description["hidden_size"] == 8
    assert description["tasks"]["mood"]["rows"] == 90
    assert sorted(path.name for path in (pretrained.root / "model").iterdir()) == [
        "encoder.json",
        "encoder.npz",
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_a_training_starts_from_the_encoder_channel(
    pretrained: Job, job: Job, packed: bool
) -> None:
    channel = job.root / "input" / "data" / "encoder"
    if packed:
        tiny_job.packed(pretrained, channel / "model.tar.gz")
    else:
        shutil.copytree(pretrained.root / "model", channel)

    finished = job.run()

    assert finished.returncode == 0, finished.stderr
    assert "encoder=encoder-1" in finished.stdout
    assert job.model_json("manifest.json")["start"] == {"from": "encoder", "version": "encoder-1"}


def test_words_and_weights_of_an_encoder_survive_its_files(pretrained: Job) -> None:
    start = find_encoder(pretrained.root / "model")

    assert start is not None
    assert start.hidden_size == 8
    assert start.table.shape == (len(start.words), 100)
    assert "love" in start.words
    assert np.isfinite(start.parts["lstm.weight_hh_l0"]).all()


def test_the_same_corpora_and_seed_give_the_same_encoder(pretrained: Job, job: Job) -> None:
    shutil.rmtree(job.root / "input" / "data" / "labels")
    write_corpora(job.root / "input" / "data" / "corpora")

    assert job.run(TRAINING_JOB_NAME="encoder-1").returncode == 0

    weights = [(each.root / "model" / "encoder.npz").read_bytes() for each in (pretrained, job)]
    assert weights[0] == weights[1]


def test_a_damaged_encoder_is_refused(pretrained: Job, tmp_path: Path) -> None:
    shutil.copytree(pretrained.root / "model", tmp_path / "encoder")
    weights = tmp_path / "encoder" / "encoder.npz"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)

    with pytest.raises(ValueError, match="encoder.npz does not have the checksum"):
        find_encoder(tmp_path / "encoder")


def test_corpora_beside_labels_make_an_encoder_that_the_output_keeps(job: Job) -> None:
    write_corpora(job.root / "input" / "data" / "corpora")
    request = job.root / "input" / "data" / "request" / "request.json"
    request.write_text(json.dumps({"encoder": {"version": "enc-7"}}))

    finished = job.run()

    assert finished.returncode == 0, finished.stderr
    assert job.model_json("manifest.json")["start"]["version"] == "enc-7"
    kept = find_encoder(job.root / "output" / "data" / "encoder")
    assert kept is not None and kept.version == "enc-7"


def test_sigterm_ends_a_pre_training_with_the_encoder_as_it_stands(job: Job) -> None:
    shutil.rmtree(job.root / "input" / "data" / "labels")
    write_corpora(job.root / "input" / "data" / "corpora")
    tiny_job.write_hyperparameters(job.root, pretrain_epochs="50", hidden_size="64")

    rest = job.terminate_at("pre-training epoch 2/50")

    assert "stopped in pre-training epoch" in rest
    assert find_encoder(job.root / "model") is not None


def test_a_corpus_that_cannot_be_used_is_set_aside(tmp_path: Path) -> None:
    channel = tmp_path / "corpora"
    write_corpora(channel)
    (channel / "sheet.csv").write_text("label,text\njoy,nice\n", "utf-8")
    (channel / "oops.jsonl.gz").write_bytes(b"\x1f\x8bno")
    (channel / "tiny.jsonl").write_text('{"task": "tiny", "text": "a", "label": 1}\n', "utf-8")
    aside = SetAside()

    corpora = read_corpora(channel, aside)

    assert [corpus.task for corpus in corpora] == ["mood", "topic.of/day"]
    assert [one["file"] for one in aside.as_list()] == ["oops.jsonl.gz", "sheet.csv", "tiny.jsonl"]
