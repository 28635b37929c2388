"""Upstream: services do not call KMS. On AWS they use a resource's key on behalf of the caller.

embedded/launcher/key_uses.py lists the KMS actions of each operation; this finds the key. The
service's own authorization, and the check that the resource exists, come first.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import kinesis, s3, secretsmanager, sns, sqs

from embedded.launcher import key_uses, object_keys
from embedded.launcher.environment import ACCOUNT_ID, REGION
from embedded.launcher.operations import operation

EXPECTS = {
    "services.s3:_dispatch": "52562ee7c18b",
    "services.s3:_resolve_sse_write_headers": "2affef5a7d37",
    "services.s3:_stored_sse_headers": "d621904bcfb0",
    "services.s3:_object_record_from_version": "dcb5e05b6658",
    "core.iam_evaluator:combine_resource_policy": "3972f81213f8",
    "services.kms:_resolve_key": "90e6b84ded7c",
    "services.kinesis:_resolve_stream": "e679aec9275e",
    "services.kinesis:_put_record": "010c2796f340",
    "services.kinesis:_put_records": "e8f7755ae6b8",
    "services.kinesis:_get_records": "b9eb8fa90228",
    "services.secretsmanager:_resolve": "457901fe05e6",
    "services.secretsmanager:_get_secret_value": "faa3eb333a8b",
    "services.secretsmanager:_put_secret_value": "d09b0557e169",
    "services.secretsmanager:_create_secret": "d3de7fac76ba",
    "services.secretsmanager:_update_secret": "4227455f1f1e",
    "services.secretsmanager:_find_stage_version": "4e730b49d7d0",
    "services.sns:_get_topic": "22e9d7ebd853",
    "services.sns:_publish": "df41cb2faa09",
    "services.sns:_publish_batch": "a257c09d7579",
    "services.sqs:_get_q": "cac74fb142a7",
    "services.sqs:_dispatch": "6a429fdb61eb",
}

_Record = Mapping[str, Any]
# A key and the encryption context; None if there is no key, or the service itself refuses.
_Found = tuple[str, dict[str, str]] | None


def _stream_key(use: key_uses.Use, data: _Record) -> _Found:
    if use.operation == "GetRecords":
        iterator = kinesis._shard_iterators.get(data.get("ShardIterator"))
        stream = kinesis._streams.get(iterator["stream"]) if iterator else None
    else:
        stream = kinesis._resolve_stream(data)[1]
    if not stream or stream.get("EncryptionType") != "KMS":
        return None
    return stream["KeyId"], {"aws:kinesis:arn": stream["StreamARN"]}


def _secret_key(use: key_uses.Use, data: _Record) -> _Found:
    has_value = "SecretString" in data or "SecretBinary" in data
    if use.what == "validated":
        new_key = data.get("KmsKeyId")
        # The context is from the page on encryption, for a secret's new key.
        asked = "RequestToValidateKeyAccess"
        return (new_key, {"SecretARN": asked, "SecretVersionId": asked}) if new_key else None
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if not secret or secret.get("DeletedDate") or not (has_value or use.what == "read"):
        return None
    version = data.get("ClientRequestToken" if use.what == "written" else "VersionId")
    if use.what == "read" and not version:
        stage = data.get("VersionStage") or "AWSCURRENT"
        version = secretsmanager._find_stage_version(secret, stage)[0]
        if version is None:
            return None
    context = {"SecretARN": secret["ARN"], **({"SecretVersionId": version} if version else {})}
    key = data.get("KmsKeyId") or secret.get("KmsKeyId")
    return (key, context) if key else None


def _topic_key(use: key_uses.Use, parameters: _Record) -> _Found:
    arn = sns._normalize_arn(sns._p(parameters, "TopicArn") or sns._p(parameters, "TargetArn"))
    topic, _ = sns._get_topic(arn, "sns:Publish") if arn else (None, None)
    key = topic["attributes"].get("KmsMasterKeyId") if topic else None
    return (key, {"aws:sns:topicArn": topic["arn"]}) if topic and key else None


def _queue_key(use: key_uses.Use, data: _Record, url: str) -> _Found:
    asks = "sqs:ReceiveMessage" if use.what == "read" else "sqs:SendMessage"
    attributes = sqs._get_q(data.get("QueueUrl", url), asks)["attributes"]
    key = attributes.get("KmsMasterKeyId")
    return (key, {"aws:sqs:arn": attributes["QueueArn"]}) if key else None


def _refusal(
    service: str, called: str, key_of: Callable[..., _Found], *request: Any
) -> key_uses.Refusal | None:
    """Why KMS does not let the service act for its caller; None if it does, or without a caller."""
    caller = key_uses.caller_of(service)
    for use in key_uses.uses(service, called) if caller is not None else ():
        found = key_of(use, *request)
        refused = found and key_uses.refusal(caller, service, found[0], use.actions, found[1])
        if refused:
            return refused
    return None


def _guarded(
    function: Callable[..., Any],
    service: str,
    called: str,
    key_of: Callable[..., _Found],
    error: Callable[[str, str, int], tuple],
) -> Callable[..., Any]:
    """Wrap the service's function for one operation, which takes the request's parameters."""

    def asked(data: Any, *more: Any) -> Any:
        refused = _refusal(service, called, key_of, data)
        if refused:
            return error(refused.code, refused.message, refused.status)
        return function(data, *more)

    return asked


def _default_key() -> None:
    """S3 uses the account's aws/s3 key for aws:kms without a key; upstream rejects that."""
    resolve = s3._resolve_sse_write_headers

    def resolved(headers: dict[str, str], bucket: str) -> tuple:
        name = object_keys.KEY_HEADER
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and not headers.get(name):
            headers = {**headers, name: f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:alias/aws/s3"}
        return resolve(headers, bucket)

    s3._resolve_sse_write_headers = resolved


def _guard_objects() -> None:
    dispatch = s3._dispatch

    def asked(
        method: str,
        bucket: str,
        key: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
    ) -> tuple:
        caller = key_uses.caller_of("s3")
        if caller is not None and key and method in ("GET", "PUT", "POST"):
            called = operation("s3", method, f"/{bucket}/{key}", query, headers)
            refused = object_keys.refusal(
                caller, called.partition(":")[2], bucket, key, headers, query
            )
            if refused:
                return s3._error(refused.code, refused.message, refused.status, f"/{bucket}/{key}")
        return dispatch(method, bucket, key, headers, body, query)

    s3._dispatch = asked


def _guard_queues() -> None:
    dispatch = sqs._dispatch

    async def asked(action: str, data: dict[str, Any], url: str) -> dict[str, Any]:
        refused = _refusal("sqs", action, _queue_key, data, url)
        if refused:
            raise sqs._Err(refused.code, refused.message, refused.status)
        return await dispatch(action, data, url)

    sqs._dispatch = asked


def apply() -> None:
    _default_key()
    _guard_objects()
    _guard_queues()
    for module, service, key_of, error in (
        (kinesis, "kinesis", _stream_key, error_response_json),
        (secretsmanager, "secretsmanager", _secret_key, error_response_json),
        (sns, "sns", _topic_key, sns._error),
    ):
        for called in {use.operation for use in key_uses.USES[service]}:
            # PutRecords -> _put_records
            name = "".join(f"_{c.lower()}" if c.isupper() else c for c in called)
            guarded = _guarded(getattr(module, name), service, called, key_of, error)
            setattr(module, name, guarded)
