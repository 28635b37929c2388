"""A record that the function refuses is tried again by itself, then reported, and passed over."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from launching import ACCOUNT, Launcher, function, role, statement, until
from test_cloudformation import deploy, outputs
from test_metric_points import statistics

RETRIES = 2


def code(seen: Path) -> str:
    """Notes every delivery; names records that say `refuse`, throws at one that says `throw`."""
    return """
const { appendFileSync } = require('node:fs');
exports.handler = async (event) => {
  const texts = event.Records.map(({ kinesis }) =>
    Buffer.from(kinesis.data, 'base64').toString());
  appendFileSync('SEEN', JSON.stringify(texts) + '\\n');
  if (texts.includes('throw')) throw new Error('no');
  const batchItemFailures = event.Records
    .filter((_, at) => texts[at] === 'refuse')
    .map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber }));
  return { batchItemFailures };
};
""".replace("SEEN", str(seen))


RESOURCES: dict[str, Any] = {
    "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
    "Failures": {"Type": "AWS::SQS::Queue"},
    "Mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Stream", "Arn"]},
            "FunctionName": "refusing",
            "StartingPosition": "TRIM_HORIZON",
            "Enabled": False,
            "BatchSize": 10,
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": RETRIES,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MetricsConfig": {"Metrics": ["EventCount"]},
            "DestinationConfig": {
                "OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}
            },
        },
    },
}


def done_of(delivery: list[str], poison: str) -> list[str]:
    if poison not in delivery:
        return delivery
    return delivery[: delivery.index(poison)] if poison == "refuse" else []


@pytest.mark.parametrize("poison", ["refuse", "throw"])
def test_a_poison_record_holds_up_no_other_and_is_reported(
    launcher: Launcher, tmp_path: Path, poison: str
) -> None:
    seen = tmp_path / "seen"
    role(launcher, f"{poison}-role", statement(["kinesis:*"], ["*"]))
    function(
        launcher, f"refusing-{poison}", code(seen), f"arn:aws:iam::{ACCOUNT}:role/{poison}-role"
    )
    resources = json.loads(json.dumps(RESOURCES).replace('"refusing"', f'"refusing-{poison}"'))
    wanted = {name: {"Ref": name} for name in RESOURCES}
    made = outputs(deploy(launcher, f"retries-{poison}", resources, wanted))
    texts = ["a", "b", poison, "c", "d"]
    put = launcher.client("kinesis").put_records(
        StreamName=made["Stream"],
        Records=[{"Data": text.encode(), "PartitionKey": "one"} for text in texts],
    )

    launcher.client("lambda").update_event_source_mapping(UUID=made["Mapping"], Enabled=True)

    queue = launcher.client("sqs")
    messages: list[Any] = []

    def reported() -> bool:
        found = queue.receive_message(QueueUrl=made["Failures"]).get("Messages", [])
        messages.extend(json.loads(one["Body"]) for one in found)
        return len(messages) > 0

    until(reported, seconds=60)
    until(lambda: '"d"' in seen.read_text().splitlines()[-1], seconds=60)
    deliveries = [json.loads(line) for line in seen.read_text().splitlines()]
    sequence = put["Records"][2]["SequenceNumber"]
    assert messages[0]["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert messages[0]["KinesisBatchInfo"]["startSequenceNumber"] == sequence
    assert messages[0]["KinesisBatchInfo"]["endSequenceNumber"] == sequence
    assert messages[0]["KinesisBatchInfo"]["batchSize"] == 1
    # Alone at last: the first try and the retries.
    assert deliveries.count([poison]) == RETRIES + 1
    # A function that names its failures has done what came before; one that threw has done nothing.
    done = [
        text for line in seen.read_text().splitlines() for text in done_of(json.loads(line), poison)
    ]
    assert done == ["a", "b", "c", "d"]
    # How late each batch was, as AWS/Lambda's IteratorAge.
    own = [{"Name": "FunctionName", "Value": f"refusing-{poison}"}]
    until(
        lambda: statistics(launcher, "AWS/Lambda", "IteratorAge", own)["count"] == len(deliveries)
    )
    launcher.client("cloudformation").delete_stack(StackName=f"retries-{poison}")


def test_a_bucket_gets_the_records_of_a_batch_that_is_given_up(
    launcher: Launcher, tmp_path: Path
) -> None:
    s3, bucket = launcher.client("s3"), "given-up-batches"
    s3.create_bucket(Bucket=bucket)
    allowed = [
        statement(["kinesis:*"], ["*"]),
        statement(["s3:PutObject"], [f"arn:aws:s3:::{bucket}/aws/lambda/*"]),
    ]
    for name, statements in {"may": allowed, "may-not": allowed[:1]}.items():
        role(launcher, f"{name}-role", *statements)
        function(
            launcher,
            f"refusing-{name}",
            code(tmp_path / name),
            f"arn:aws:iam::{ACCOUNT}:role/{name}-role",
        )
        resources = json.loads(json.dumps(RESOURCES).replace('"refusing"', f'"refusing-{name}"'))
        del resources["Failures"]
        mapping = resources["Mapping"]["Properties"]
        mapping["DestinationConfig"]["OnFailure"]["Destination"] = f"arn:aws:s3:::{bucket}"
        wanted = {each: {"Ref": each} for each in resources}
        made = outputs(deploy(launcher, f"given-up-{name}", resources, wanted))
        launcher.client("kinesis").put_records(
            StreamName=made["Stream"],
            Records=[{"Data": text, "PartitionKey": "one"} for text in (b"a", b"throw", b"b")],
        )
        launcher.client("lambda").update_event_source_mapping(UUID=made["Mapping"], Enabled=True)
        counted = {
            "may": "OnFailureDestinationDeliveredEventCount",
            "may-not": "DroppedEventCount",
        }
        own = [{"Name": "EventSourceMappingUUID", "Value": made["Mapping"]}]
        until(
            lambda name=name, own=own, counted=counted: (
                statistics(launcher, "AWS/Lambda", counted[name], own).get("sum") == 1
            ),
            seconds=60,
        )
        # Nothing is held up, whether the record was kept or not.
        until(lambda name=name: '["b"]' in (tmp_path / name).read_text(), seconds=60)
        launcher.client("cloudformation").delete_stack(StackName=f"given-up-{name}")

    [one] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert re.fullmatch(
        r"aws/lambda/[0-9a-f-]{36}/shardId-0{12}/\d{4}/\d\d/\d\d/[\dT.-]{19}-[0-9a-f-]{36}",
        one["Key"],
    )
    found = json.loads(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read())
    assert found["KinesisBatchInfo"]["batchSize"] == 1
    [record] = json.loads(found["payload"])["Records"]
    assert base64.b64decode(record["kinesis"]["data"]) == b"throw"
