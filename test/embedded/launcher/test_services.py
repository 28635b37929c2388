"""What the pipeline needs of ministack's services as they are, under exactly scoped roles."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, function, role, statement, until

from queries import rows


def refused(action: str) -> Any:
    return pytest.raises(ClientError, match=action)


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


CONSUMER = """
const fs = require('fs');
exports.handler = async (event) => {
  const texts = event.Records.map((r) => Buffer.from(r.kinesis.data, 'base64').toString());
  const bad = event.Records.filter((r, i) => texts[i] === 'poison');
  fs.appendFileSync(process.env.INTO, texts.filter((t) => t !== 'poison').join('\\n') + '\\n');
  const failed = bad.slice(0, 1).map((r) => ({ itemIdentifier: r.kinesis.sequenceNumber }));
  return { batchItemFailures: failed };
};
"""


@pytest.fixture(scope="module")
def mapping(launcher: Launcher, tmp_path_factory: Any) -> tuple[str, Path]:
    """(mapping, file): a stream's records go into a file once the mapping is enabled."""
    into = tmp_path_factory.mktemp("stream") / "seen"
    launcher.client("kinesis").create_stream(StreamName="tweets", ShardCount=1)
    function(
        launcher,
        "stream-consumer",
        CONSUMER,
        role(launcher, "stream-fn", statement(["kinesis:*"], [arn("kinesis", "stream/tweets")])),
        Environment={"Variables": {"INTO": str(into)}},
    )
    client = launcher.client("lambda")
    version = client.publish_version(FunctionName="stream-consumer")["FunctionArn"]
    made = client.create_event_source_mapping(
        EventSourceArn=arn("kinesis", "stream/tweets"),
        FunctionName=version,
        Enabled=False,
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return made["UUID"], into


def test_a_disabled_mapping_delivers_after_it_is_enabled_and_passes_a_poisoned_record(
    launcher, mapping
):
    uuid, into = mapping
    role(
        launcher,
        "stream-enabler",
        {
            **statement(
                ["lambda:UpdateEventSourceMapping", "lambda:GetEventSourceMapping"],
                [arn("lambda", f"event-source-mapping:{uuid}")],
            )
        },
    )
    records = ["one", "poison", "two"]
    launcher.client("kinesis").put_records(
        StreamName="tweets",
        Records=[{"Data": text.encode(), "PartitionKey": "k"} for text in records],
    )
    enabler = launcher.client_as("lambda", "stream-enabler")

    assert not into.exists()
    enabler.update_event_source_mapping(UUID=uuid, Enabled=True)

    until(lambda: into.exists() and {"one", "two"} <= set(into.read_text().split()), seconds=20)
    assert enabler.get_event_source_mapping(UUID=uuid)["State"] in ("Enabled", "Enabling")


@pytest.mark.parametrize(
    ("action", "request_of"),
    [
        ("UpdateEventSourceMapping", lambda one, uuid: one.update_event_source_mapping(UUID=uuid)),
        ("DeleteEventSourceMapping", lambda one, uuid: one.delete_event_source_mapping(UUID=uuid)),
        ("GetAlias", lambda one, _: one.get_alias(FunctionName="stream-consumer", Name="live")),
        (
            "PutFunctionEventInvokeConfig",
            lambda one, _: one.put_function_event_invoke_config(FunctionName="stream-consumer"),
        ),
    ],
)
def test_a_call_of_lambda_is_refused_under_its_own_name(launcher, mapping, action, request_of):
    name = f"may-not-{action}"
    role(launcher, name, statement(["lambda:List*"], ["*"]))

    with pytest.raises(ClientError, match=f"lambda:{action}"):
        request_of(launcher.client_as("lambda", name), mapping[0])


def test_an_object_is_created_once_by_if_none_match(launcher):
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket="conditional")
    s3.put_object(Bucket="conditional", Key="lock", Body=b"1", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="conditional", Key="lock", Body=b"2", IfNoneMatch="*")

    assert s3.get_object(Bucket="conditional", Key="lock")["Body"].read() == b"1"


def test_a_secret_is_read_by_the_role_that_may(launcher):
    made = launcher.client("secretsmanager").create_secret(Name="x-token", SecretString="s")
    role(launcher, "secret-reader", statement(["secretsmanager:GetSecretValue"], [made["ARN"]]))
    role(launcher, "no-secret-reader", statement(["s3:*"], ["*"]))
    reader = launcher.client_as("secretsmanager", "secret-reader")

    assert reader.get_secret_value(SecretId=made["ARN"])["SecretString"] == "s"
    with refused("secretsmanager:GetSecretValue"):
        launcher.client_as("secretsmanager", "no-secret-reader").get_secret_value(
            SecretId=made["ARN"]
        )


@pytest.mark.parametrize(
    "service, call, action, resource",
    [
        ("glue", ("get_database", {"Name": "services"}), "glue:GetDatabase", "database/services"),
        (
            "glue",
            ("get_table", {"DatabaseName": "services", "Name": "t"}),
            "glue:GetTable",
            "table/services/t",
        ),
        (
            "glue",
            ("get_partitions", {"DatabaseName": "services", "TableName": "t"}),
            "glue:GetPartitions",
            "table/services/t",
        ),
        (
            "glue",
            (
                "update_partition",
                {
                    "DatabaseName": "services",
                    "TableName": "t",
                    "PartitionValueList": ["a"],
                    "PartitionInput": {"Values": ["a"]},
                },
            ),
            "glue:UpdatePartition",
            "table/services/t",
        ),
        ("glue", ("get_job", {"JobName": "services"}), "glue:GetJob", "job/services"),
        ("glue", ("get_crawler", {"Name": "services"}), "glue:GetCrawler", "crawler/services"),
        (
            "athena",
            ("list_named_queries", {"WorkGroup": "primary"}),
            "athena:ListNamedQueries",
            "workgroup/primary",
        ),
    ],
)
def test_a_call_is_authorised_on_the_arn_that_aws_names(
    launcher, catalog, service, call, action, resource
):
    name = f"exact-{action.replace(':', '-')}"
    role(launcher, name, statement([action], [arn(service, resource)]))
    role(launcher, f"{name}-not", statement([action], [arn(service, resource + "x")]))
    method, parameters = call

    getattr(launcher.client_as(service, name), method)(**parameters)
    with refused(action):
        getattr(launcher.client_as(service, f"{name}-not"), method)(**parameters)


@pytest.fixture(scope="module")
def catalog(launcher: Launcher) -> None:
    glue = launcher.client("glue")
    owner = role(launcher, "services-glue")
    glue.create_database(DatabaseInput={"Name": "services"})
    glue.create_table(
        DatabaseName="services",
        TableInput={
            "Name": "t",
            "PartitionKeys": [{"Name": "p", "Type": "string"}],
            "StorageDescriptor": {},
        },
    )
    glue.create_partition(DatabaseName="services", TableName="t", PartitionInput={"Values": ["a"]})
    glue.create_job(Name="services", Role=owner, Command={"Name": "glueetl"})
    glue.create_crawler(
        Name="services",
        Role=owner,
        DatabaseName="services",
        Targets={"S3Targets": [{"Path": "s3://b/p"}]},
    )


def test_lambdas_answer_while_athena_runs(launcher):
    owner = role(launcher, "busy-fn")
    function(launcher, "busy", "exports.handler = async (e) => e.n * 2;", owner)
    buckets = [b["Name"] for b in launcher.client("s3").list_buckets()["Buckets"]]
    if "athena-results" not in buckets:
        launcher.client("s3").create_bucket(Bucket="athena-results")
    answers: dict[int, int] = {}
    found: list[Any] = []

    def call(n: int) -> None:
        answered = launcher.client("lambda").invoke(
            FunctionName="busy", Payload=json.dumps({"n": n})
        )
        answers[n] = json.loads(answered["Payload"].read())

    def ask() -> None:
        found.append(
            rows(
                launcher,
                "select sum(a.x * b.x) from unnest(sequence(1, 3000)) as a(x) "
                "cross join unnest(sequence(1, 3000)) as b(x)",
            )
        )

    threads = [
        threading.Thread(target=ask),
        *(threading.Thread(target=call, args=(n,)) for n in range(5)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {n: 2 * n for n in range(5)}
    assert found == [[[str(4501500**2)]]]


def test_a_function_has_its_roles_rights_and_no_others(launcher):
    source = """
    exports.handler = async () => ({ key: process.env.AWS_ACCESS_KEY_ID,
      secret: process.env.AWS_SECRET_ACCESS_KEY, token: process.env.AWS_SESSION_TOKEN,
      endpoint: process.env.AWS_ENDPOINT_URL, profile: process.env.AWS_PROFILE || null });
    """
    launcher.client("s3").create_bucket(Bucket="scoped")
    owner = role(launcher, "scoped-fn", statement(["s3:PutObject"], ["arn:aws:s3:::scoped/own/*"]))
    function(launcher, "scoped", source, owner)

    given = json.loads(launcher.client("lambda").invoke(FunctionName="scoped")["Payload"].read())
    s3 = launcher.client("s3", given["key"], given["secret"], given["token"])

    assert (given["endpoint"], given["profile"]) == (launcher.url, None)
    s3.put_object(Bucket="scoped", Key="own/a", Body=b"1")
    with refused("s3:PutObject"):
        s3.put_object(Bucket="scoped", Key="other/a", Body=b"1")


def test_a_service_that_is_not_there_is_refused_by_name(launcher):
    with pytest.raises(ClientError, match="The embedded cloud has no xray"):
        launcher.client("xray").get_sampling_rules()
