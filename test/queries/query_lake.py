"""A small lake in DuckDB: the catalog's tables, filled by a test, asked through our Athena."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb

from embedded.launcher.athena import translate
from embedded.launcher.athena.dialect import speak_trino

ROOT = Path(__file__).parents[2]
CATALOG = json.loads((ROOT / "workflows" / "datasets.json").read_text(encoding="utf-8"))
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMP",
    "array<string>": "VARCHAR[]",
}

TWEET: dict[str, Any] = {
    "tweet_id": "1",
    "author_id": "7",
    "author_username": "ada",
    "created_at": "2026-11-20 08:00:00",
    "lang": "en",
    "text": "I love it",
    "clean_text": "i love it",
    "text_hash": "aa",
    "label": "positive",
    "label_source": "lexicon",
    "lexicon_label": "positive",
    "lexicon_compound": 0.6,
    "dt": "2026-11-20",
}
PREDICTION: dict[str, Any] = {
    "tweet_id": "1",
    "label": "negative",
    "negative": 0.7,
    "neutral": 0.2,
    "positive": 0.1,
    "model_version": "m1",
    "scored_at": "2026-11-21 02:00:00",
    "dt": "2026-11-20",
}
EXECUTION: dict[str, Any] = {
    "name": "nightly-20261120-021500",
    "arn": "arn:aws:states:us-east-1:111122223333:execution:lake:nightly-20261120-021500",
    "mode": "nightly",
    "status": "SUCCEEDED",
    "started_at": "2026-11-20T02:15:00.000Z",
    "seconds": 90.5,
    "redrives": 0,
    "started_by": "arn:aws:sts::111122223333:assumed-role/Starter/0a1b",
    "started_by_source": "CloudTrail",
    "started_with": "schedule",
    "summary": "All went well.",
    "history_uri": "s3://lake/audit/nightly-20261120-021500-0.json",
    "dt": "2026-11-20",
}


def sql_of(file: Path) -> str:
    """A query with what it includes, as queries/catalog.ts puts it together."""
    return re.sub(
        r"^ *-- include: (\w+)$",
        lambda found: sql_of(ROOT / "queries" / "shared" / f"{found[1]}.sql"),
        file.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )


class Lake:
    """Tables by their declared columns; a query is a file of queries/, with its values by name."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        speak_trino(self.connection)
        self.types: dict[str, str] = {}
        datasets = CATALOG["datasets"]
        candidates = {**datasets["tweets"], "partitions": CATALOG["candidates"]["partitions"]}
        tables = {
            "tweets": datasets["tweets"],
            "scored": datasets["scored"],
            "executions": datasets["executions"],
            "tweets_candidates": candidates,
        }
        self.connection.execute("CREATE SCHEMA lake")
        for name, table in tables.items():
            columns = [*table["columns"], *table["partitions"]]
            self.types |= {column["name"]: column["type"] for column in columns}
            declared = ", ".join(f'"{c["name"]}" {DUCKDB_TYPES[c["type"]]}' for c in columns)
            self.connection.execute(f"CREATE TABLE lake.{name} ({declared})")

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            self.connection.execute(
                f"INSERT INTO lake.{table} ({names}) VALUES ({marks})", list(row.values())
            )

    def ask(self, file: str, **values: str | float) -> list[dict[str, Any]]:
        sql = sql_of(ROOT / "queries" / f"{file}.sql")
        literals = [
            f"'{value}'" if isinstance(value, str) else str(value)
            for value in (values[name] for name in re.findall(r"\? /\* (\w+) \*/", sql))
        ]
        query = translate.parse(sql, literals)
        assert query is not None, "not a SELECT"
        result = self.connection.execute(translate.to_duckdb(query, "lake", self.types))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
