from __future__ import annotations

import json
import re

import pyarrow
import pyarrow.parquet
import tiny_job
from lstm.archive import sha256
from lstm.data import split_of
from tiny_job import Job, packed


def test_a_run_leaves_archive_evaluation_and_manifest(trained: Job) -> None:
    assert sorted(path.name for path in (trained.root / "model").iterdir()) == [
        "evaluation.json",
        "manifest.json",
        "model-card.md",
        "model.int8.onnx",
        "model.json",
        "model.onnx",
        "tokenizer.json",
    ]
    assert sorted(path.name for path in (trained.root / "output" / "data").iterdir()) == [
        "evaluation.html",
        "evaluation.json",
        "manifest.json",
    ]
    assert not (trained.root / "output" / "failure").exists()


def test_the_log_has_the_lines_that_metrics_are_read_from(trained: Job) -> None:
    log = (trained.folder / "log").read_text("utf-8")

    epochs = r"^epoch 1/1 loss=\d+\.\d+ val_macro_recall=0\.\d+ seconds=\d+\.\d "
    assert re.search(epochs, log, re.MULTILINE)
    assert re.search(r"^test_macro_recall=[01]\.\d+", log, re.MULTILINE)


def test_every_epoch_is_recorded_and_the_best_one_chose_the_model(job: Job) -> None:
    tiny_job.write_hyperparameters(job.root, epochs="4")

    finished = job.run(TRAINING_JOB_NAME="tiny-2")

    assert finished.returncode == 0, finished.stderr
    curve = job.model_json("evaluation.json")["training_curve"]
    printed = re.findall(r"^epoch (\d)/4 .* val_macro_recall=(\S+)", finished.stdout, re.MULTILINE)
    epochs = curve["epochs"]
    assert [
        (str(each["epoch"]), f"{each['validation']['macro_recall']:.4f}") for each in epochs
    ] == printed
    assert len(epochs) == 4
    recalls = [each["validation"]["macro_recall"] for each in epochs]
    assert curve["best_epoch"] == recalls.index(max(recalls)) + 1
    # The rows are made to be learnt: what the network has seen gets easier for it.
    assert 0 < epochs[-1]["train"]["loss"] < epochs[0]["train"]["loss"]


def test_the_manifest_names_request_rows_settings_and_files(trained: Job) -> None:
    manifest = trained.model_json("manifest.json")

    assert manifest["model_version"] == "tiny-1"
    assert manifest["request"] == {"fingerprint": "f1", "git": {"commit": "c1", "dirty": True}}
    assert manifest["hyperparameters"]["hidden_size"] == 8
    assert manifest["hyperparameters"]["dropout"] == 0.5
    counts = {
        split: manifest["rows"][split]["rows"] for split in ("train", "validation", "test", "weak")
    }
    assert counts == trained.model_json("evaluation.json")["training"]["rows"]
    for name, checksum in manifest["files"].items():
        assert sha256((trained.root / "model" / name).read_bytes()) == checksum
    requirements = tiny_job.TRAINING / "requirements.txt"
    assert manifest["inputs"]["requirements.txt"] == sha256(requirements.read_bytes())


def test_the_same_data_and_seed_give_the_same_model_and_the_champion_ties(
    trained: Job, job: Job
) -> None:
    for channel in ("champion", "best"):
        packed(trained, job.root / "input" / "data" / channel / "model.tar.gz")

    finished = job.run(TRAINING_JOB_NAME="tiny-2")

    assert finished.returncode == 0, finished.stderr
    checksums = [each.model_json("manifest.json")["files"]["model.onnx"] for each in (trained, job)]
    assert checksums[0] == checksums[1]
    evaluation = job.model_json("evaluation.json")
    assert evaluation["champion"]["version"] == "tiny-1"
    assert evaluation["champion"]["macro_recall"] == evaluation["candidate"]["macro_recall"]
    assert evaluation["candidate_minus_champion"]["value"] == 0
    # What the gate sees that there is nothing new by.
    assert evaluation["champion"]["answers_sha256"] == evaluation["candidate"]["answers_sha256"]
    # The best model of the last days is scored on the same rows, as the champion is.
    assert evaluation["best"] == evaluation["champion"] and evaluation["best_problem"] is None
    assert evaluation["candidate_minus_best"] == evaluation["candidate_minus_champion"]
    for group in evaluation["behaviour"]["groups"]:
        assert group["passed"]["candidate"] == group["passed"]["champion"]
        assert group["against_champion"] == {"better": 0, "worse": 0}
    assert "<td>negation</td>" in (job.root / "output" / "data" / "evaluation.html").read_text()


def test_a_job_that_would_learn_from_the_same_trains_nothing_and_names_the_last_training(
    trained: Job, job: Job
) -> None:
    request = job.root / "input" / "data" / "request" / "request.json"
    last = trained.model_json("manifest.json")["training_input"]
    # The champion and where the rows come from are no part of it.
    packed(trained, job.root / "input" / "data" / "champion" / "model.tar.gz")
    labels = job.root / "input" / "data" / "labels"
    rows = (labels / "labels.ndjson").read_text("utf-8").splitlines(keepends=True)
    (labels / "labels.ndjson").write_text("".join(rows[40:]), "utf-8")
    (labels / "others.ndjson").write_text("".join(rows[:40]), "utf-8")
    request.write_text(
        json.dumps({"last_training": {"version": "tiny-1", "training_input": last}}), "utf-8"
    )

    finished = job.run(TRAINING_JOB_NAME="tiny-2")

    assert finished.returncode == 0, finished.stderr
    output = job.root / "output" / "data"
    assert [path.name for path in output.iterdir()] == ["unchanged.json"]
    unchanged = json.loads((output / "unchanged.json").read_text("utf-8"))
    assert unchanged == {"schema_version": 1, "same_as": "tiny-1", "labels": 90, "weak": 0}
    assert not list((job.root / "model").glob("*"))


def test_weak_rows_train_with_a_weight_and_are_counted(job: Job) -> None:
    texts = [f"this is so great no{index}" for index in range(1000, 1020)]
    rows = [
        {
            "text_hash": tiny_job.text_hash(text),
            "text": text,
            "lang": "en",
            "label": "positive",
            "label_source": "lexicon",
            "label_confidence": 0.7,
        }
        for text in texts
    ]
    tweets = job.root / "input" / "data" / "tweets" / "dt=2026-11-20" / "run=r1-0"
    tweets.mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tweets / "part.parquet")
    tiny_job.write_hyperparameters(job.root, weak_weight="0.5")

    finished = job.run()

    assert finished.returncode == 0, finished.stderr
    weak = sum(split_of(row["text_hash"]) == "train" for row in rows)
    assert job.model_json("evaluation.json")["training"]["rows"]["weak"] == weak > 0


def test_an_unknown_hyperparameter_fails_the_job(job: Job) -> None:
    tiny_job.write_hyperparameters(job.root, momentum="0.9")

    assert job.run().returncode == 1
    assert job.failure().startswith("unknown hyperparameter 'momentum'")


def test_a_job_without_a_name_fails(job: Job) -> None:
    assert job.run(TRAINING_JOB_NAME="").returncode == 1
    assert "TRAINING_JOB_NAME is not set" in job.failure()


def test_sigterm_ends_the_job_with_its_best_epoch_so_far(job: Job) -> None:
    tiny_job.write_hyperparameters(job.root, epochs="50", batch_size="8", hidden_size="64")

    rest = job.terminate_at("epoch 2/50")

    assert "stopped in epoch" in rest
    evaluation = json.loads((job.root / "output" / "data" / "evaluation.json").read_text())
    assert 2 <= evaluation["training"]["epochs"] < 50
