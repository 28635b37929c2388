"""Athena's SQL on DuckDB: query | what Athena's (Trino's) documentation says | what we get.

Each case is what follows SELECT, of one value, printed as Athena prints it. CASES are those where
the two agree; DIFFERENT are known differences, which docs/embedded-cloud.md names.
"""

import pytest
from botocore.exceptions import ClientError
from launching import Launcher

from queries import failure, finished, page, rows, submit

CASES = [
    # Mathematical operators: "/ Division (integer division performs truncation)".
    ("7/2", "3"),
    ("-7/2", "-3"),
    ("7 % 3", "1"),
    ("7/2e0", "3.5"),
    # Decimal division: the result's scale is the larger of the two.
    ("10/3.0", "3.3"),
    ("100.0 * 1 / 3", "33.3"),
    ("cast(1 as double)/3", "0.3333333333333333"),
    # Doubles follow IEEE 754; exact numbers do not.
    ("1e0/0", "Infinity"),
    ("-cast(1 as double)/0", "-Infinity"),
    ("avg(0)/0", "NaN"),
    ("cast(null as double)/0", None),
    # "try(expression): Evaluate an expression and handle certain types of errors by returning NULL"
    ("try(1/0)", None),
    ("try(cast('a' as integer))", None),
    ("coalesce(try(1/0), 0)", "0"),
    ("try_cast('12' as bigint)", "12"),
    # Casts: a floating-point value is rounded half away from zero.
    ("cast(cast(2.5 as double) as bigint)", "3"),
    ("cast(2.5 as integer)", "3"),
    ("cast(timestamp '2026-11-20 10:00:00' as varchar)", "2026-11-20 10:00:00.000"),
    ("cast(true as varchar)", "true"),
    ("cast(null as varchar)", None),
    ("cast(7 as varchar)", "7"),
    (
        "cast(t as varchar) from (values timestamp '2026-11-20 10:00:00') as v(t)",
        "2026-11-20 10:00:00.000",
    ),
    ("cast(d as bigint) from (select 2.5e0 as d)", "3"),
    ("cast(avg(x) as integer) from (values 2, 3) as v(x)", "3"),
    # What is inside of what is translated is translated, too.
    ("date_add('day', 7/2, date '2026-11-20')", "2026-11-23"),
    ("(7/2)/2e0", "1.5"),
    ("coalesce(try(1/0 + 1), 8/3)", "2"),
    ("format('%s', date_trunc('month', date '2026-11-20'))", "2026-11-01"),
    ("cast('2026-11-20' as date)", "2026-11-20"),
    # "format(format, args...) -> varchar", java.util.Formatter's specifiers.
    ("format('%s has %d of %s%%', 'a', 5, 7)", "a has 5 of 7%"),
    ("format('%,d', 1234567)", "1,234,567"),
    ("format('%.2f', 1.005e0 * 100)", "100.50"),
    ("format('%05d|%5s|%-5s|', 42, 'ab', 'cd')", "00042|   ab|cd   |"),
    # Date and time: date_add of a DATE is a DATE.
    ("date_add('day', 1, date '2026-11-20')", "2026-11-21"),
    ("date_add('month', -1, date '2026-03-31')", "2026-02-28"),
    ("date_add('hour', 2, timestamp '2026-11-20 23:00:00')", "2026-11-21 01:00:00.000"),
    ("date '2026-11-20' + interval '2' day", "2026-11-22"),
    ("date '2026-11-20' - interval '1' month", "2026-10-20"),
    ("date_trunc('month', date '2026-11-20')", "2026-11-01"),
    ("date_add('month', 1, date_trunc('month', date '2026-11-20'))", "2026-12-01"),
    ("date_trunc('week', date '2026-11-20') + interval '6' day", "2026-11-22"),
    ("date_trunc('hour', timestamp '2026-11-20 10:59:59')", "2026-11-20 10:00:00.000"),
    # date_diff counts whole units that have passed.
    ("date_diff('hour', timestamp '2026-11-20 10:59:00', timestamp '2026-11-20 11:01:00')", "0"),
    ("date_diff('day', date '2026-11-20', date '2026-12-01')", "11"),
    ("date_format(timestamp '2026-11-20 15:04:05', '%Y-%m-%d %H:%i:%s')", "2026-11-20 15:04:05"),
    ("date_parse('2026-11-20 15', '%Y-%m-%d %H')", "2026-11-20 15:00:00.000"),
    ("day_of_week(date '2026-11-23')", "1"),
    ("from_iso8601_timestamp('2026-11-20T10:00:00Z')", "2026-11-20 10:00:00.000 UTC"),
    ("from_iso8601_timestamp('2026-11-20T10:00:00+02:00')", "2026-11-20 08:00:00.000 UTC"),
    ("from_iso8601_date('2026-11-20')", "2026-11-20"),
    ("to_iso8601(date '2026-11-20')", "2026-11-20"),
    ("from_unixtime(0)", "1970-01-01 00:00:00.000 UTC"),
    ("to_unixtime(timestamp '1970-01-02 00:00:00')", "86400.0"),
    ("date(timestamp '2026-11-20 23:30:00')", "2026-11-20"),
    ("cast(timestamp '2026-11-20 23:30:00 UTC' as date)", "2026-11-20"),
    ("date(timestamp '2026-11-20 23:30:00' at time zone 'Europe/Berlin')", "2026-11-21"),
    ("extract(hour from timestamp '2026-11-20 23:30:00')", "23"),
    ("cardinality(sequence(date '2026-11-20', date '2026-11-26', interval '1' day))", "7"),
    (
        "sequence(date '2026-11-20', date '2026-11-21', interval '1' day)",
        "[2026-11-20, 2026-11-21]",
    ),
    ("sequence(1, 3)", "[1, 2, 3]"),
    # Strings: concat and || are NULL when an argument is.
    ("concat('a', null)", None),
    ("'a' || 'b'", "ab"),
    ("strpos('abc', 'c')", "3"),
    ("split('a,b', ',')", "[a, b]"),
    ("split_part('a,b', ',', 2)", "b"),
    ("substr('abcdef', 2, 3)", "bcd"),
    ("lpad('7', 3, '0')", "007"),
    ("upper('né')", "NÉ"),
    ("length('né')", "2"),
    ("reverse('abc')", "cba"),
    ("regexp_like('abc', 'b.')", "true"),
    ("regexp_extract('abc', 'x(.)', 1)", None),
    ("regexp_extract('abc', 'b(.)', 1)", "c"),
    ("regexp_replace('abab', '(b)', '[$1]')", "a[b]a[b]"),
    ("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
    (
        "lower(to_hex(sha256(to_utf8('a'))))",
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    ),
    # URL functions.
    ("url_extract_host('https://u@example.com:8080/a/b?x=1&y=2#f')", "example.com"),
    ("url_extract_path('https://example.com:8080/a/b?x=1#f')", "/a/b"),
    ("url_extract_port('https://example.com:8080/a')", "8080"),
    ("url_extract_protocol('https://example.com/')", "https"),
    ("url_extract_query('https://example.com/a?x=1&y=2#f')", "x=1&y=2"),
    ("url_extract_parameter('https://example.com/a?x=1&y=2', 'y')", "2"),
    ("url_extract_fragment('https://example.com/a#f')", "f"),
    ("url_extract_host('no url')", None),
    # greatest and least: NULL if any argument is NULL.
    ("greatest(1, null)", None),
    ("least(3, 2)", "2"),
    # JSON.
    ('json_extract_scalar(\'{"a": {"b": "c"}}\', \'$.a.b\')', "c"),
    ("cast(json_extract('{\"a\": [1, 2]}', '$.a') as array(integer))", "[1, 2]"),
    # Arrays and maps.
    ("filter(array[1, 2, 3], x -> x > 1)", "[2, 3]"),
    ("transform(array[1, 2], x -> x * 10)", "[10, 20]"),
    ("reduce(array[1, 2, 3], 0, (s, x) -> s + x, s -> s)", "6"),
    ("any_match(array[1, 2], x -> x = 2)", "true"),
    ("all_match(array[1, 2], x -> x > 1)", "false"),
    ("none_match(array[1, 2], x -> x > 2)", "true"),
    ("contains(array['a'], 'a')", "true"),
    ("array_position(array[1, 2], 5)", "0"),
    ("element_at(array[1], 5)", None),
    ("array_join(array['a', 'b'], '-')", "a-b"),
    ("array_distinct(array[1, 1])", "[1]"),
    ("cardinality(array[1, 2])", "2"),
    ("slice(array[1, 2, 3, 4], 2, 2)", "[2, 3]"),
    ("map(array['k'], array[1])", "{k=1}"),
    ("element_at(map(array['k'], array[1]), 'k')", "1"),
    ("cast(row(1, 'a') as row(x bigint, y varchar))", "{x=1, y=a}"),
    ("array[null, 1.5e0]", "[null, 1.5]"),
    # How values are printed.
    ("1e7", "1.0E7"),
    ("cast(1e7 as varchar)", "1.0E7"),
    ("0.0001e0", "1.0E-4"),
    ("1.50", "1.50"),
    ("cast(1 as double)", "1.0"),
    ("cast('nan' as double)", "NaN"),
    ("1 = 1", "true"),
    ("x'0aff'", "0a ff"),
    ("if(1 > 2, 'a', 'b')", "b"),
    # Aggregates and windows.
    ("(select count_if(x > 1) from unnest(array[1, 2, 3]) as t(x))", "2"),
    ("(select max_by(y, x) from (values (1, 'a'), (2, 'b')) as t(x, y))", "b"),
    ("(select sum(x) filter (where x > 1) from unnest(array[1, 2, 3]) as t(x))", "5"),
    ("(select approx_percentile(x, 0.5) from unnest(array[1, 2, 3]) as t(x))", "2"),
    ("(select array_agg(x order by x desc) from unnest(array[1, 2]) as t(x))", "[2, 1]"),
    ("(select map_agg(x, y) from (values ('a', 1)) as t(x, y))", "{a=1}"),
    ("(select avg(x) from unnest(array[1, 2]) as t(x))", "1.5"),
    ("(select max(n) from unnest(array['a', 'b']) with ordinality as t(x, n))", "2"),
    ("(select x from (values 1, null) as t(x) order by x desc limit 1)", "1"),
]

DIFFERENT = [
    # | query | Athena | here |
    (
        "timestamp '2026-11-20 10:00:00' at time zone 'Europe/Berlin'",
        "2026-11-20 11:00:00.000 Europe/Berlin",
        "2026-11-20 11:00:00.000",
    ),
]


@pytest.fixture(scope="module")
def answers(launcher: Launcher) -> dict[str, str]:
    """All cases at once: they run side by side."""
    launcher.client("s3").create_bucket(Bucket="athena-results")
    client = launcher.client("athena")
    cases = [sql for sql, *_ in [*CASES, *DIFFERENT]]
    return {sql: submit(launcher, f"select {sql}", client) for sql in cases}


@pytest.mark.parametrize("sql, documented", CASES, ids=[sql for sql, _ in CASES])
def test_as_documented(launcher, answers, sql, documented):
    ended = finished(launcher, answers[sql])

    assert ended["Status"]["State"] == "SUCCEEDED", ended["Status"]
    assert page(launcher, answers[sql])[1] == [documented]


@pytest.mark.parametrize("sql, documented, here", DIFFERENT, ids=[sql for sql, *_ in DIFFERENT])
def test_known_difference(launcher, answers, sql, documented, here):
    finished(launcher, answers[sql])

    assert page(launcher, answers[sql])[1] == [here] != [documented]


def test_division_by_zero_fails_the_query(launcher, answers):
    assert failure(launcher, "select 1/0") == "DIVISION_BY_ZERO: Division by zero"


def test_a_column_without_a_name_is_called_by_its_place(launcher, answers):
    query = submit(launcher, "select 1, 'a' as Named, count(*) from (values 1) as t(x)")
    finished(launcher, query)

    assert page(launcher, query)[0] == ["_col0", "named", "_col2"]


def test_decimal_scale_is_followed_through_names(launcher, answers):
    sql = """with counted as (select count(*) as n, 7 as total from (values 1, 2) as t(x))
             select 100.0 * n / total, 100.0 * n / sum(n) over () from counted"""

    assert rows(launcher, sql) == [["28.6", "100.0"]]


@pytest.mark.parametrize(
    "sql, line",
    [
        ("select", "line 1:"),
        ("selec 1", "line 1:"),
        ("select * from", "line 1:"),
        ("select 1; select 2", "Only one sql statement is allowed"),
        # A limit of bytes, not of characters.
        (f"select '{'é' * 131_072}'", "less than or equal to 262144"),
    ],
)
def test_what_cannot_be_parsed_is_refused_at_once(launcher, answers, sql, line):
    with pytest.raises(ClientError) as refused:
        submit(launcher, sql)

    code = refused.value.response["Error"]["Code"]
    assert code == ("ValidationException" if "less than" in line else "InvalidRequestException")
    assert line in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "sql, message",
    [
        ("select ?", "not in SELECT"),
        ("select 1 where 1 = 1 limit ?", "not in LIMIT"),
        ("select x from unnest(split(?, ',')) as t(x)", "not in FROM"),
        ("select x from (values 1) t(x) join (values 1) u(y) on x = y and y = ?", "not in JOIN"),
        ("select 1 where 1 = ? and 2 = ?", "expected 2 but found 1"),
    ],
)
def test_a_parameter_out_of_place_is_refused(launcher, answers, sql, message):
    with pytest.raises(ClientError) as refused:
        submit(launcher, sql, ExecutionParameters=["1"])

    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert message in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "sql, reason",
    [
        ("select reduce(array[1], 0, (s, x) -> s + x, s -> s * 2)", "NOT_SUPPORTED: reduce()"),
        ("select format('%tY', 1)", "NOT_SUPPORTED: %t"),
        ("select no_such_function(1)", "FUNCTION_NOT_FOUND"),
        ("select x from (values 1) as t(y)", "COLUMN_NOT_FOUND"),
        ("select cast('a' as integer)", "INVALID_CAST_ARGUMENT"),
        ("select * from no_such_table", "SCHEMA_NOT_FOUND: Schema 'default' does not exist"),
        ("select * from read_text('/etc/hostname')", "FUNCTION_NOT_FOUND"),
        ("select * from '/etc/hostname'", "NOT_FOUND"),
    ],
)
def test_what_cannot_be_run_fails_with_a_reason(launcher, answers, sql, reason):
    assert reason in failure(launcher, sql)
