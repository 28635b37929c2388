"""Deployments: types left out, types added, unknown ones, and custom resources that fail."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from launching import ACCOUNT, REGION, Launcher, function, role, statement, until

from embedded.launcher.left_out import LEFT_OUT

DONE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
)


def stack(launcher: Launcher, name: str) -> dict[str, Any]:
    return launcher.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def settled(launcher: Launcher, name: str) -> dict[str, Any]:
    def done() -> dict[str, Any] | None:
        found = stack(launcher, name)
        return found if found["StackStatus"] in DONE else None

    return until(done, seconds=20)


def deploy(
    launcher: Launcher,
    name: str,
    resources: dict,
    outputs: dict | None = None,
    change: str = "create",
) -> dict[str, Any]:
    template = {
        "Resources": resources,
        "Outputs": {key: {"Value": value} for key, value in (outputs or {}).items()},
    }
    client = launcher.client("cloudformation")
    getattr(client, f"{change}_stack")(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    return settled(launcher, name)


def outputs(found: dict[str, Any]) -> dict[str, str]:
    return {o["OutputKey"]: o["OutputValue"] for o in found["Outputs"]}


def test_every_left_out_type_deploys_and_answers_ref_and_its_attributes(launcher):
    resources, wanted = {}, {}
    for number, (kind, entry) in enumerate(sorted(LEFT_OUT.items())):
        logical = f"R{number}"
        named = {entry.named_by: f"own-name-{number}"} if entry.named_by else {}
        resources[logical] = {"Type": kind, "Properties": named}
        wanted[f"{logical}Ref"] = {"Ref": logical}
        for place, attribute in enumerate(entry.attributes):
            wanted[f"{logical}Att{place}"] = {"Fn::GetAtt": [logical, attribute]}

    found = deploy(launcher, "left-out", resources, wanted)

    assert found["StackStatus"] == "CREATE_COMPLETE"
    for number, (_, entry) in enumerate(sorted(LEFT_OUT.items())):
        own = f"own-name-{number}" if entry.named_by else f"R{number}"
        assert outputs(found)[f"R{number}Ref"] == own
        for place, text in enumerate(entry.attributes.values()):
            assert outputs(found)[f"R{number}Att{place}"] == text.format(id=own)
    launcher.client("cloudformation").delete_stack(StackName="left-out")


def test_every_left_out_type_has_a_reason():
    assert all(len(entry.reason) > 10 for entry in LEFT_OUT.values())


def test_a_left_out_type_can_be_changed_and_removed(launcher):
    budget = {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": {"BudgetType": "COST"}}}
    topic = {"Type": "AWS::SNS::Topic"}
    deploy(launcher, "changing", {"B": budget, "T": topic})
    changed = {**budget, "Properties": {"Budget": {"BudgetType": "USAGE"}}}

    assert (
        deploy(launcher, "changing", {"B": changed, "T": topic}, change="update")["StackStatus"]
        == "UPDATE_COMPLETE"
    )
    assert (
        deploy(launcher, "changing", {"T": topic}, change="update")["StackStatus"]
        == "UPDATE_COMPLETE"
    )


def test_an_unknown_type_is_refused_by_name_before_anything_is_created(launcher):
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::Nope::Thing\]"):
        deploy(
            launcher,
            "unknown",
            {"T": {"Type": "AWS::SNS::Topic"}, "N": {"Type": "AWS::Nope::Thing"}},
        )

    with pytest.raises(ClientError, match="does not exist"):
        stack(launcher, "unknown")


def test_named_queries_of_a_template_are_athenas(launcher):
    athena = launcher.client("athena")
    group = {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": "queries"}}

    def query(sql: str) -> dict:
        return {
            "Type": "AWS::Athena::NamedQuery",
            "DependsOn": ["G"],
            "Properties": {
                "Database": "lake",
                "Name": "daily",
                "WorkGroup": "queries",
                "QueryString": sql,
            },
        }

    def listed() -> list[str]:
        return athena.list_named_queries(WorkGroup="queries")["NamedQueryIds"]

    found = deploy(
        launcher,
        "queries",
        {"G": group, "Q": query("select 1")},
        {"Id": {"Ref": "Q"}, "Same": {"Fn::GetAtt": ["Q", "NamedQueryId"]}},
    )
    first = listed()
    deploy(launcher, "queries", {"G": group, "Q": query("select 2")}, change="update")
    second = listed()
    changed = athena.get_named_query(NamedQueryId=second[0])["NamedQuery"]
    deploy(launcher, "queries", {"G": group}, change="update")

    assert first == [outputs(found)["Id"]] == [outputs(found)["Same"]]
    assert len(second) == 1
    assert (changed["Name"], changed["QueryString"]) == ("daily", "select 2")
    assert listed() == []


def test_a_glue_security_configuration_is_referred_to_by_its_name(launcher):
    found = deploy(
        launcher,
        "security",
        {
            "S": {
                "Type": "AWS::Glue::SecurityConfiguration",
                "Properties": {
                    "Name": "lake-security",
                    "EncryptionConfiguration": {"S3Encryptions": [{"S3EncryptionMode": "SSE-KMS"}]},
                },
            }
        },
        {"Name": {"Ref": "S"}},
    )

    kept = launcher.client("glue").get_security_configuration(Name="lake-security")

    assert outputs(found)["Name"] == "lake-security"
    assert (
        kept["SecurityConfiguration"]["EncryptionConfiguration"]["S3Encryption"][0][
            "S3EncryptionMode"
        ]
        == "SSE-KMS"
    )


def test_glue_crawlers_jobs_and_tables_of_a_template_are_in_the_catalog(launcher):
    arn = role(launcher, "cfn-glue")
    deploy(
        launcher,
        "glue",
        {
            "D": {
                "Type": "AWS::Glue::Database",
                "Properties": {"CatalogId": ACCOUNT, "DatabaseInput": {"Name": "cfn_lake"}},
            },
            "C": {
                "Type": "AWS::Glue::Crawler",
                "Properties": {
                    "Name": "cfn-raw",
                    "Role": arn,
                    "DatabaseName": "cfn_lake",
                    "Targets": {"S3Targets": [{"Path": "s3://b/raw"}]},
                },
            },
            "J": {
                "Type": "AWS::Glue::Job",
                "Properties": {
                    "Name": "cfn-clean",
                    "Role": arn,
                    "GlueVersion": "6.0",
                    "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/clean.py"},
                    "DefaultArguments": {"--run": "1"},
                },
            },
        },
    )
    glue = launcher.client("glue")

    assert glue.get_crawler(Name="cfn-raw")["Crawler"]["DatabaseName"] == "cfn_lake"
    assert glue.get_job(JobName="cfn-clean")["Job"]["DefaultArguments"] == {"--run": "1"}


def test_a_custom_resource_whose_lambda_fails_fails_at_once_with_its_error(launcher):
    source = "exports.handler = async () => { throw new Error('no'); };"
    arn = function(launcher, "cfn-broken", source, role(launcher, "cfn-broken-fn"))

    started = time.monotonic()
    found = deploy(
        launcher, "broken", {"R": {"Type": "Custom::Broken", "Properties": {"ServiceToken": arn}}}
    )

    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    assert time.monotonic() - started < 10
    events = launcher.client("cloudformation").describe_stack_events(StackName="broken")
    reasons = [e.get("ResourceStatusReason", "") for e in events["StackEvents"]]
    assert any(
        "The custom resource's Lambda failed" in r and '"errorMessage": "no"' in r for r in reasons
    )


ANSWERING = """
const http = require('http');
exports.handler = async (event) => {
  const body = JSON.stringify({
    Status: 'SUCCESS', PhysicalResourceId: 'mine', Data: { Answer: '42' },
    StackId: event.StackId, RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId,
  });
  await new Promise((done, fail) => {
    const answer = http.request(event.ResponseURL, { method: 'PUT' }, (r) => r.resume() && done());
    answer.on('error', fail);
    answer.end(body);
  });
};
"""


def test_a_custom_resource_that_answers_is_created(launcher):
    arn = function(launcher, "cfn-answering", ANSWERING, role(launcher, "cfn-answering-fn"))

    found = deploy(
        launcher,
        "answering",
        {"R": {"Type": "Custom::Answering", "Properties": {"ServiceToken": arn}}},
        {"Id": {"Ref": "R"}, "Answer": {"Fn::GetAtt": ["R", "Answer"]}},
    )

    assert outputs(found) == {"Id": "mine", "Answer": "42"}


def test_a_kill_in_the_middle_of_a_deployment_leaves_the_state_before_it(own_launcher):
    arn = function(
        own_launcher, "silent", "exports.handler = async () => 1;", role(own_launcher, "silent-fn")
    )
    cloudformation = own_launcher.client("cloudformation")
    deploy(own_launcher, "whole", {"T": {"Type": "AWS::SNS::Topic"}})
    own_launcher.saved()
    cloudformation.create_stack(
        StackName="half",
        TemplateBody=json.dumps(
            {
                "Resources": {
                    "P": {
                        "Type": "AWS::SSM::Parameter",
                        "Properties": {"Name": "/half", "Type": "String", "Value": "v"},
                    },
                    "B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "half-bucket"}},
                    "R": {
                        "Type": "Custom::Silent",
                        "DependsOn": ["P", "B"],
                        "Properties": {"ServiceToken": arn},
                    },
                }
            }
        ),
    )
    until(lambda: own_launcher.client("ssm").describe_parameters()["Parameters"])
    # Longer than a snapshot takes to come: none may have come.
    time.sleep(1)

    own_launcher.kill()
    own_launcher.start()

    assert stack(own_launcher, "whole")["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        stack(own_launcher, "half")
    again = deploy(
        own_launcher,
        "half",
        {
            "P": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/half", "Type": "String", "Value": "v"},
            },
            "B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "half-bucket"}},
        },
    )
    assert again["StackStatus"] == "CREATE_COMPLETE"


def test_the_policy_of_a_secret_is_put_asked_changed_and_taken_away(launcher):
    role(
        launcher,
        "curious-role",
        statement(["secretsmanager:*"], ["*"]),
    )
    curious = launcher.client_as("secretsmanager", "curious-role")
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "hidden"}}
    root = f"arn:aws:iam::{ACCOUNT}:root"

    def policy(sid):
        denial = {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "NotAction": ["secretsmanager:DescribeSecret"],
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [root]}},
        }
        document = {"Version": "2012-10-17", "Statement": [denial]}
        properties = {"SecretId": {"Ref": "S"}, "ResourcePolicy": document}
        return {"Type": "AWS::SecretsManager::ResourcePolicy", "Properties": properties}

    found = deploy(launcher, "guarded", {"S": secret, "P": policy("First")}, {"Arn": {"Ref": "S"}})
    arn = outputs(found)["Arn"]
    undoing = [
        lambda: curious.get_secret_value(SecretId=arn),
        lambda: curious.put_secret_value(SecretId=arn, SecretString="forged"),
        lambda: curious.delete_resource_policy(SecretId=arn),
        lambda: curious.put_resource_policy(SecretId=arn, ResourcePolicy="{}"),
        lambda: curious.delete_secret(SecretId=arn),
    ]
    for call in undoing:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    assert curious.describe_secret(SecretId=arn)["ARN"] == arn
    owner = launcher.client("secretsmanager")
    assert owner.get_secret_value(SecretId=arn)["SecretString"] == "hidden"

    deploy(launcher, "guarded", {"S": secret, "P": policy("Second")}, change="update")
    assert "Second" in owner.get_resource_policy(SecretId=arn)["ResourcePolicy"]

    deploy(launcher, "guarded", {"S": secret}, change="update")
    assert curious.get_secret_value(SecretId=arn)["SecretString"] == "hidden"


def test_bucket_stream_topic_and_queue_have_the_key_of_their_template(launcher):
    def template(key: str) -> dict[str, Any]:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rule = {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
        types = {
            "S3::Bucket": {
                "BucketName": "encrypted-bucket",
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
            },
            "Kinesis::Stream": {
                "Name": "encrypted",
                "StreamEncryption": {"EncryptionType": "KMS", "KeyId": key},
            },
            "SNS::Topic": {"TopicName": "encrypted", "KmsMasterKeyId": key},
            "SQS::Queue": {"QueueName": "encrypted", "KmsMasterKeyId": key},
        }
        return {
            name.partition(":")[0]: {"Type": f"AWS::{name}", "Properties": properties}
            for name, properties in types.items()
        }

    def keys() -> list[Any]:
        found = launcher.client("s3").get_bucket_encryption(Bucket="encrypted-bucket")
        rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]
        described = launcher.client("kinesis").describe_stream(StreamName="encrypted")
        sns, sqs = launcher.client("sns"), launcher.client("sqs")
        topic = sns.get_topic_attributes(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:encrypted")
        queue = sqs.get_queue_attributes(
            QueueUrl=sqs.get_queue_url(QueueName="encrypted")["QueueUrl"], AttributeNames=["All"]
        )
        assert rule["BucketKeyEnabled"] is True
        return [
            rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"],
            described["StreamDescription"].get("KeyId"),
            topic["Attributes"].get("KmsMasterKeyId"),
            queue["Attributes"].get("KmsMasterKeyId"),
        ]

    first, second = (launcher.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    for key, change in ((first, "create"), (second, "update")):
        found = deploy(launcher, "encrypted-stack", template(key), change=change)
        assert found["StackStatus"].endswith("_COMPLETE"), found
        assert keys() == [key] * 4
