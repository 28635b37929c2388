"""Spark schemas, declared once in the catalog of data sets and never inferred."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

_TYPES: dict[str, DataType] = {
    "string": StringType(),
    "bigint": LongType(),
    "double": DoubleType(),
    "timestamp": TimestampType(),
    "array<string>": ArrayType(StringType()),
}


def _catalog() -> dict[str, Any]:
    """The catalog: beside this module in the Glue job's zip, in workflows/ in the repository."""
    packed = files("etl") / "datasets.json"
    if packed.is_file():
        return json.loads(packed.read_text(encoding="utf-8"))
    repository = Path(__file__).resolve().parent.parent / "workflows" / "datasets.json"
    return json.loads(repository.read_text(encoding="utf-8"))


def columns(dataset: str) -> list[dict[str, Any]]:
    """The declared columns of a data set, in order. Raises KeyError for an unknown data set."""
    return _catalog()["datasets"][dataset]["columns"]


def required(dataset: str) -> list[str]:
    """Names of the columns that may be neither null nor blank."""
    return [column["name"] for column in columns(dataset) if column.get("required", False)]


def schema(dataset: str) -> StructType:
    """The Spark schema of a data set, all nullable, so that missing values are reported."""
    return StructType(
        [StructField(column["name"], _TYPES[column["type"]]) for column in columns(dataset)]
    )
