"""On which resource a request is authorized, where upstream would ask about another one."""

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, role, statement, until


def stream(launcher: Launcher, name: str) -> str:
    kinesis = launcher.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    until(
        lambda: (
            kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"][
                "StreamStatus"
            ]
            == "ACTIVE"
        )
    )
    kinesis.put_record(StreamName=name, Data=b"one", PartitionKey="k")
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def test_who_may_read_one_stream_reads_no_other_with_its_iterator(launcher: Launcher) -> None:
    own, _ = stream(launcher, "own"), stream(launcher, "foreign")
    role(launcher, "reads-own-stream", statement(["kinesis:*"], [own]))
    reader = launcher.client_as("kinesis", "reads-own-stream")

    def iterator(client: object, name: str) -> str:
        return client.get_shard_iterator(  # type: ignore[attr-defined, no-any-return]
            StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    [record] = reader.get_records(ShardIterator=iterator(reader, "own"))["Records"]
    assert record["Data"] == b"one"
    with pytest.raises(ClientError, match="not authorized to perform: kinesis:GetRecords"):
        reader.get_records(ShardIterator=iterator(launcher.client("kinesis"), "foreign"))
