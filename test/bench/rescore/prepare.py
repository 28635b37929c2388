"""`prepare.py <folder> <rows>`: what the benchmark reads.

A model of the nightly's size with random weights, as `model.tar.gz`, and a day of synthetic tweets
of about 100 characters, as `tweets.parquet`.
"""

import random
import sys
import tarfile
from pathlib import Path

import duckdb
import vectors
from lstm.archive import save
from lstm.export import to_onnx
from lstm.model import Encoder, SentimentLstm, initial_vectors, lexicon_table
from lstm.settings import Hyperparameters
from lstm.tokenizer import Tokenizer, build_vocabulary, definition

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / ".venv" / "share" / "sentiment-lake" / "vectors.npz"
VERSION = "sl-bench"
# The serving program computes each text anew, however often it comes.
DISTINCT_TEXTS = 50_000


def main(folder: Path, rows: int) -> None:
    known = vectors.load(VECTORS)
    dice = random.Random(1)
    # As in a language, the frequent words come often.
    texts = [
        " ".join(known.words[int(5000 * dice.random() ** 3)] for _ in range(dice.randint(10, 26)))
        for _ in range(DISTINCT_TEXTS)
    ]
    _write_model(folder, texts, known)
    _write_tweets(folder / "tweets.parquet", texts, rows)


def _write_model(folder: Path, texts: list[str], known: vectors.WordVectors) -> None:
    options = Hyperparameters()
    vocabulary = build_vocabulary(texts, known, options.frequent_words)
    table = initial_vectors(vocabulary, known, options.seed)
    model = SentimentLstm(Encoder(table, lexicon_table(vocabulary), options)).eval()
    tokenizer = Tokenizer(definition(vocabulary), options.max_tokens)
    save(folder / "model", to_onnx(model), tokenizer, VERSION)
    with tarfile.open(folder / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        for file in sorted((folder / "model").iterdir()):
            archive.add(file, file.name)


def _write_tweets(file: Path, texts: list[str], rows: int) -> None:
    listed = file.with_suffix(".csv")
    listed.write_text("".join(f"{place}|{text}\n" for place, text in enumerate(texts)), "utf-8")
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                select cast(1000000000000000000 + number as varchar) as tweet_id, text, 'en' as lang
                from range({rows}) as numbers(number)
                join read_csv('{listed}', delim = '|', quote = '', header = false,
                    columns = {{'place': 'bigint', 'text': 'varchar'}})
                on place = number % {len(texts)}
            ) to '{file}' (format parquet)"""
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
