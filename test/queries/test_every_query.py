"""What holds for each file of queries/, the ones to come included."""

import re
from pathlib import Path

import pytest
import sqlglot
from query_lake import ROOT, Lake, sql_of
from sqlglot import exp

from embedded.launcher.athena.errors import MalformedQuery
from embedded.launcher.athena.strict import parameters

FILES = sorted(file for file in (ROOT / "queries").glob("*/*.sql") if file.parent.name != "shared")
VALUES: dict[str, str | float] = {
    "text": "x",
    "day": "2026-11-20",
    "integer": 5,
    "count": 5,
    "number": 0.5,
}


def declared(sql: str) -> dict[str, str]:
    """Name and type of each parameter that the header declares."""
    header = re.search(r"^-- parameters: (.+)$", sql, re.MULTILINE)
    words = [parameter.split() for parameter in header[1].split(", ")] if header else []
    return {name: kind for name, kind, *_ in words}


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_is_one_select_of_named_columns_whose_parameters_are_declared(file: Path) -> None:
    sql = sql_of(file)

    (tree,) = sqlglot.parse(sql, read="athena")

    assert isinstance(tree, exp.Select)
    assert not [star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
    named = re.findall(r"\? /\* (\w+) \*/", sql)
    assert len(list(tree.find_all(exp.Placeholder))) == len(named)
    assert set(named) == set(declared(sql))
    assert sql.startswith("-- ") and sql.splitlines()[0].endswith("?")


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_has_its_parameters_in_where_only(file: Path) -> None:
    parameters.only_in_where(sql_of(file))


@pytest.mark.parametrize("clause", ["select ?", "select 1 limit ?", "select 1 having 1 > ?"])
def test_another_place_of_a_parameter_is_refused(clause: str) -> None:
    with pytest.raises(MalformedQuery, match="only in the WHERE clause"):
        parameters.only_in_where(clause)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_answers_an_empty_lake_with_no_row(file: Path, lake: Lake) -> None:
    kinds = declared(sql_of(file))
    values = {name: VALUES[kind] for name, kind in kinds.items()}

    assert lake.ask(f"{file.parent.name}/{file.stem}", **values) == []
