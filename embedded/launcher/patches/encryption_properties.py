"""Upstream: CloudFormation ignores the KMS keys of a template's buckets, streams and topics.

Then nobody would need permissions on the key for the data in them.
"""

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import kinesis, s3, sns
from ministack.services.cloudformation import provisioners

EXPECTS = {
    "services.cloudformation.provisioners:_s3_create": "477b78a3cb15",
    "services.cloudformation.provisioners:_s3_update": "1d4f3f6390bb",
    "services.cloudformation.provisioners:_kinesis_stream_create": "7954dbe7b506",
    "services.cloudformation.provisioners:_kinesis_stream_update": "5e7231c25426",
    "services.cloudformation.provisioners:_sns_create": "0a96666a036a",
    "services.cloudformation.provisioners:_sns_update": "a29cbf08e7b5",
}

Properties = Mapping[str, Any]


def _encrypt_bucket(name: str, properties: Properties) -> None:
    rules = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration", [])
    if not rules:
        s3._bucket_encryption.pop(name, None)
        return
    written = []
    for rule in rules:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        parts = {
            "SSEAlgorithm": default.get("SSEAlgorithm"),
            "KMSMasterKeyID": default.get("KMSMasterKeyID"),
        }
        inner = "".join(f"<{n}>{escape(str(v))}</{n}>" for n, v in parts.items() if v)
        bucket_key = str(rule.get("BucketKeyEnabled", False)).lower()
        written.append(
            f"<Rule><ApplyServerSideEncryptionByDefault>{inner}"
            "</ApplyServerSideEncryptionByDefault>"
            f"<BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></Rule>"
        )
    s3._bucket_encryption[name] = (
        f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}">{"".join(written)}'
        "</ServerSideEncryptionConfiguration>"
    )


def _encrypt_stream(name: str, properties: Properties) -> None:
    stream = kinesis._streams.get(name)
    if stream is None:
        return
    encryption = properties.get("StreamEncryption") or {}
    stream["EncryptionType"] = encryption.get("EncryptionType", "NONE")
    stream.pop("KeyId", None)
    if encryption.get("KeyId"):
        stream["KeyId"] = encryption["KeyId"]


def _encrypt_topic(arn: str, properties: Properties) -> None:
    topic = sns._topics.get(arn)
    if topic is None:
        return
    topic["attributes"].pop("KmsMasterKeyId", None)
    if properties.get("KmsMasterKeyId"):
        topic["attributes"]["KmsMasterKeyId"] = properties["KmsMasterKeyId"]


def _encrypted(
    handlers: Mapping[str, Any], encrypt: Callable[[str, Properties], None]
) -> dict[str, Any]:
    """The type's handlers, which also set the encryption after each creation and update."""

    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        created = handlers["create"](logical_id, properties, stack)
        encrypt(created[0], properties)
        return created

    def update(physical_id: str, old: Properties, new: Properties, *more: str) -> Any:
        updated = handlers["update"](physical_id, old, new, *more)
        encrypt(updated[0], new)
        return updated

    return {**handlers, "create": create, "update": update}


def apply() -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    for kind, encrypt in (
        ("AWS::S3::Bucket", _encrypt_bucket),
        ("AWS::Kinesis::Stream", _encrypt_stream),
        ("AWS::SNS::Topic", _encrypt_topic),
    ):
        handlers[kind] = _encrypted(handlers[kind], encrypt)
