"""Services ask KMS in their caller's name: the caller's policies and the key's, as on AWS."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, role, statement, until

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
MAKE, OPEN = "kms:GenerateDataKey", "kms:Decrypt"


def new_key(launcher: Launcher, actions: tuple[str, ...] = (MAKE, OPEN), **conditions: Any) -> str:
    """A key whose policy leaves `actions` to the account's IAM; returns its ARN."""
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": ROOT_ARN},
        "Action": ["kms:PutKeyPolicy", "kms:DisableKey", "kms:ScheduleKeyDeletion"],
        "Resource": "*",
    }
    use = {**own, "Action": list(actions), **({"Condition": conditions} if conditions else {})}
    return launcher.client("kms").create_key(Policy=policy(own, use))["KeyMetadata"]["Arn"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def new_bucket(launcher: Launcher, name: str, key: str, bucket_key: bool = False) -> str:
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket=name)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


def s3_rights(bucket: str) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket}"
    return statement(["s3:*"], [arn, f"{arn}/*"])


def by_way_of(service: str, *actions: str, key: str, **more: str) -> dict[str, Any]:
    wanted = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", **more}
    return {**statement(list(actions), [key]), "Condition": {"StringEquals": wanted}}


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def in_parts(s3: Any, bucket: str, key: str) -> None:
    at = {"Bucket": bucket, "Key": key}
    upload = {**at, "UploadId": s3.create_multipart_upload(**at)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"part")
    copied = s3.upload_part_copy(**upload, PartNumber=2, CopySource={"Bucket": bucket, "Key": "a"})[
        "CopyPartResult"
    ]
    parts = [
        {"PartNumber": number, "ETag": etag}
        for number, etag in ((1, part["ETag"]), (2, copied["ETag"]))
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts[:1]})


def test_s3_passes_what_both_policies_allow(launcher: Launcher) -> None:
    key = new_key(launcher, StringEquals={"kms:CallerAccount": ACCOUNT})
    bucket = new_bucket(launcher, "keys-both", key)
    s3 = launcher.client_as("s3", _role(launcher, "keys-both", bucket, key, MAKE, OPEN))

    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    in_parts(s3, bucket, "c")

    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"a"
    assert s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"part"


def test_s3_refuses_reads_without_decrypt_and_says_what_is_missing(launcher: Launcher) -> None:
    key = new_key(launcher)
    bucket = new_bucket(launcher, "keys-writer", key)
    s3 = launcher.client_as("s3", _role(launcher, "keys-writer", bucket, key, MAKE))
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    source = {"Bucket": bucket, "Key": "a"}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    denials = [
        refused(s3.get_object, Bucket=bucket, Key="a"),
        refused(s3.copy_object, Bucket=bucket, Key="b", CopySource=source),
        refused(
            s3.upload_part, Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"a"
        ),
    ]

    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/keys-writer/test"
    assert set(denials) == {
        (
            "AccessDenied",
            f"User: {user} is not authorized to perform: {OPEN} on resource: {key} "
            f"because no identity-based policy allows the {OPEN} action",
        )
    }


def test_s3_refuses_writes_without_generate_data_key(launcher: Launcher) -> None:
    key = new_key(launcher)
    bucket = new_bucket(launcher, "keys-reader", key)
    s3 = launcher.client_as("s3", _role(launcher, "keys-reader", bucket, key, OPEN))
    launcher.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    source = {"Bucket": bucket, "Key": "a"}

    for code, message in (
        refused(s3.put_object, Bucket=bucket, Key="b", Body=b"b"),
        refused(s3.copy_object, Bucket=bucket, Key="b", CopySource=source),
        refused(s3.create_multipart_upload, Bucket=bucket, Key="b"),
    ):
        assert code == "AccessDenied"
        assert f"not authorized to perform: {MAKE} on resource: {key}" in message
    assert s3.get_object(**source)["Body"].read() == b"a"


def test_a_key_policy_that_leaves_nothing_to_iam_refuses_roles_users_and_root(
    launcher: Launcher,
) -> None:
    key = new_key(launcher, actions=(MAKE,))
    bucket = new_bucket(launcher, "keys-closed", key)
    launcher.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    iam = launcher.client("iam")
    iam.create_user(UserName="keys-user")
    everything = policy(statement(["*"], ["*"]))
    iam.put_user_policy(UserName="keys-user", PolicyName="own", PolicyDocument=everything)
    made = iam.create_access_key(UserName="keys-user")["AccessKey"]

    for s3 in (
        launcher.client_as("s3", _role(launcher, "keys-closed", bucket, key, OPEN)),
        launcher.client("s3", made["AccessKeyId"], made["SecretAccessKey"]),
        launcher.client("s3"),
    ):
        code, message = refused(s3.get_object, Bucket=bucket, Key="a")
        assert code == "AccessDenied"
        assert f"because no resource-based policy allows the {OPEN} action" in message


def test_a_statement_for_another_service_does_not_count(launcher: Launcher) -> None:
    key = new_key(launcher)
    bucket = new_bucket(launcher, "keys-elsewhere", key)
    name = "keys-elsewhere"
    role(launcher, name, s3_rights(bucket), by_way_of("kinesis", MAKE, OPEN, key=key))

    code, message = refused(
        launcher.client_as("s3", name).put_object, Bucket=bucket, Key="a", Body=b"a"
    )

    assert code == "AccessDenied"
    assert MAKE in message


@pytest.mark.parametrize("bucket_key", [False, True])
def test_the_encryption_context_names_object_or_bucket(
    launcher: Launcher, bucket_key: bool
) -> None:
    name = f"keys-context-{bucket_key}".lower()
    arn = f"arn:aws:s3:::{name}"
    key = new_key(
        launcher,
        StringEquals={"kms:EncryptionContext:aws:s3:arn": arn if bucket_key else f"{arn}/a"},
    )
    bucket = new_bucket(launcher, name, key, bucket_key)
    s3 = launcher.client_as("s3", _role(launcher, name, bucket, key, MAKE))

    s3.put_object(Bucket=bucket, Key="a", Body=b"a")

    if not bucket_key:
        assert refused(s3.put_object, Bucket=bucket, Key="b", Body=b"b")[0] == "AccessDenied"


def test_an_object_keeps_the_key_it_was_written_with(launcher: Launcher) -> None:
    first, second = new_key(launcher), new_key(launcher)
    bucket = new_bucket(launcher, "keys-changed", first)
    s3 = launcher.client_as("s3", _role(launcher, "keys-changed", bucket, first, MAKE, OPEN))
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": second}
    launcher.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )

    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"
    assert second in refused(s3.put_object, Bucket=bucket, Key="b", Body=b"b")[1]
    asked = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": first}
    s3.put_object(Bucket=bucket, Key="b", Body=b"b", **asked)
    s3.put_object(Bucket=bucket, Key="c", Body=b"c", ServerSideEncryption="AES256")


def test_a_key_out_of_use_refuses_everyone(launcher: Launcher) -> None:
    kms, s3 = launcher.client("kms"), launcher.client("s3")
    key = new_key(launcher)
    bucket = new_bucket(launcher, "keys-disabled", key)
    at = {"Bucket": bucket, "Key": "a"}
    s3.put_object(**at, Body=b"a")

    kms.disable_key(KeyId=key)
    assert refused(s3.get_object, **at) == ("KMS.DisabledException", f"{key} is disabled.")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refused(s3.put_object, **at, Body=b"b") == (
        "KMS.KMSInvalidStateException",
        f"{key} is pending deletion.",
    )
    unknown = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111"
    asked = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": unknown}
    assert refused(s3.put_object, **at, Body=b"b", **asked)[0] == "KMS.NotFoundException"


def test_without_a_key_of_its_own_aws_kms_is_the_accounts_key_for_s3(launcher: Launcher) -> None:
    s3 = launcher.client("s3")
    s3.create_bucket(Bucket="keys-managed")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(
        Bucket="keys-managed", ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    role(launcher, "keys-managed", s3_rights("keys-managed"))
    writer = launcher.client_as("s3", "keys-managed")

    for asked in ({}, {"ServerSideEncryption": "aws:kms"}):
        writer.put_object(Bucket="keys-managed", Key="a", Body=b"a", **asked)
        assert writer.get_object(Bucket="keys-managed", Key="a")["Body"].read() == b"a"


def test_the_services_own_answer_comes_first(launcher: Launcher) -> None:
    key = new_key(launcher)
    bucket = new_bucket(launcher, "keys-after", key)
    role(launcher, "keys-after")
    s3 = launcher.client_as("s3", "keys-after")
    assert "s3:PutObject" in refused(s3.put_object, Bucket=bucket, Key="a", Body=b"a")[1]
    assert refused(launcher.client("s3").get_object, Bucket=bucket, Key="none")[0] == "NoSuchKey"


def _role(launcher: Launcher, name: str, bucket: str, key: str, *actions: str) -> str:
    role(launcher, name, s3_rights(bucket), by_way_of("s3", *actions, key=key))
    return name


@dataclass(frozen=True)
class Service:
    """One service's encrypted resource, as a role without rights to its key meets it.

    `calls` says which permission an operation lacks first, for a role that has none and for one
    that has only the other.
    """

    name: str
    made: Callable[[Launcher, str], dict[str, Any]]
    calls: Callable[[Any, dict[str, Any]], dict[str, tuple[str, Callable[[], Any]]]]
    context: str
    errors: tuple[str, str, str]
    sentence: str = "is not authorized to perform: {action} on resource: {key}"


def _stream(launcher: Launcher, key: str) -> dict[str, Any]:
    kinesis = launcher.client("kinesis")
    name = f"keys-{key[-12:]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=key)
    description = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    shard = description["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return {"name": name, "arn": description["StreamARN"], "iterator": iterator}


def _stream_calls(kinesis: Any, at: dict[str, Any]) -> dict[str, tuple[str, Callable[[], Any]]]:
    record = {"Data": b"a", "PartitionKey": "a"}
    return {
        "PutRecord": (MAKE, lambda: kinesis.put_record(StreamName=at["name"], **record)),
        "PutRecords": (MAKE, lambda: kinesis.put_records(StreamARN=at["arn"], Records=[record])),
        "GetRecords": (OPEN, lambda: kinesis.get_records(ShardIterator=at["iterator"])),
    }


def _secret(launcher: Launcher, key: str) -> dict[str, Any]:
    made = launcher.client("secretsmanager").create_secret(
        Name=f"keys-{key[-12:]}", KmsKeyId=key, SecretString="a"
    )
    return {"arn": made["ARN"], "key": key}


def _secret_calls(secrets: Any, at: dict[str, Any]) -> dict[str, tuple[str, Callable[[], Any]]]:
    secret = {"SecretId": at["arn"]}
    return {
        "GetSecretValue": (OPEN, lambda: secrets.get_secret_value(**secret)),
        "PutSecretValue": (MAKE, lambda: secrets.put_secret_value(**secret, SecretString="b")),
        "UpdateSecret": (MAKE, lambda: secrets.update_secret(**secret, SecretString="b")),
    }


def _topic(launcher: Launcher, key: str) -> dict[str, Any]:
    made = launcher.client("sns").create_topic(
        Name=f"keys-{key[-12:]}", Attributes={"KmsMasterKeyId": key}
    )
    return {"arn": made["TopicArn"]}


def _topic_calls(sns: Any, at: dict[str, Any]) -> dict[str, tuple[str, Callable[[], Any]]]:
    topic = {"TopicArn": at["arn"]}
    entries = [{"Id": "a", "Message": "a"}]
    return {
        "Publish": (MAKE, lambda: sns.publish(**topic, Message="a")),
        "PublishBatch": (
            MAKE,
            lambda: sns.publish_batch(**topic, PublishBatchRequestEntries=entries),
        ),
    }


def _queue(launcher: Launcher, key: str) -> dict[str, Any]:
    sqs = launcher.client("sqs")
    url = sqs.create_queue(QueueName=f"keys-{key[-12:]}", Attributes={"KmsMasterKeyId": key})[
        "QueueUrl"
    ]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return {"url": url, "arn": found["Attributes"]["QueueArn"]}


def _queue_calls(sqs: Any, at: dict[str, Any]) -> dict[str, tuple[str, Callable[[], Any]]]:
    queue = {"QueueUrl": at["url"]}
    entries = [{"Id": "a", "MessageBody": "a"}]
    return {
        "SendMessage": (MAKE, lambda: sqs.send_message(**queue, MessageBody="a")),
        "SendMessageBatch": (MAKE, lambda: sqs.send_message_batch(**queue, Entries=entries)),
        "ReceiveMessage": (OPEN, lambda: sqs.receive_message(**queue)),
    }


SERVICES = [
    Service(
        "kinesis",
        _stream,
        _stream_calls,
        "aws:kinesis:arn",
        ("KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException"),
    ),
    Service(
        "secretsmanager",
        _secret,
        _secret_calls,
        "SecretARN",
        ("AccessDeniedException", "DecryptionFailure", "DecryptionFailure"),
        sentence="Access to KMS is not allowed",
    ),
    Service(
        "sns",
        _topic,
        _topic_calls,
        "aws:sns:topicArn",
        ("KMSAccessDenied", "KMSDisabled", "KMSInvalidState"),
    ),
    Service(
        "sqs",
        _queue,
        _queue_calls,
        "aws:sqs:arn",
        ("KmsAccessDenied", "KmsDisabled", "KmsInvalidState"),
    ),
]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_asks_for_its_caller(launcher: Launcher, service: Service) -> None:
    key = new_key(launcher)
    at = service.made(launcher, key)
    own = statement([f"{service.name}:*"], ["*"])
    other = "sqs" if service.name == "sns" else "sns"

    def client(name: str, *statements: dict[str, Any]) -> Any:
        name = f"keys-{service.name}-{name}"
        role(launcher, name, own, *statements)
        return launcher.client_as(service.name, name)

    context = {f"kms:EncryptionContext:{service.context}": at["arn"]}
    allowed = client("allowed", by_way_of(service.name, MAKE, OPEN, key=key, **context))
    elsewhere = client("elsewhere", by_way_of(other, MAKE, OPEN, key=key))
    another = {f"kms:EncryptionContext:{service.context}": f"{at['arn']}-another"}
    misled = client("misled", by_way_of(service.name, MAKE, OPEN, key=key, **another))

    for called, (_, call) in service.calls(allowed, at).items():
        assert call()["ResponseMetadata"]["HTTPStatusCode"] == 200, called
    for denied in (elsewhere, misled):
        for called, (action, call) in service.calls(denied, at).items():
            code, message = refused(call)
            assert code == service.errors[0], called
            assert service.sentence.format(action=action, key=key) in message, called


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_obeys_the_keys_policy_and_state(
    launcher: Launcher, service: Service
) -> None:
    kms = launcher.client("kms")
    key = new_key(launcher)
    at = service.made(launcher, key)
    calls = service.calls(launcher.client(service.name), at)
    usable = kms.get_key_policy(KeyId=key)["Policy"]

    kms.put_key_policy(KeyId=key, Policy=policy(json.loads(usable)["Statement"][0]))
    assert {refused(call)[0] for _, call in calls.values()} == {service.errors[0]}
    kms.put_key_policy(KeyId=key, Policy=usable)
    kms.disable_key(KeyId=key)
    assert {refused(call)[0] for _, call in calls.values()} == {service.errors[1]}
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert {refused(call)[0] for _, call in calls.values()} == {service.errors[2]}


def test_a_secret_is_not_made_with_a_key_that_its_maker_may_not_use(launcher: Launcher) -> None:
    key = new_key(launcher)
    role(launcher, "keys-maker", statement(["secretsmanager:*"], ["*"]))
    secrets = launcher.client_as("secretsmanager", "keys-maker")

    made = {"Name": "keys-unmade", "KmsKeyId": key, "SecretString": "a"}
    assert refused(secrets.create_secret, **made) == (
        "AccessDeniedException",
        "Access to KMS is not allowed",
    )

    unknown = refused(secrets.describe_secret, SecretId="keys-unmade")
    assert unknown[0] == "ResourceNotFoundException"


def test_athena_reads_with_the_key_as_its_caller(launcher: Launcher) -> None:
    key = new_key(launcher)
    data = new_bucket(launcher, "keys-athena", key)
    launcher.client("s3").create_bucket(Bucket="keys-results")
    launcher.client("s3").put_object(Bucket=data, Key="t/a.json", Body=b'{"a": "x"}')
    column = {"Name": "a", "Type": "string"}
    serde = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
    launcher.client("glue").create_database(DatabaseInput={"Name": "keys"})
    launcher.client("glue").create_table(
        DatabaseName="keys",
        TableInput={
            "Name": "t",
            "StorageDescriptor": {
                "Columns": [column],
                "Location": f"s3://{data}/t/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "SerdeInfo": serde,
            },
        },
    )
    reads = statement(["s3:*", "athena:*", "glue:*"], ["*"])
    role(launcher, "keys-analyst", reads, by_way_of("s3", OPEN, key=key))
    role(launcher, "keys-outsider", reads)

    def answer(name: str) -> dict[str, Any]:
        athena = launcher.client_as("athena", name)
        query = athena.start_query_execution(
            QueryString="SELECT a FROM keys.t",
            ResultConfiguration={"OutputLocation": "s3://keys-results/"},
        )["QueryExecutionId"]

        def ended() -> dict[str, Any] | None:
            found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            return found if found["State"] in ("SUCCEEDED", "FAILED") else None

        return until(ended)

    assert answer("keys-analyst")["State"] == "SUCCEEDED"
    outside = answer("keys-outsider")
    assert outside["State"] == "FAILED"
    assert f"not authorized to perform: {OPEN} on resource: {key}" in outside["StateChangeReason"]


def grant(launcher: Launcher, key: str, grantee: str, *operations: str, **more: Any) -> str:
    given = {"KeyId": key, "GranteePrincipal": grantee, "Operations": list(operations), **more}
    return launcher.client("kms").create_grant(**given)["GrantId"]


def test_a_grant_allows_what_it_names_until_it_is_revoked(launcher: Launcher) -> None:
    key = new_key(launcher, (MAKE, OPEN, "kms:CreateGrant", "kms:RevokeGrant"))
    bucket = new_bucket(launcher, "keys-granted", key)
    name = _role(launcher, "keys-granted", bucket, key, "kms:Encrypt")
    s3 = launcher.client_as("s3", name)
    at = {"Bucket": bucket, "Key": "a"}
    grantee = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert refused(s3.put_object, **at, Body=b"a")[0] == "AccessDenied"

    grant(launcher, key, f"{grantee}-other", "GenerateDataKey", "Decrypt")
    assert refused(s3.put_object, **at, Body=b"a")[0] == "AccessDenied"
    made = grant(launcher, key, grantee, "GenerateDataKey")
    s3.put_object(**at, Body=b"a")
    assert refused(s3.get_object, **at)[0] == "AccessDenied"
    launcher.client("kms").revoke_grant(KeyId=key, GrantId=made)
    assert refused(s3.put_object, **at, Body=b"a")[0] == "AccessDenied"


def test_a_grants_constraint_is_about_the_encryption_context(launcher: Launcher) -> None:
    key = new_key(launcher, (MAKE, OPEN, "kms:CreateGrant"))
    bucket = new_bucket(launcher, "keys-constrained", key)
    name = _role(launcher, "keys-constrained", bucket, key, "kms:Encrypt")
    s3 = launcher.client_as("s3", name)
    for kind, allowed in (("EncryptionContextEquals", "a"), ("EncryptionContextSubset", "b")):
        grant(
            launcher,
            key,
            f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "GenerateDataKey",
            Constraints={kind: {"aws:s3:arn": f"arn:aws:s3:::{bucket}/{allowed}"}},
        )

    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    s3.put_object(Bucket=bucket, Key="b", Body=b"b")
    assert refused(s3.put_object, Bucket=bucket, Key="c", Body=b"c")[0] == "AccessDenied"


def test_a_deny_is_stronger_than_a_grant_and_a_grant_is_for_kms_itself(launcher: Launcher) -> None:
    key = new_key(launcher, ("kms:CreateGrant",))
    for name, extra in (
        ("keys-may", []),
        ("keys-denied", [{**statement([MAKE], ["*"]), "Effect": "Deny"}]),
    ):
        role(launcher, name, statement(["s3:GetObject"], ["*"]), *extra)
        grant(launcher, key, f"arn:aws:iam::{ACCOUNT}:role/{name}", "GenerateDataKey")
    use = {"KeyId": key, "KeySpec": "AES_256"}

    assert launcher.client_as("kms", "keys-may").generate_data_key(**use)["Plaintext"]
    code, why = refused(launcher.client_as("kms", "keys-denied").generate_data_key, **use)
    assert code == "AccessDeniedException"
    assert "explicit deny" in why


def test_a_service_makes_a_grant_in_its_callers_name(launcher: Launcher) -> None:
    key = new_key(launcher, ("kms:CreateGrant",), Bool={"kms:GrantIsForAWSResource": "true"})
    operations = ["CreateGrant", "Decrypt"]
    wanted = {
        "StringEquals": {"kms:ViaService": f"sagemaker.{REGION}.amazonaws.com"},
        "ForAllValues:StringEquals": {"kms:GrantOperations": operations},
    }
    use = {"service": "sagemaker", "key": key, "operations": operations}
    role(launcher, "grants", {**statement(["kms:CreateGrant"], [key]), "Condition": wanted})

    def asked(**changes: Any) -> tuple[int, dict]:
        _, given = launcher.ask(
            "credentials",
            {
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/grants",
                "service": "lambda.amazonaws.com",
                "sessionName": "one",
            },
        )
        return launcher.ask("grant", {**use, "accessKeyId": given["AccessKeyId"], **changes})

    assert asked() == (200, {"allowed": True, "message": ""})
    status, answer = asked(operations=[*operations, "Encrypt"])
    assert (status, answer["allowed"]) == (200, False)
    assert "kms:CreateGrant" in answer["message"]
    assert asked(service="nobody")[0] == 400
