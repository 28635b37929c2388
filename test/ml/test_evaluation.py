from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import tiny_job
from evaluation.champions import Champion, find_champion
from evaluation.comparison import golden_texts, level_of
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
    assert evaluation["best"] is None and evaluation["candidate_minus_best"] is None
    assert [group["passed"]["champion"] for group in evaluation["behaviour"]["groups"]] == [
        None
    ] * 7
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


@pytest.fixture(scope="module")
def with_curve(slow: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job with enough labels for a learning curve, and texts that would be code on a page."""
    done = Job(tmp_path_factory.mktemp("curve"))
    tiny_job.prepare(done.folder)
    rows = tiny_job.label_rows(450)
    for row in rows:
        row["text"] += " <script>alert(1)</script>"
    tiny_job.write_labels(done.root, rows)
    tiny_job.write_hyperparameters(done.root, learning_curve="1")
    finished = done.run()
    assert finished.returncode == 0, finished.stderr
    return done


def test_the_report_is_one_page_that_loads_nothing_and_escapes_texts(with_curve: Job) -> None:
    page = (with_curve.root / "output" / "data" / "evaluation.html").read_text("utf-8")
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert "td{unicode-bidi:isolate}" in page
    links = _Links()
    links.feed(page)

    assert links.found == []
    assert "&lt;script&gt;alert(1)" in page and "url(" not in page
    for heading in ("Confusion", "Calibration", "By kind of text", "By number of labels"):
        assert f"<h2>{heading}</h2>" in page
    # Not in the archive that goes where the model goes.
    assert not (with_curve.root / "model" / "evaluation.html").exists()


def test_the_learning_curve_ends_with_all_labels_and_the_candidate(with_curve: Job) -> None:
    evaluation = with_curve.model_json("evaluation.json")
    curve = evaluation["learning_curve"]

    assert [point["labels"] for point in curve] == [200, evaluation["training"]["rows"]["train"]]
    assert curve[-1]["model"]["macro_recall"] == evaluation["candidate"]["macro_recall"]


def _champion_channel(folder: Path) -> Path:
    archive = folder / "model.tar.gz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    return archive


def _copy_of(trained: Job, folder: Path) -> Job:
    copy = Job(folder)
    shutil.copytree(trained.root / "model", copy.root / "model")
    return copy


REQUEST = {"champion": {"version": "tiny-1", "uri": "s3://lake/somewhere"}}


def test_a_corrupt_champion_is_told_and_the_training_kept(job: Job) -> None:
    best = {"version": "tiny-0", "uri": "s3://lake/gone"}
    _request(job, **REQUEST, best=best, golden_tweets=["so great and nice", "awful"], level=0.9)
    _champion_channel(job.root / "input" / "data" / "champion").write_bytes(b"not an archive")

    finished = job.run()

    assert finished.returncode == 0, finished.stderr
    evaluation = job.model_json("evaluation.json")
    assert evaluation["champion"] is None and evaluation["candidate_minus_champion"] is None
    assert evaluation["champion_problem"].startswith("model.tar.gz is not a readable tar.gz")
    assert evaluation["best"] is None and evaluation["candidate_minus_best"] is None
    assert evaluation["best_problem"] == "there is no archive of tiny-0"
    # What else the request asked for.
    assert [answer["text"] for answer in evaluation["golden"]] == ["so great and nice", "awful"]
    assert evaluation["level"] == evaluation["candidate_minus_lexicon"]["level"] == 0.9


def test_a_champion_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert find_champion(tmp_path, REQUEST).problem == "there is no archive of tiny-1"
    # Before the first promotion nobody expects one.
    assert find_champion(tmp_path, {"champion": None}) == Champion()


def test_the_champion_is_the_one_the_request_names(trained: Job, tmp_path: Path) -> None:
    packed(trained, _champion_channel(tmp_path))

    found = find_champion(tmp_path, REQUEST)
    other = find_champion(tmp_path, {"champion": {"version": "sl-other"}})

    assert found.problem is None and found.archive is not None
    assert other == Champion(problem="the archive of sl-other holds tiny-1")


def test_an_archive_cut_in_half_is_no_champion(trained: Job, tmp_path: Path) -> None:
    archive = packed(trained, _champion_channel(tmp_path))
    archive.write_bytes(archive.read_bytes()[:20_000])

    assert "is not a readable tar.gz" in str(find_champion(tmp_path, REQUEST).problem)


def test_a_network_that_was_exchanged_is_no_champion(trained: Job, tmp_path: Path) -> None:
    copy = _copy_of(trained, tmp_path / "copy")
    network = copy.root / "model" / "model.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"\0")
    packed(copy, _champion_channel(tmp_path / "channel"))

    problem = find_champion(tmp_path / "channel", REQUEST).problem

    assert "model.onnx does not have the checksum" in str(problem)


def test_an_archive_with_labels_in_another_order_is_no_champion(
    trained: Job, tmp_path: Path
) -> None:
    copy = _copy_of(trained, tmp_path / "copy")
    description = copy.root / "model" / "model.json"
    content = json.loads(description.read_text())
    content["labels"] = content["labels"][::-1]
    description.write_text(json.dumps(content))
    packed(copy, _champion_channel(tmp_path / "channel"))

    problem = find_champion(tmp_path / "channel", REQUEST).problem

    assert "answers ['positive', 'neutral', 'negative']" in str(problem)
