"""embedded/launcher/athena/pruning.py: a query reads only the partitions that it needs."""

import random
from typing import Any

import duckdb
import pytest

from embedded.launcher.athena import pruning, translate
from embedded.launcher.athena.dialect import speak_trino

KEYS = [{"Name": "dt", "Type": "string"}, {"Name": "run", "Type": "int"}]
DAYS = ["2026-11-20", "2026-11-21", "2026-11-22", "odd"]
VALUES = [(day, run) for day in DAYS for run in ("1", "2")]
COLUMN_TYPES = {"dt": "string", "run": "int", "id": "bigint", "v": "string"}


def needed(sql: str, table: str = "t") -> list[tuple[str, str]]:
    """The partitions of a table that the query is found to need."""
    query = translate.parse(sql)
    places = query.tables("lake")[translate.TableName("lake", table)]
    return [VALUES[position] for position in pruning.needed(places, KEYS, VALUES)]


def days(sql: str, table: str = "t") -> set[str]:
    return {day[-2:] for day, _ in needed(sql, table)}


@pytest.mark.parametrize(
    "condition, wanted",
    [
        ("dt = '2026-11-21'", {"21"}),
        ("'2026-11-21' = dt and v = 'x'", {"21"}),
        ("(dt >= '2026-11-21' and (dt < '2026-11-22' and v is null))", {"21"}),
        ("dt between '2026-11-20' and '2026-11-21'", {"20", "21"}),
        ("dt in ('2026-11-20', 'none')", {"20"}),
        ("not dt in ('2026-11-20') and dt <> 'odd'", {"21", "22"}),
        ("dt like '2026-%'", {"20", "21", "22"}),
        ("dt = '2026-11-20' or dt = '2026-11-22'", {"20", "22"}),
        ("contains(split('2026-11-20,2026-11-22', ','), dt)", {"20", "22"}),
        ("try_cast(dt as date) = date '2026-11-23' - interval '1' day", {"22"}),
        ("try_cast(dt as date) > date_add('day', -1, date '2026-11-22')", {"22"}),
        ("dt < cast(current_date as varchar)", {"20", "21", "22"}),
        ("dt = '2026-11-' || '20'", {"20"}),
        ("t.dt = '2026-11-21'", {"21"}),
        ("DT = '2026-11-21'", {"21"}),
        ("dt = 'none'", set()),
        ("dt is null", {"20", "21", "22", "dd"}),
        # Not a matter of keys alone, or not by certain means.
        ("dt = v", {"20", "21", "22", "dd"}),
        ("dt = '2026-11-20' or v = 'x'", {"20", "21", "22", "dd"}),
        ("dt in (select v from lake.s)", {"20", "21", "22", "dd"}),
        ("random() < 0.5 or dt = '2026-11-20'", {"20", "21", "22", "dd"}),
        # Fails for 'odd', as the query itself does.
        ("cast(dt as date) = date '2026-11-20'", {"20", "21", "22", "dd"}),
        ("cast(dt as date) = date '2026-11-20' and dt = '2026-11-20'", {"20"}),
    ],
)
def test_conditions_on_keys_choose_partitions(condition, wanted):
    assert days(f"select * from lake.t where {condition}") == wanted


def test_the_type_of_a_key_counts():
    assert needed("select * from lake.t where run = 02 and dt > '2026-11-21'") == [
        ("2026-11-22", "2"),
        ("odd", "2"),
    ]


@pytest.mark.parametrize(
    "sql, wanted",
    [
        ("select * from lake.t as a, lake.s as b where a.dt = '2026-11-20'", {"20"}),
        ("select * from lake.t a join lake.s b on a.id = b.id and a.dt = '2026-11-20'", {"20"}),
        (
            "select * from lake.s b left join lake.t a on a.id = b.id and a.dt = '2026-11-20'",
            {"20"},
        ),
        (
            "select * from lake.s b left join lake.t a on a.id = b.id where a.dt = '2026-11-20'",
            {"20"},
        ),
        (
            "select * from lake.t a where a.dt = '2026-11-20' "
            "union all select * from lake.t where dt = '2026-11-21'",
            {"20", "21"},
        ),
        ("with w as (select * from lake.t where dt = 'odd') select * from w, w as x", {"dd"}),
        ("select (select max(t.v) from lake.t where t.dt = '2026-11-22') from lake.s t", {"22"}),
        ("with w as (select * from lake.t) select * from w where dt = 'odd'", {"dd"}),
        ("with w as (select id, dt as day from lake.t) select * from w where day = 'odd'", {"dd"}),
        ("select * from (select a.* from lake.t a where run = 1) x where x.dt = 'odd'", {"dd"}),
        (
            "with w as (select dt, count(*) as n from lake.t group by dt), "
            "x as (select dt as d, n from w) select * from x where d >= '2026-11-22' and n > 0",
            {"22", "dd"},
        ),
        (
            "with w as (select * from lake.t) select * from w where dt = 'odd' "
            "union all select * from w where dt = '2026-11-20'",
            {"20", "dd"},
        ),
        # One of the ways to the answer has no condition.
        (
            "with w as (select * from lake.t) select * from w where dt = 'odd' "
            "union all select * from w",
            {"20", "21", "22", "dd"},
        ),
        # The rows that are left depend on the others.
        (
            "select * from (select *, row_number() over (order by id) n from lake.t) x "
            "where dt = 'odd'",
            {"20", "21", "22", "dd"},
        ),
        (
            "select * from (select * from lake.t order by id limit 3) x where dt = 'odd'",
            {"20", "21", "22", "dd"},
        ),
        (
            "select * from (select max(dt) as dt from lake.t) x where dt = 'odd'",
            {"20", "21", "22", "dd"},
        ),
        (
            "with w as (select id, v as dt from lake.t) select * from w where dt = 'odd'",
            {"20", "21", "22", "dd"},
        ),
        # A row of b without a match would otherwise appear for each b.
        (
            "select * from lake.s b left join lake.t a on a.id = b.id "
            "where coalesce(a.dt, '') = ''",
            {"20", "21", "22", "dd"},
        ),
        # A condition of an outer join does not remove rows of the side that it keeps.
        (
            "select * from lake.t a left join lake.s b on a.id = b.id and a.dt = '2026-11-20'",
            {"20", "21", "22", "dd"},
        ),
        ("select * from lake.t a full join lake.s b on a.dt = 'odd'", {"20", "21", "22", "dd"}),
        (
            "select * from lake.t where dt = 'odd' union select * from lake.t",
            {"20", "21", "22", "dd"},
        ),
        # The name may be the other table's.
        ("select * from lake.t a, lake.s b where dt = '2026-11-20'", {"20", "21", "22", "dd"}),
    ],
)
def test_the_place_of_a_condition_counts(sql, wanted):
    assert days(sql) == wanted


SHAPES = [
    "select a.dt, a.id, b.v from lake.t a {join} lake.s b on {on} where {where}",
    "select b.dt, count(*) from lake.s b {join} lake.t a on {on} where {where} group by b.dt",
    "select c.id, a.v from lake.t a {join} lake.s b on {on} {join2} lake.t c on {on2} "
    "where {where}",
    "with w as (select * from lake.t where {single}) select * from w a {join} lake.s b on {on} "
    "where {where}",
    "select * from lake.t where {single} except select * from lake.t where {single2}",
    "with w as (select a.dt, a.run, a.id, a.v as av, b.v from lake.t a {join} lake.s b on {on}) "
    "select * from w a {join2} lake.s b on {on} where {where}",
    "with w as (select dt, run, min(id) id from lake.t group by dt, run) select b.id, a.dt from "
    "lake.s b {join} w a on {on} where {where}",
    "select dt, sum(id) from (select a.*, a.dt as day from lake.t a) x where {single} "
    "and day <> 'odd' group by dt",
    "with w as (select dt, run, id from lake.t), x as (select * from w where {single}) "
    "select * from x where {single2} union all select * from w where {single}",
    "select * from (select distinct dt, run, id from lake.t where {single} limit 4) x "
    "where dt = 'none' or {single2} and dt = 'none'",
    "select * from (select b.dt, b.run, a.id from lake.t a {join} lake.s b on {on}) x "
    "where {single}",
]
JOINS = ["join", "left join", "right join", "full join"]


def _condition(chance: random.Random, *names: str) -> str:
    def one() -> str:
        key = chance.choice(names) + "dt"
        day, other = chance.choice(DAYS), chance.choice(DAYS)
        return chance.choice(
            [
                f"{key} = '{day}'",
                f"{key} >= '{day}'",
                f"{key} is null",
                f"{key} is not null",
                f"coalesce({key}, '{day}') = '{other}'",
                f"({key} = '{day}' or {chance.choice(names)}run = 2)",
                f"not {key} in ('{day}', '{other}')",
                f"{chance.choice(names)}id < 5",
            ]
        )

    return " and ".join(one() for _ in range(chance.randint(1, 3)))


def _query(chance: random.Random) -> str:
    return chance.choice(SHAPES).format(
        join=chance.choice(JOINS),
        join2=chance.choice(JOINS),
        on=f"a.id = b.id and {_condition(chance, 'a.', 'b.')}",
        on2=f"c.id = b.id and {_condition(chance, 'a.', 'b.', 'c.')}",
        where=_condition(chance, "a.", "b."),
        single=_condition(chance, ""),
        single2=_condition(chance, ""),
    )


def test_a_query_has_the_same_rows_without_the_partitions_that_it_does_not_need():
    chance = random.Random(14)
    rows = {
        table: [
            (number % 9, chance.choice("xyz"), *VALUES[number % len(VALUES)])
            for number in range(start, start + 30)
        ]
        for table, start in (("t", 0), ("s", 3))
    }
    pruned_queries = 0
    with duckdb.connect(":memory:") as connection:
        speak_trino(connection)
        connection.execute("create schema lake")
        for _ in range(150):
            sql = _query(chance)
            query = translate.parse(sql)
            places = query.tables("lake")
            translated = translate.to_duckdb(query, "lake", COLUMN_TYPES)
            answers: list[list[Any]] = []
            for pruning_is_on in (False, True):
                for table in ("t", "s"):
                    nodes = places.get(translate.TableName("lake", table), [])
                    kept = set(VALUES)
                    if pruning_is_on and nodes:
                        kept = {VALUES[n] for n in pruning.needed(nodes, KEYS, VALUES)}
                        pruned_queries += len(kept) < len(VALUES)
                    connection.execute(
                        f"create or replace table lake.{table} "
                        "(id bigint, v varchar, dt varchar, run integer)"
                    )
                    held = [row for row in rows[table] if row[2:] in kept]
                    if held:
                        connection.executemany(
                            f"insert into lake.{table} values (?, ?, ?, ?)", held
                        )
                answers.append(sorted(connection.execute(translated).fetchall(), key=repr))
            assert answers[0] == answers[1], sql
    assert pruned_queries > 60
