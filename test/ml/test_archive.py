from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from lstm.archive import INT8_NETWORK, NETWORK, Archive, choose_network, find_archive, seal
from lstm.data import Row
from lstm.export import to_onnx
from lstm.files import sha256
from lstm.model import Encoder, SentimentLstm
from lstm.settings import Hyperparameters
from lstm.tokenizer import PAD_ID
from lstm.training import pad
from tiny_job import Job, label_rows, packed

TEXTS = [row["text"] for row in label_rows(300)] + ["", "love", "! " * 70]


def test_a_text_gets_the_same_answer_alone_and_in_a_batch(trained: Job) -> None:
    model = Archive.from_folder(trained.root / "model")

    together = model.probabilities(TEXTS)
    alone = np.concatenate([model.probabilities([text]) for text in TEXTS])

    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


def test_the_exported_network_answers_as_torch_does() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(0, 0.4, (50, 100)).astype(np.float16).astype(np.float32)
    torch.manual_seed(1)
    lexicon_rows = rng.normal(0, 0.5, (50, 4)).astype(np.float32)
    lexicon_rows[PAD_ID] = 0
    options = Hyperparameters(hidden_size=12)
    model = SentimentLstm(Encoder(table, lexicon_rows, options)).eval()
    rows = [list(rng.integers(PAD_ID + 1, 50, length)) for length in (17, 9, 9, 4, 1)]
    ids, lengths = pad(rows)

    session = onnxruntime.InferenceSession(to_onnx(model))
    [exported] = session.run(None, {"ids": ids, "lengths": lengths})
    with torch.inference_mode():
        ours = model(torch.from_numpy(ids), torch.from_numpy(lengths)).softmax(dim=1).numpy()

    np.testing.assert_allclose(exported, ours, atol=1e-5)


def test_in_eight_bits_the_answers_are_nearly_the_same(trained: Job) -> None:
    exact, fast = (
        Archive.from_folder(trained.root / "model", name).probabilities(TEXTS)
        for name in (NETWORK, INT8_NETWORK)
    )

    assert 0 < np.abs(exact - fast).max() < 0.05


def test_the_description_has_the_checksum_of_every_other_file(trained: Job) -> None:
    folder = trained.root / "model"

    named = trained.model_json("model.json")["sha256"]

    assert named == {
        path.name: sha256(path.read_bytes())
        for path in folder.iterdir()
        if path.name != "model.json"
    }


def biased_to_negative(network: bytes) -> bytes:
    """The same network, but so fond of one class that it answers nothing else."""
    model = onnx.load_from_string(network)
    [bias] = [each for each in model.graph.initializer if each.name.endswith("classify.bias")]
    bias.CopyFrom(
        onnx.numpy_helper.from_array(np.array([99, 0, 0], dtype=np.float32), name=bias.name)
    )
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("serves", "is_biased", "network"),
    [("fp32", False, NETWORK), ("int8", False, INT8_NETWORK), ("int8", True, NETWORK)],
)
def test_eight_bits_serve_if_asked_for_and_their_recall_holds(
    trained: Job, tmp_path: Path, serves: str, is_biased: bool, network: str
) -> None:
    model = Archive.from_folder(trained.root / "model")
    answers = model.probabilities(TEXTS).argmax(axis=1)
    assert len(set(answers)) > 1
    shutil.copytree(trained.root / "model", tmp_path / "model")
    if is_biased:
        fast = tmp_path / "model" / INT8_NETWORK
        fast.write_bytes(biased_to_negative(fast.read_bytes()))
        seal(tmp_path / "model", model.tokenizer, model.version, NETWORK)
    rows = [Row("0" * 64, text, int(label)) for text, label in zip(TEXTS, answers, strict=True)]
    options = Hyperparameters(serves=serves, int8_tolerance=0.05)

    assert choose_network(tmp_path / "model", rows, options).network == network


def test_an_archive_answers_as_the_folder_it_was_packed_from(trained: Job, tmp_path: Path) -> None:
    packed(trained, tmp_path / "champion" / "model.tar.gz")

    champion = find_archive(tmp_path / "champion", "champion")

    assert champion is not None and champion.version == "tiny-1"
    expected = Archive.from_folder(trained.root / "model").probabilities(TEXTS[:9])
    np.testing.assert_array_equal(champion.probabilities(TEXTS[:9]), expected)


def test_without_a_champion_channel_there_is_none(tmp_path: Path) -> None:
    assert find_archive(tmp_path / "absent", "champion") is None


def test_a_cut_archive_is_refused(trained: Job, tmp_path: Path) -> None:
    path = packed(trained, tmp_path / "model.tar.gz")
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(ValueError, match="model.tar.gz is not a readable tar.gz"):
        find_archive(tmp_path, "champion")


def test_a_changed_network_is_refused(trained: Job, tmp_path: Path) -> None:
    shutil.copytree(trained.root / "model", tmp_path / "model")
    network = tmp_path / "model" / "model.onnx"
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)

    with pytest.raises(ValueError, match="model.onnx does not have the checksum"):
        Archive.from_folder(tmp_path / "model")


def test_an_archive_without_a_network_is_refused(trained: Job, tmp_path: Path) -> None:
    shutil.copytree(trained.root / "model", tmp_path / "model")
    (tmp_path / "model" / "model.onnx").unlink()

    with pytest.raises(ValueError, match="lacks a part of the model"):
        Archive.from_folder(tmp_path / "model")


def test_a_channel_without_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "output.tar.gz").touch()

    with pytest.raises(ValueError, match="no model.tar.gz in .* only output.tar.gz"):
        find_archive(tmp_path, "champion")
