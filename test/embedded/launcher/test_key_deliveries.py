"""What services hand each other needs the key's leave, and what they log, too: as on AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, function, role, statement, until

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
SEND = ["kms:GenerateDataKey", "kms:Decrypt"]


def new_key(launcher: Launcher, service: str = "", **condition: Any) -> str:
    """A key that leaves all to the account's IAM, and lets one service in; returns its ARN."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}
    ]
    if service:
        own = {"Effect": "Allow", "Principal": {"Service": service}, "Action": SEND}
        conditions = {"Condition": condition} if condition else {}
        statements.append({**own, "Resource": "*", **conditions})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return launcher.client("kms").create_key(Policy=document)["KeyMetadata"]["Arn"]


def queue(launcher: Launcher, name: str, key: str) -> tuple[str, str]:
    """URL and ARN of an encrypted queue that lets every service send."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
    url = launcher.client("sqs").create_queue(
        QueueName=name, Attributes={"KmsMasterKeyId": key, "Policy": policy}
    )["QueueUrl"]
    return url, arn


def received(launcher: Launcher, url: str) -> int:
    return len(launcher.client("sqs").receive_message(QueueUrl=url).get("Messages", []))


def logged(launcher: Launcher) -> str:
    return (launcher.home / "launcher.log").read_text()


def from_topic(launcher: Launcher, arn: str, name: str) -> str:
    sns = launcher.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="m")
    return topic


def from_rule(launcher: Launcher, arn: str, name: str) -> str:
    events = launcher.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    return rule


WAYS = pytest.mark.parametrize(
    ("service", "send"), [("sns.amazonaws.com", from_topic), ("events.amazonaws.com", from_rule)]
)
Send = Callable[[Launcher, str, str], str]


@WAYS
def test_a_service_delivers_to_an_encrypted_queue_whose_key_lets_it_in(
    launcher: Launcher, service: str, send: Send
) -> None:
    name = f"let-in-{service.split('.')[0]}"
    source = f"arn:aws:{service.split('.')[0]}:{REGION}:{ACCOUNT}:*"
    key = new_key(launcher, service, ArnLike={"aws:SourceArn": source})
    url, arn = queue(launcher, name, key)

    send(launcher, arn, name)

    until(lambda: received(launcher, url))


@WAYS
@pytest.mark.parametrize("kind", ["other", "source", "managed"])
def test_nothing_is_delivered_where_the_key_does_not_let_the_service_in(
    launcher: Launcher, service: str, send: Send, kind: str
) -> None:
    name = f"kept-out-{kind}-{service.split('.')[0]}"
    keys = {
        "other": lambda: new_key(launcher, "s3.amazonaws.com"),
        "source": lambda: new_key(
            launcher, service, ArnLike={"aws:SourceArn": "arn:aws:s3:::other"}
        ),
        "managed": lambda: "alias/aws/sqs",
    }
    url, arn = queue(launcher, name, keys[kind]())

    send(launcher, arn, name)

    said = f"{service} delivers nothing to {arn}"
    until(lambda: said in logged(launcher))
    assert received(launcher, url) == 0


def test_a_rule_tells_an_encrypted_topic_only_by_leave_of_the_topics_key(
    launcher: Launcher,
) -> None:
    sns, open_to_all = launcher.client("sns"), new_key(launcher, "sns.amazonaws.com")
    for name, service, arrives in (
        ("topic-in", "events.amazonaws.com", True),
        ("topic-out", "cloudwatch.amazonaws.com", False),
    ):
        url, arn = queue(launcher, name, open_to_all)
        key = new_key(launcher, service)
        topic = sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        from_rule(launcher, topic, name)

        if arrives:
            until(lambda url=url: received(launcher, url))
        else:
            said = f"events.amazonaws.com delivers nothing to {topic}"
            until(lambda said=said: said in logged(launcher))
            assert received(launcher, url) == 0


def test_a_bucket_tells_an_encrypted_queue_only_by_leave_of_the_queues_key(
    launcher: Launcher,
) -> None:
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket="key-notifies")

    def notify(arn: str) -> None:
        wanted = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket="key-notifies",
            NotificationConfiguration={"QueueConfigurations": [wanted]},
        )

    _, closed = queue(launcher, "from-bucket-out", new_key(launcher))
    url, opened = queue(launcher, "from-bucket-in", new_key(launcher, "s3.amazonaws.com"))

    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        notify(closed)
    notify(opened)
    s3.put_object(Bucket="key-notifies", Key="a", Body=b"a")

    until(lambda: received(launcher, url))


def test_a_mapping_reads_an_encrypted_stream_in_the_name_of_the_functions_role(
    launcher: Launcher, tmp_path: Path
) -> None:
    kinesis, seen = launcher.client("kinesis"), tmp_path / "seen"
    kinesis.create_stream(StreamName="mapped", ShardCount=1)
    key = new_key(launcher)
    kinesis.start_stream_encryption(StreamName="mapped", EncryptionType="KMS", KeyId=key)
    stream = kinesis.describe_stream(StreamName="mapped")["StreamDescription"]["StreamARN"]
    reads = statement(["kinesis:*"], ["*"])
    of_function = role(launcher, "mapped-role", reads)
    source = f"require('fs').appendFileSync({json.dumps(str(seen))}, 'x')"
    function(launcher, "mapped", f"exports.handler = async () => {{ {source} }}", of_function)
    client = launcher.client("lambda")
    mapping = client.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="mapped", StartingPosition="TRIM_HORIZON"
    )["UUID"]
    kinesis.put_record(StreamName="mapped", Data=b"a", PartitionKey="one")

    def result() -> str:
        return client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]

    until(lambda: result().startswith("PROBLEM: "))
    assert f"mapped-role/mapped is not authorized to perform: kms:Decrypt on resource: {key}" in (
        result()
    )
    assert not seen.exists()
    granted = [reads, statement(["kms:Decrypt"], [key])]
    launcher.client("iam").put_role_policy(
        RoleName="mapped-role",
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": granted}),
    )
    until(seen.exists, seconds=30)
    client.delete_event_source_mapping(UUID=mapping)


def log_key(launcher: Launcher, group: str) -> str:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    wanted = {"kms:EncryptionContext:aws:logs:arn": arn}
    return new_key(launcher, f"logs.{REGION}.amazonaws.com", ArnLike=wanted)


def test_a_log_group_takes_a_key_that_lets_logs_encrypt_it(launcher: Launcher) -> None:
    logs, key = launcher.client("logs"), log_key(launcher, "/key/mine*")

    logs.create_log_group(logGroupName="/key/mine-1", kmsKeyId=key)
    with pytest.raises(ClientError, match=r"not allowed to be used with LogGroup .*:/key/other"):
        logs.create_log_group(logGroupName="/key/other", kmsKeyId=key)

    found = logs.describe_log_groups(logGroupNamePrefix="/key/")["logGroups"]
    assert [group["logGroupName"] for group in found] == ["/key/mine-1"]


def test_a_template_makes_no_log_group_whose_key_does_not_let_logs_in(launcher: Launcher) -> None:
    cloud, key = launcher.client("cloudformation"), log_key(launcher, "/key/stack")
    ended = {}

    def end(name: str) -> str | None:
        [stack] = cloud.describe_stacks(StackName=f"logs-{name}")["Stacks"]
        state = stack["StackStatus"]
        return None if state.endswith("IN_PROGRESS") else state

    for name in ("stack", "other-stack"):
        group = {"LogGroupName": f"/key/{name}", "KmsKeyId": key}
        template = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": group}}}
        cloud.create_stack(StackName=f"logs-{name}", TemplateBody=json.dumps(template))

        ended[name] = until(lambda name=name: end(name))

    update = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/key/stack"}}
    update["Properties"]["KmsKeyId"] = new_key(launcher)
    cloud.update_stack(
        StackName="logs-stack", TemplateBody=json.dumps({"Resources": {"Group": update}})
    )
    assert until(lambda: end("stack")) == "UPDATE_ROLLBACK_COMPLETE"
    assert ended == {"stack": "CREATE_COMPLETE", "other-stack": "ROLLBACK_COMPLETE"}
    events = cloud.describe_stack_events(StackName="logs-other-stack")["StackEvents"]
    assert any("not allowed to be used" in e.get("ResourceStatusReason", "") for e in events)
