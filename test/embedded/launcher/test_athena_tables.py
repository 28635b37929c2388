"""What a query reads: the catalog's partitions with declared types, as its caller, and no more."""

import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, role, statement

from queries import failure, finished, page, rows, submit

LAKE = "athena-lake"
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    },
}
JSON = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
}
TWEETS = [
    ("tweet_id", "string"),
    ("created_at", "timestamp"),
    ("tokens", "array<string>"),
    ("score", "double"),
    ("likes", "bigint"),
    ("author", "struct<id:string,n:int>"),
    ("added_later", "string"),
]


def columns(*declared: tuple[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in declared]


def table(
    launcher: Launcher,
    name: str,
    storage: dict,
    declared: list,
    keys: list = (),
    location: str = "",
    **parameters: str,
) -> None:
    launcher.client("glue").create_table(
        DatabaseName="lake",
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            "PartitionKeys": columns(*keys),
            "StorageDescriptor": {
                **storage,
                "Columns": columns(*declared),
                "Location": location or f"s3://{LAKE}/cleaned-data/{name}/",
            },
        },
    )


def partition(launcher: Launcher, name: str, values: list[str], location: str) -> None:
    launcher.client("glue").create_partition(
        DatabaseName="lake",
        TableName=name,
        PartitionInput={"Values": values, "StorageDescriptor": {**PARQUET, "Location": location}},
    )


def put(launcher: Launcher, key: str, body: bytes) -> None:
    launcher.client("s3").put_object(Bucket=LAKE, Key=key, Body=body)


def parquet(folder: Path, select: str) -> bytes:
    path = folder / f"{uuid.uuid4()}.parquet"
    duckdb.sql(f"copy ({select}) to '{path}' (format parquet)")
    return path.read_bytes()


def tweet(number: int, day: str) -> str:
    return (
        f"select '{number}' as tweet_id, timestamptz '{day} 10:00:00.5+00' as created_at, "
        f"['a', 'b'] as tokens, 0.5 as score, {number}::integer as likes, "
        "{'id': 'x', 'n': 1} as author, 'ignored' as not_declared"
    )


@pytest.fixture(scope="module")
def lake(launcher: Launcher, tmp_path_factory: Any) -> Launcher:
    folder = tmp_path_factory.mktemp("files")
    for bucket in (LAKE, "athena-results"):
        if bucket not in [b["Name"] for b in launcher.client("s3").list_buckets()["Buckets"]]:
            launcher.client("s3").create_bucket(Bucket=bucket)
    launcher.client("glue").create_database(DatabaseInput={"Name": "lake"})
    table(launcher, "tweets", PARQUET, TWEETS, [("dt", "string")])
    base = "cleaned-data/tweets"

    def version(day: str, run: str, number: int) -> None:
        put(launcher, f"{base}/dt={day}/run={run}/p.parquet", parquet(folder, tweet(number, day)))

    version("2026-11-20", "old", 1)
    version("2026-11-20", "new", 2)
    version("2026-11-21", "new", 3)
    version("2026-11-22", "new", 4)
    put(launcher, f"{base}/dt=2026-11-20/run=new/_SUCCESS", b"x")
    put(launcher, f"{base}/dt=2026-11-20/run=new/.hidden", b"x")
    put(launcher, f"{base}/dt=2026-11-20/run=new/empty.parquet", b"")
    partition(launcher, "tweets", ["2026-11-20"], f"s3://{LAKE}/{base}/dt=2026-11-20/run=new/")
    # The catalog's value counts, not the folder's; and a slash at the end is not needed.
    partition(launcher, "tweets", ["moved"], f"s3://{LAKE}/{base}/dt=2026-11-21/run=new")
    partition(launcher, "tweets", ["empty"], f"s3://{LAKE}/{base}/dt=none/")
    return launcher


def test_only_registered_partitions_are_read_each_from_its_own_location(lake):
    found = rows(lake, "select dt, tweet_id from lake.tweets order by tweet_id")

    assert found == [["2026-11-20", "2"], ["moved", "3"]]


def test_a_row_has_the_values_of_each_partition_that_its_file_is_in(lake, tmp_path):
    table(lake, "shared", PARQUET, [("v", "int")], [("dt", "string"), ("n", "int")])
    for name in ("a", "b"):
        put(lake, f"shared/{name}/1.parquet", parquet(tmp_path, f"select ascii('{name}') as v"))
    for values, place in ([["x", "07"], "a"], [["it's", "8"], "b"], [["y", "9"], "a"]):
        partition(lake, "shared", values, f"s3://{LAKE}/shared/{place}/")

    found = rows(lake, "select dt, n + 1, v from lake.shared order by n")

    assert found == [["x", "8", "97"], ["it's", "9", "98"], ["y", "10", "97"]]


def test_columns_have_their_declared_types_missing_ones_are_null_others_invisible(lake):
    query = submit(lake, "select * from lake.tweets where dt = '2026-11-20'")
    ended = finished(lake, query)

    assert page(lake, query) == [
        [name for name, _ in TWEETS] + ["dt"],
        ["2", "2026-11-20 10:00:00.500", "[a, b]", "0.5", "2", "{id=x, n=1}", None, "2026-11-20"],
    ]
    described = lake.client("athena").get_query_results(QueryExecutionId=query)["ResultSet"][
        "ResultSetMetadata"
    ]["ColumnInfo"]
    assert [c["Type"] for c in described] == [
        "varchar",
        "timestamp",
        "array",
        "double",
        "bigint",
        "row",
        "varchar",
        "varchar",
    ]
    assert (described[0]["Precision"], described[0]["CaseSensitive"]) == (2147483647, True)
    assert (described[4]["Precision"], described[4]["Nullable"]) == (19, "UNKNOWN")
    assert ended["Statistics"]["DataScannedInBytes"] > 0


def test_names_may_be_qualified_and_the_database_may_come_from_the_context(lake):
    sql = "select tweets.dt, awsdatacatalog.lake.tweets.likes from tweets where tweets.dt = 'moved'"

    assert rows(lake, sql, QueryExecutionContext={"Database": "lake"}) == [["moved", "3"]]


def test_nested_columns_unnest_and_join(lake):
    sql = """with words as (select t.dt, w.word, t.author.n as n
                            from lake.tweets t cross join unnest(t.tokens) as w(word))
             select a.word, count(*) as n from words a join lake.tweets b on a.dt = b.dt
             group by 1 order by 1"""

    assert rows(lake, sql) == [["a", "2"], ["b", "2"]]


def test_a_partition_that_is_pointed_elsewhere_shows_the_new_rows(lake):
    glue = lake.client("glue")
    old = glue.get_partition(DatabaseName="lake", TableName="tweets", PartitionValues=["moved"])
    location = f"s3://{LAKE}/cleaned-data/tweets/dt=2026-11-22/run=new/"

    glue.update_partition(
        DatabaseName="lake",
        TableName="tweets",
        PartitionValueList=["moved"],
        PartitionInput={
            "Values": ["moved"],
            "Parameters": {"version": "v2"},
            "StorageDescriptor": {**PARQUET, "Location": location},
        },
    )
    now = rows(lake, "select tweet_id from lake.tweets where dt = 'moved'")
    kept = glue.get_partition(DatabaseName="lake", TableName="tweets", PartitionValues=["moved"])
    glue.update_partition(
        DatabaseName="lake",
        TableName="tweets",
        PartitionValueList=["moved"],
        PartitionInput={
            "Values": ["moved"],
            "StorageDescriptor": old["Partition"]["StorageDescriptor"],
        },
    )

    assert now == [["4"]]
    assert kept["Partition"]["Parameters"] == {"version": "v2"}
    assert kept["Partition"]["CreationTime"] == old["Partition"]["CreationTime"]


def test_partitions_are_found_by_expression_and_in_pages(lake):
    glue = lake.client("glue")
    table(lake, "many", PARQUET, [("a", "int")], [("dt", "string"), ("n", "int")])
    for n in range(5):
        partition(lake, "many", [f"2026-11-2{n}", str(n * 5)], f"s3://{LAKE}/many/{n}/")

    found = glue.get_partitions(
        DatabaseName="lake", TableName="many", Expression="dt >= '2026-11-22' AND n < 20"
    )["Partitions"]
    pages = [
        p["Partitions"]
        for p in glue.get_paginator("get_partitions").paginate(
            DatabaseName="lake", TableName="many", PaginationConfig={"PageSize": 2}
        )
    ]
    glue.batch_delete_partition(
        DatabaseName="lake", TableName="many", PartitionsToDelete=[{"Values": ["2026-11-20", "0"]}]
    )

    assert [p["Values"][0] for p in found] == ["2026-11-22", "2026-11-23"]
    assert [len(p) for p in pages] == [2, 2, 1]
    assert len(glue.get_partitions(DatabaseName="lake", TableName="many")["Partitions"]) == 4
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.update_partition(
            DatabaseName="lake",
            TableName="many",
            PartitionValueList=["2026-11-20", "0"],
            PartitionInput={"Values": ["2026-11-20", "0"]},
        )


def test_an_object_whose_file_is_not_written_yet_is_not_read(lake):
    table(lake, "arriving", JSON, [("n", "int")])
    for n in (1, 2):
        put(lake, f"cleaned-data/arriving/{n}.json", b'{"n": %d}' % n)
    # As it is in the middle of a put: listed already, its file still to come.
    next(lake.home.rglob("arriving/2.json")).unlink()

    assert rows(lake, "select n from lake.arriving") == [["1"]]


PATHS = {
    "2": f"s3://{LAKE}/cleaned-data/tweets/dt=2026-11-20/run=new/p.parquet",
    "3": f"s3://{LAKE}/cleaned-data/tweets/dt=2026-11-21/run=new/p.parquet",
}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('select tweet_id, "$path" from lake.tweets', [["2", PATHS["2"]], ["3", PATHS["3"]]]),
        ('select t."$PATH" as file from lake.tweets as t', [[PATHS["2"]], [PATHS["3"]]]),
        (f"select tweet_id from lake.tweets where \"$path\" = '{PATHS['3']}'", [["3"]]),
        ("select tweet_id from lake.tweets where \"$path\" like '%dt=2026-11-20/%'", [["2"]]),
        (
            "select regexp_extract(\"$path\", '[^/]+$'), count(*) from lake.tweets group by 1",
            [["p.parquet", "2"]],
        ),
        ("select \"$path\" from lake.tweets where dt = 'empty'", []),
    ],
)
def test_a_row_knows_the_file_it_is_from(lake, sql, expected):
    assert sorted(rows(lake, sql)) == expected


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ('select * from lake.tweets where "$path" is not null', [n for n, _ in TWEETS] + ["dt"]),
        (
            'select t.*, "$path" from lake.tweets as t',
            [*(n for n, _ in TWEETS), "dt", "$path"],
        ),
        ('select * from (select tweet_id, "$path" from lake.tweets) as s', ["tweet_id", "$path"]),
        ('with w as (select "$path" from lake.tweets) select * from w', ["$path"]),
        (
            'select * from (select "$path" from lake.tweets) as s '
            'join lake.tweets as t on s."$path" = t."$path"',
            ["$path", *(n for n, _ in TWEETS), "dt"],
        ),
        (
            "select * from lake.tweets cross join unnest(tokens) as u (token) "
            'where "$path" is not null',
            [*(n for n, _ in TWEETS), "dt", "token"],
        ),
    ],
)
def test_the_path_is_in_no_star_but_where_a_subquery_names_it(lake, sql, names):
    query = submit(lake, sql)

    assert finished(lake, query)["Status"]["State"] == "SUCCEEDED"
    assert page(lake, query)[0] == names


def test_the_path_of_json_lines_and_of_text_files(lake):
    text = {
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        },
    }
    for name, storage, bodies in (
        ("path_json", JSON, {"a.jsonl": b'{"n": 1}\n', "b.jsonl.gz": gzip.compress(b'{"n": 2}\n')}),
        ("path_text", text, {"a.csv": b"1\n", "b's.csv": b"2\n"}),
    ):
        table(lake, name, storage, [("n", "int")])
        for file, body in bodies.items():
            put(lake, f"cleaned-data/{name}/{file}", body)

        assert rows(lake, f'select n, "$path" from lake.{name} order by n') == [
            [str(place), f"s3://{LAKE}/cleaned-data/{name}/{file}"]
            for place, file in enumerate(bodies, start=1)
        ]


def test_the_path_is_ambiguous_between_two_tables_and_a_hidden_column_of_trino_unknown(lake):
    assert "Ambiguous" in failure(
        lake, 'select "$path" from lake.tweets as a join lake.tweets as b on a.dt = b.dt'
    )
    assert failure(lake, 'select "$row_id" from lake.tweets').startswith("COLUMN_NOT_FOUND")


def test_json_lines_are_read_as_declared_compressed_or_not(lake):
    table(
        lake,
        "raw",
        JSON,
        [
            ("id", "string"),
            ("created_at", "timestamp"),
            ("likes", "bigint"),
            ("author", "struct<id:string>"),
            ("tags", "array<string>"),
            ("absent", "double"),
        ],
    )
    first = {
        "id": "1",
        "created_at": "2026-11-20T10:00:00.5+02:00",
        "likes": 7,
        "author": {"id": "x", "more": 1},
        "tags": ["a"],
        "extra": True,
    }
    put(lake, "cleaned-data/raw/a.json.gz", gzip.compress(json.dumps(first).encode() + b"\n"))
    put(lake, "cleaned-data/raw/b.ndjson", b'{"id": "2"}\n')

    assert rows(lake, "select * from lake.raw order by id") == [
        ["1", "2026-11-20 08:00:00.500", "7", "{id=x}", "[a]", None],
        ["2", None, None, None, None, None],
    ]


def test_a_value_of_another_type_than_declared_fails_the_query(lake):
    table(lake, "wrong", JSON, [("likes", "bigint")])
    put(lake, "cleaned-data/wrong/a.json", b'{"likes": "many"}\n')

    assert "many" in failure(lake, "select * from lake.wrong")


def test_projected_partitions_need_no_registration(lake, tmp_path):
    table(
        lake,
        "projected",
        JSON,
        [("v", "int")],
        [("dt", "string")],
        **{
            "projection.enabled": "true",
            "projection.dt.type": "date",
            "projection.dt.range": "2026-11-19,2026-11-21",
            "projection.dt.format": "yyyy-MM-dd",
        },
    )
    for day in (18, 20, 21):
        put(lake, f"cleaned-data/projected/dt=2026-11-{day}/a.json", b'{"v": %d}' % day)

    assert rows(lake, "select dt, v from lake.projected order by v") == [
        ["2026-11-20", "20"],
        ["2026-11-21", "21"],
    ]


def test_an_injected_partition_comes_from_the_query(lake):
    table(
        lake,
        "injected",
        JSON,
        [("v", "int")],
        [("run", "string")],
        **{
            "projection.enabled": "true",
            "projection.run.type": "injected",
            "storage.location.template": f"s3://{LAKE}/candidates/${{run}}/",
        },
    )
    put(lake, "candidates/abc/a.json", b'{"v": 1}')

    assert rows(lake, "select run, v from lake.injected where run = 'abc'") == [["abc", "1"]]
    assert "injected projected partition column run" in failure(lake, "select * from lake.injected")


def test_a_table_without_data_has_its_columns_and_no_rows(lake):
    table(lake, "nothing", PARQUET, TWEETS, [("dt", "string")])
    query = submit(lake, "select dt, likes from lake.nothing")
    finished(lake, query)

    assert page(lake, query) == [["dt", "likes"]]


def test_a_table_that_is_not_in_the_catalog_does_not_exist(lake):
    assert failure(lake, "select 1 from lake.absent") == (
        "TABLE_NOT_FOUND: Table 'awsdatacatalog.lake.absent' does not exist"
    )


def test_a_name_bound_by_with_hides_no_table_elsewhere(lake):
    sql = """select (select count(*) from (with tweets as (select 1 as x) select x from tweets)),
                    (select count(*) from lake.tweets)"""

    assert rows(lake, sql) == [["1", "2"]]


# Parameters and prepared statements


def test_parameters_fill_the_places_in_order(lake):
    found = rows(
        lake,
        "select dt from lake.tweets where likes > ? and dt in (?, ?) order by 1",
        ExecutionParameters=["0", "'moved'", "'it''s'"],
    )

    assert found == [["moved"]]


@pytest.mark.parametrize(
    "parameters, reason",
    [
        ([], "expected 1 but found 0"),
        (["1", "2"], "expected 1 but found 2"),
        (["moved"], "text needs quotes"),
        (["(select 1)"], "not a SQL literal"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(lake, parameters, reason):
    with pytest.raises(ClientError, match="INVALID_PARAMETER_USAGE") as refused:
        submit(lake, "select 1 from lake.tweets where dt = ?", ExecutionParameters=parameters)

    assert reason in str(refused.value)


def test_a_prepared_statement_is_executed_with_its_own_values(lake):
    lake.client("athena").create_prepared_statement(
        StatementName="by_day",
        WorkGroup="primary",
        QueryStatement="select likes from lake.tweets where dt = ? and likes > ?",
    )

    assert rows(lake, "EXECUTE by_day USING 'moved', -1") == [["3"]]
    assert rows(lake, "execute by_day", ExecutionParameters=["'moved'", "0"]) == [["3"]]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        (["1", f"'{'x' * 1023}'"], "less than or equal to 1024"),
        (["''", ""], "greater than or equal to 1"),
    ],
)
def test_a_parameter_of_a_length_that_athena_refuses(lake, parameters, why):
    with pytest.raises(ClientError, match=why) as refused:
        submit(lake, "select ?, ?", ExecutionParameters=parameters)

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "executionParameters" in str(refused.value)


def test_the_longest_parameter_that_athena_takes(lake):
    longest = f"'{'x' * 1022}'"

    assert rows(lake, "select 1 where length(?) = 1022", ExecutionParameters=[longest]) == [["1"]]


def test_a_request_token_starts_one_query(lake):
    token = str(uuid.uuid4())

    first = submit(lake, "select 1", ClientRequestToken=token)
    again = submit(lake, "select 1", ClientRequestToken=token)

    assert first == again
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        submit(lake, "select 2", ClientRequestToken=token)
    with pytest.raises(ClientError, match="32 to 128"):
        submit(lake, "select 2", ClientRequestToken="short")


# Results


def test_the_result_object_is_quoted_as_athena_quotes(lake):
    query = submit(lake, "select 'a \"b\", c' as t, 1 as n, cast(null as varchar) as v, '' as e")
    ended = finished(lake, query)
    location = ended["ResultConfiguration"]["OutputLocation"]
    body = (
        lake.client("s3")
        .get_object(Bucket="athena-results", Key=location.split("/", 3)[3])["Body"]
        .read()
        .decode()
    )

    assert location == f"s3://athena-results/out/{query}.csv"
    assert body == '"t","n","v","e"\n"a ""b"", c","1",,""\n'
    assert page(lake, query)[1] == ['a "b", c', "1", None, ""]


def test_results_come_in_pages_that_count_the_header(lake):
    query = submit(lake, "select x from unnest(sequence(1, 5)) as t(x) order by x")
    finished(lake, query)
    client = lake.client("athena")

    first = client.get_query_results(QueryExecutionId=query, MaxResults=3)
    rest = page(lake, query, NextToken=first["NextToken"])

    assert [r["Data"][0]["VarCharValue"] for r in first["ResultSet"]["Rows"]] == ["x", "1", "2"]
    assert rest == [["3"], ["4"], ["5"]]


def test_results_survive_a_restart(own_launcher):
    own_launcher.client("s3").create_bucket(Bucket="athena-results")
    query = submit(own_launcher, "select 1 as n, cast(1.5 as decimal(3,1)) as d")
    finished(own_launcher, query)

    own_launcher.stop()
    own_launcher.start()

    assert page(own_launcher, query) == [["n", "d"], ["1", "1.5"]]


def test_an_enforced_workgroup_decides_where_results_go(lake):
    client = lake.client("athena")
    client.create_work_group(
        Name="strict",
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": "s3://athena-results/strict"},
        },
    )

    ended = finished(lake, submit(lake, "select 1", WorkGroup="strict"))

    location = ended["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://athena-results/strict/{ended['QueryExecutionId']}.csv"


def test_a_query_without_a_place_for_its_result_is_refused(lake):
    with pytest.raises(ClientError, match="No output location provided"):
        submit(lake, "select 1", ResultConfiguration={})


LONG = (
    "select count(*) from unnest(sequence(1, 5000)) as a(x) cross join "
    "unnest(sequence(1, 5000)) as b(y) cross join "
    "unnest(sequence(1, 5000)) as c(z) where x * y * z % 7 = 3"
)


def test_queries_that_still_wait_for_their_turn_can_be_stopped(lake):
    # More than there are threads for: the last of them are QUEUED.
    queries = [submit(lake, LONG) for _ in range(40)]

    for query in reversed(queries):
        lake.client("athena").stop_query_execution(QueryExecutionId=query)

    assert [finished(lake, query)["Status"]["State"] for query in queries] == ["CANCELLED"] * 40
    assert rows(lake, "select 1") == [["1"]]


def test_a_long_query_can_be_stopped(lake):
    query = submit(lake, LONG)

    lake.client("athena").stop_query_execution(QueryExecutionId=query)

    assert finished(lake, query)["Status"]["State"] == "CANCELLED"


# Whom Athena works for


@pytest.fixture(scope="module")
def analyst(lake: Launcher) -> Any:
    """May read one prefix of the lake, its table, and write results below out/."""
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    role(
        lake,
        "analyst",
        statement(["athena:*"], [f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/primary"]),
        statement(
            ["glue:GetTable", "glue:GetPartitions"],
            [
                f"{glue}:catalog",
                f"{glue}:database/lake",
                f"{glue}:table/lake/tweets",
                f"{glue}:table/lake/secret",
            ],
        ),
        statement(
            ["s3:ListBucket", "s3:GetBucketLocation"],
            [f"arn:aws:s3:::{LAKE}", "arn:aws:s3:::athena-results"],
        ),
        statement(
            ["s3:GetObject"],
            [f"arn:aws:s3:::{LAKE}/cleaned-data/tweets/*", "arn:aws:s3:::athena-results/out/*"],
        ),
        statement(["s3:PutObject"], ["arn:aws:s3:::athena-results/out/*"]),
    )
    table(lake, "secret", JSON, [("v", "int")], location=f"s3://{LAKE}/secret/")
    put(lake, "secret/a.json", b'{"v": 1}')
    return lake.client_as("athena", "analyst")


def test_a_caller_that_may_read_gets_its_rows(lake, analyst):
    query = submit(lake, "select count(*) as n from lake.tweets", analyst)
    finished(lake, query)

    state = analyst.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
    assert state["State"] == "SUCCEEDED", state
    found = analyst.get_query_results(QueryExecutionId=query)
    assert found["ResultSet"]["Rows"][1]["Data"] == [{"VarCharValue": "2"}]


@pytest.mark.parametrize(
    "sql, settings, action, resource",
    [
        ("select * from lake.secret", {}, "s3:GetObject", f"arn:aws:s3:::{LAKE}/secret/a.json"),
        (
            "select * from lake.raw",
            {},
            "glue:GetTable",
            f"arn:aws:glue:{REGION}:{ACCOUNT}:table/lake/raw",
        ),
        (
            "select 1",
            {"ResultConfiguration": {"OutputLocation": "s3://athena-results/other/"}},
            "s3:PutObject",
            "arn:aws:s3:::athena-results/other/",
        ),
    ],
)
def test_a_query_may_do_no_more_than_its_caller(lake, analyst, sql, settings, action, resource):
    reason = failure(lake, sql, analyst, **settings)

    assert reason.startswith("Access denied: User: arn:aws:sts::000000000000:assumed-role/analyst")
    assert f"not authorized to perform: {action} on resource: {resource}" in reason


def test_results_are_given_to_whom_may_read_them(lake, analyst):
    query = submit(
        lake, "select 1", ResultConfiguration={"OutputLocation": "s3://athena-results/other/"}
    )
    finished(lake, query)

    with pytest.raises(ClientError, match="s3:GetObject on resource"):
        analyst.get_query_results(QueryExecutionId=query)


def test_a_workgroup_that_is_not_granted_is_refused(lake, analyst):
    lake.client("athena").create_work_group(
        Name="other",
        Configuration={"ResultConfiguration": {"OutputLocation": "s3://athena-results/out/"}},
    )

    with pytest.raises(ClientError, match="athena:StartQueryExecution"):
        submit(lake, "select 1", analyst, WorkGroup="other")


def test_tables_are_created_and_dropped_by_ddl(lake):
    query = submit(
        lake,
        f"""create external table lake.made (v int)
        row format serde 'org.openx.data.jsonserde.JsonSerDe' location 's3://{LAKE}/secret/'""",
    )
    assert finished(lake, query)["StatementType"] == "DDL"

    assert rows(lake, "select v from lake.made") == [["1"]]
    finished(lake, submit(lake, "drop table lake.made"))
    assert "TABLE_NOT_FOUND" in failure(lake, "select v from lake.made")


class _Counted(dict):
    """Objects that count how often all of them are walked through."""

    walks = 0

    def __iter__(self):  # noqa: ANN204
        type(self).walks += 1
        return super().__iter__()

    def items(self):  # noqa: ANN201
        type(self).walks += 1
        return super().items()


def test_a_query_walks_the_bucket_once_however_many_partitions_a_table_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ministack.services import s3

    from embedded.launcher.athena.tables import Listing, Location

    days = [f"raw/dt=2026-01-{day:02d}/" for day in range(1, 32)]
    objects = _Counted(
        {f"{day}{name}": {"size": 1} for day in days for name in ("b", "a", "c/d")}
        | {"raw/dt=2026-01-1": {"size": 1}, "other": {"size": 1}}
    )
    monkeypatch.setitem(s3._buckets, "walked", {"objects": objects})
    listing = Listing()

    found = {
        day: [key for key, _ in listing.below(Location("walked", day).bucket, day)] for day in days
    }

    assert found == {day: [f"{day}a", f"{day}b", f"{day}c/d"] for day in days}
    assert _Counted.walks == 1


@pytest.fixture(scope="module")
def days(lake: Launcher, tmp_path_factory: Any) -> dict[str, int]:
    """A table of three days; the bytes of each. The file of the last day is damaged."""
    folder = tmp_path_factory.mktemp("days")
    table(lake, "days", PARQUET, TWEETS, [("dt", "string")])
    sizes = {}
    for number, day in enumerate(("2026-10-01", "2026-10-02", "damaged")):
        body = b"no Parquet" if day == "damaged" else parquet(folder, tweet(number, day))
        put(lake, f"cleaned-data/days/dt={day}/p.parquet", body)
        partition(lake, "days", [day], f"s3://{LAKE}/cleaned-data/days/dt={day}/")
        sizes[day] = len(body)
    return sizes


def test_only_the_partitions_that_a_query_needs_are_read_and_charged(lake, days):
    sql = "select tweet_id from lake.days where dt in ('2026-10-02', 'absent')"
    query = submit(lake, sql)
    ended = finished(lake, query)

    assert ended["Status"]["State"] == "SUCCEEDED", ended["Status"]
    assert page(lake, query) == [["tweet_id"], ["1"]]
    assert ended["Statistics"]["DataScannedInBytes"] == days["2026-10-02"]
    # The damaged file is read as soon as its partition is needed.
    assert "damaged" in failure(lake, "select tweet_id from lake.days where dt >= '2026-10-02'")


def test_a_caller_needs_access_to_the_partitions_of_the_query_alone(lake, days):
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    role(
        lake,
        "one-day",
        statement(["athena:*"], [f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/primary"]),
        statement(
            ["glue:GetTable", "glue:GetPartitions"],
            [f"{glue}:catalog", f"{glue}:database/lake", f"{glue}:table/lake/days"],
        ),
        statement(
            ["s3:ListBucket", "s3:GetBucketLocation"],
            [f"arn:aws:s3:::{LAKE}", "arn:aws:s3:::athena-results"],
        ),
        statement(["s3:GetObject"], [f"arn:aws:s3:::{LAKE}/cleaned-data/days/dt=2026-10-01/*"]),
        statement(["s3:PutObject"], ["arn:aws:s3:::athena-results/out/*"]),
    )
    client = lake.client_as("athena", "one-day")

    query = submit(lake, "select tweet_id from lake.days where dt < '2026-10-02'", client)

    assert finished(lake, query)["Status"]["State"] == "SUCCEEDED"
    reason = failure(lake, "select tweet_id from lake.days where dt < '2026-10-03'", client)
    assert reason.startswith("Access denied") and "dt=2026-10-02" in reason


def test_locations_of_partitions_that_are_not_needed_are_not_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ministack.services import glue, s3

    from embedded.launcher.athena import tables, translate

    dates = [f"2026-01-{day:02d}" for day in range(1, 32)]
    keys = [f"raw/dt={day}/{name}" for day in dates for name in ("a", "b", "c")]
    monkeypatch.setitem(s3._buckets, "listed", {"objects": {key: {"size": 1} for key in keys}})
    monkeypatch.setitem(glue._databases, "counted", {})
    location = {"Location": "s3://listed/raw/", "Columns": columns(("v", "int"))}
    definition = {
        "StorageDescriptor": {**JSON, **location},
        "PartitionKeys": columns(("dt", "string")),
    }
    monkeypatch.setitem(glue._tables, "counted/raw", definition)
    monkeypatch.setitem(glue._partitions, "counted/raw", [{"Values": [day]} for day in dates])
    listed: list[tables.Location] = []
    looked_up: list[str] = []
    of_location = tables.Listing.files
    monkeypatch.setattr(
        tables.Listing,
        "files",
        lambda self, where: (listed.append(where), of_location(self, where))[1],
    )
    monkeypatch.setattr(
        tables.Listing, "_path", lambda self, bucket, key: (looked_up.append(key), "/x")[1]
    )
    query = translate.parse("select v from counted.raw where dt between '2026-01-30' and '2026-02'")
    [(name, places)] = query.tables("counted").items()
    listing = tables.Listing()

    found = tables.pruned(tables.find(name.database, name.name, {}), places)
    relation = tables.relation(found, listing)

    assert [where.prefix for where in listed] == ["raw/dt=2026-01-30/", "raw/dt=2026-01-31/"]
    assert len(looked_up) == len(relation.paths) == relation.bytes == 6


@pytest.mark.parametrize("storage, reader", [(PARQUET, "read_parquet"), (JSON, "read_json")])
def test_days_of_few_files_share_a_reader_because_each_costs_memory(monkeypatch, storage, reader):
    from embedded.launcher.athena import tables

    days = [f"{day:04d}" for day in range(365)]
    table = tables.Table(
        "lake",
        "t",
        {
            "StorageDescriptor": {**storage, "Columns": columns(("v", "int"))},
            "PartitionKeys": columns(("dt", "string")),
        },
        tuple(tables.Partition((day,), tables.Location("b", f"t/dt={day}/")) for day in days),
    )
    monkeypatch.setattr(
        tables.Listing,
        "files",
        lambda self, where: [
            tables.File(f"{where.prefix}{n}", 1, f"/{where.prefix}{n}")
            for n in range(60 if where.prefix == "t/dt=0100/" else 1)
        ],
    )

    relation = tables.relation(table, tables.Listing())

    assert relation.bytes == len(relation.paths) == 364 + 60
    assert relation.sql.count(reader) == 8
