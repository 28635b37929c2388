from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest
import tiny_job
from evaluation.contest import golden_texts, level_of
from evaluation.measures import by_slice, calibration, worst_mistakes
from lstm.data import Row, read_labels, rows_digest
from tiny_job import Job, packed


def _request(job: Job, **fields: object) -> None:
    path = job.root / "input" / "data" / "request" / "request.json"
    path.write_text(json.dumps(fields), "utf-8")


def test_an_honest_model_has_no_calibration_error_and_a_boastful_one_has() -> None:
    truth = np.array([0] * 8 + [1] * 2)
    honest = np.tile([0.8, 0.1, 0.1], (10, 1))
    boastful = np.tile([0.98, 0.01, 0.01], (10, 1))

    assert calibration(truth, honest)["expected_error"] == pytest.approx(0)
    found = calibration(truth, boastful)
    assert found["expected_error"] == pytest.approx(0.18)
    assert found["bins"] == [
        {"from": 0.9, "to": 1.0, "rows": 10, "confidence": pytest.approx(0.98), "accuracy": 0.8}
    ]


def test_a_text_counts_in_every_slice_it_belongs_to() -> None:
    texts = ["not good", "sooo good 😀 #yes", "I can't", "fine " * 25]
    rows = [Row(str(index), text, 2) for index, text in enumerate(texts)]
    truth = np.array([2, 2, 2, 2])

    found = {one["name"]: one for one in by_slice(rows, truth, {"ours": np.array([2, 0, 2, 2])})}

    assert {name: one["rows"] for name, one in found.items()} == {
        "negation": 2,
        "emoji": 1,
        "hashtags": 1,
        "elongation": 1,
        "up to 8 words": 3,
        "9 to 20 words": 0,
        "over 20 words": 1,
    }
    assert found["negation"]["systems"]["ours"] == {"accuracy": 1.0, "macro_recall": None}
    assert found["9 to 20 words"]["systems"]["ours"]["accuracy"] is None


def test_the_worst_mistakes_are_the_surest_and_carry_no_text() -> None:
    rows = [Row(f"h{index}", "secret", 0) for index in range(3)]
    probabilities = np.array([[0.4, 0.6, 0.0], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9]])

    found = worst_mistakes(rows, np.array([0, 0, 0]), probabilities)

    assert [(one["text_hash"], one["answer"]) for one in found] == [
        ("h2", "positive"),
        ("h0", "neutral"),
    ]
    assert "secret" not in json.dumps(found)


def test_a_request_that_asks_for_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="golden_tweets must be a list of texts"):
        golden_texts({"golden_tweets": [1]})
    for level in (1, 0.2, True, "0.95", float("nan")):
        with pytest.raises(ValueError, match="level must be a number"):
            level_of({"level": level})


def test_the_evaluation_scores_every_system_on_the_same_rows(trained: Job) -> None:
    evaluation = json.loads((trained.root / "output" / "data" / "evaluation.json").read_text())
    rows = evaluation["held_out"]["rows"]

    assert sum(evaluation["held_out"]["per_class"].values()) == rows
    for system in ("candidate", "lexicon", "linear", "majority"):
        assert np.sum(evaluation[system]["confusion"]) == rows
        low, high = (evaluation[system]["interval"][end] for end in ("low", "high"))
        assert low <= evaluation[system]["macro_recall"] <= high
    assert evaluation["champion"] is None and evaluation["champion_problem"] is None
    # The words alone say it all here.
    assert evaluation["linear"]["macro_recall"] > evaluation["majority"]["macro_recall"]
    held_out = read_labels(trained.root / "input" / "data" / "labels").of("test")
    assert evaluation["held_out"]["sha256"] == rows_digest(held_out)


class _Links(HTMLParser):
    """Everything a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in ("script", "link", "img", "iframe") or names & {"src", "href", "srcset"}:
            self.found.append(tag)


def test_the_report_is_one_page_that_loads_nothing_and_escapes_texts(job: Job) -> None:
    rows = tiny_job.label_rows()
    for row in rows:
        row["text"] += " <script>alert(1)</script>"
    tiny_job.write_labels(job.root, rows)
    tiny_job.write_hyperparameters(job.root, learning_curve="1")
    finished = job.run()
    assert finished.returncode == 0, finished.stderr

    page = (job.root / "output" / "data" / "evaluation.html").read_text("utf-8")
    links = _Links()
    links.feed(page)

    assert links.found == []
    assert "&lt;script&gt;alert(1)" in page and "url(" not in page
    for heading in ("Confusion", "Calibration", "By kind of text", "By number of labels"):
        assert f"<h2>{heading}</h2>" in page
    # Not in the archive that goes where the model goes.
    assert not (job.root / "model" / "evaluation.html").exists()


def test_the_learning_curve_ends_with_all_labels_and_the_candidate(job: Job) -> None:
    tiny_job.write_labels(job.root, tiny_job.label_rows(450))
    tiny_job.write_hyperparameters(job.root, learning_curve="1")
    finished = job.run()
    assert finished.returncode == 0, finished.stderr

    evaluation = job.model_json("evaluation.json")
    curve = evaluation["learning_curve"]

    assert [point["labels"] for point in curve] == [200, evaluation["training"]["rows"]["train"]]
    assert curve[-1]["model"]["macro_recall"] == evaluation["candidate"]["macro_recall"]


def test_golden_texts_are_answered_at_the_level_asked_for(job: Job) -> None:
    _request(job, golden_tweets=["so great and nice", "awful"], level=0.9)

    finished = job.run()

    assert finished.returncode == 0, finished.stderr
    evaluation = job.model_json("evaluation.json")
    assert [answer["text"] for answer in evaluation["golden"]] == ["so great and nice", "awful"]
    assert evaluation["level"] == evaluation["candidate_minus_lexicon"]["level"] == 0.9


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"not an archive", "model.tar.gz is not a readable tar.gz"),
        (None, "there is no archive of sl-champion"),
    ],
)
def test_a_champion_that_cannot_be_scored_is_told_and_the_training_kept(
    job: Job, content: bytes | None, problem: str
) -> None:
    _request(job, champion={"version": "sl-champion", "uri": "s3://lake/somewhere"})
    if content is not None:
        champion = job.root / "input" / "data" / "champion" / "model.tar.gz"
        champion.parent.mkdir(parents=True)
        champion.write_bytes(content)

    finished = job.run()

    assert finished.returncode == 0, finished.stderr
    evaluation = job.model_json("evaluation.json")
    assert evaluation["champion"] is None and evaluation["candidate_minus_champion"] is None
    assert evaluation["champion_problem"].startswith(problem)


def test_real_archives_that_are_not_the_champion(trained: Job, job: Job, tmp_path) -> None:
    """The one of another version, and one whose network was exchanged."""
    channel = job.root / "input" / "data" / "champion" / "model.tar.gz"
    packed(trained, channel)
    _request(job, champion={"version": "sl-champion", "uri": "s3://lake/somewhere"})

    assert job.run().returncode == 0
    problem = job.model_json("evaluation.json")["champion_problem"]
    assert problem == "the archive of sl-champion holds tiny-1"

    tampered = tmp_path / "tampered"
    tiny_job.prepare(tampered)
    other = Job(tampered)
    (other.root / "model").mkdir(parents=True)
    for path in (trained.root / "model").iterdir():
        (other.root / "model" / path.name).write_bytes(path.read_bytes())
    network = other.root / "model" / "model.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"\0")
    packed(other, channel)

    assert job.run().returncode == 0
    problem = job.model_json("evaluation.json")["champion_problem"]
    assert "model.onnx does not have the checksum" in problem


def test_an_archive_with_labels_in_another_order_is_no_champion(trained: Job, job: Job) -> None:
    folder = Job(job.folder / "swapped")
    (folder.root / "model").mkdir(parents=True)
    for path in (trained.root / "model").iterdir():
        (folder.root / "model" / path.name).write_bytes(path.read_bytes())
    description = folder.root / "model" / "model.json"
    content = json.loads(description.read_text())
    content["labels"] = content["labels"][::-1]
    description.write_text(json.dumps(content))
    packed(folder, job.root / "input" / "data" / "champion" / "model.tar.gz")

    assert job.run().returncode == 0
    problem = job.model_json("evaluation.json")["champion_problem"]
    assert "answers ['positive', 'neutral', 'negative']" in problem
