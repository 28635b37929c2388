"""Upstream: services deliver to encrypted queues and topics without permissions on the key.

On AWS a service that sends to an encrypted queue or topic calls KMS as itself, and the key's policy
must allow it (Amazon SQS Developer Guide, sqs-key-management; Amazon SNS, sns-key-management). AWS
managed keys allow no service. An event source mapping reads with the function's role. CloudWatch
Logs accepts a key only if the key's policy lets it encrypt that log group (CloudWatch Logs User
Guide, encrypt-log-data-kms). Undelivered messages are lost; a log line gives the reason.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs, eventbridge, kinesis, lambda_svc, sns, sqs
from ministack.services.cloudformation import provisioners

from embedded.launcher import key_uses
from embedded.launcher.authority import as_account
from embedded.launcher.environment import ACCOUNT_ID, REGION

EXPECTS = {
    "services.sqs:queue_policy_allows": "5de01aa09a4c",
    "services.sns:topic_policy_allows": "2c5001e5af7e",
    "services.eventbridge:_invoke_target": "550e304af080",
    "services.eventbridge:_dispatch_to_sqs": "eb75981283a2",
    "services.eventbridge:_dispatch_to_sns": "72c921fe20b6",
    "services.lambda_svc:_iter_all_esms": "7db06c0627a5",
    "services.cloudwatch_logs:_create_log_group": "ce6fd1931ae9",
    "services.cloudformation.provisioners:_cwlogs_create": "6e18ae6e4373",
}

logger = logging.getLogger("lake.keys")

_SEND = ("kms:GenerateDataKey", "kms:Decrypt")
# The rule whose target is being called.
_rule: ContextVar[str] = ContextVar("lake_delivering_rule", default="")


def may_send(target: str, service: str, source: str) -> bool:
    """Whether KMS lets a service (`sns.amazonaws.com`) send to a queue or topic (its ARN)."""
    kind = target.split(":")[2]
    held = sqs._queue_by_arn(target) if kind == "sqs" else sns._topics.get(target)
    key = ((held or {}).get("attributes") or {}).get("KmsMasterKeyId")
    if not key:
        return True
    context = {"aws:sqs:arn" if kind == "sqs" else "aws:sns:topicArn": target}
    refused = key_uses.service_refusal(service, key, _SEND, context, source)
    if refused:
        logger.warning("%s delivers nothing to %s: %s", service, target, refused)
    return refused == ""


def _asking_too(allows: Callable[..., bool]) -> Callable[..., bool]:
    """Wrap the check of a queue's or topic's policy so that it also checks the key's policy."""

    def allowed(target: str, service: str, source_arn: str, source_account: str) -> bool:
        own = allows(target, service, source_arn, source_account)
        return own and may_send(target, service, source_arn)

    return allowed


def _guard_rules() -> None:
    invoke = eventbridge._invoke_target
    to_queue, to_topic = eventbridge._dispatch_to_sqs, eventbridge._dispatch_to_sns

    def invoke_target(target: Any, event: Any, rule: Mapping[str, Any], view: Any = None) -> Any:
        token = _rule.set(rule.get("Arn") or "")
        try:
            return invoke(target, event, rule, view)
        finally:
            _rule.reset(token)

    def dispatch_to_queue(spec: Any, *more: Any) -> None:
        if may_send(str(spec), "events.amazonaws.com", _rule.get()):
            to_queue(spec, *more)

    def dispatch_to_topic(arn: str, payload: str) -> None:
        if may_send(arn, "events.amazonaws.com", _rule.get()):
            to_topic(arn, payload)

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_sqs = dispatch_to_queue
    eventbridge._dispatch_to_sns = dispatch_to_topic


def _source_key(source: str) -> tuple[str, str, dict[str, str]] | None:
    """Service, key and encryption context of a mapping's source; None if it has no key."""
    service = source.split(":")[2]
    if service == "kinesis":
        stream = next((s for s in kinesis._streams.values() if s["StreamARN"] == source), None)
        if not stream or stream.get("EncryptionType") != "KMS":
            return None
        return service, stream["KeyId"], {"aws:kinesis:arn": source}
    queue = sqs._queue_by_arn(source) if service == "sqs" else None
    key = queue["attributes"].get("KmsMasterKeyId") if queue else None
    return (service, key, {"aws:sqs:arn": source}) if key else None


def _guard_mappings() -> None:
    mappings = lambda_svc._iter_all_esms

    def readable() -> Iterator[tuple[str, str, dict[str, Any]]]:
        for account, region, mapping in mappings():
            if not mapping.get("Enabled", True):
                continue
            as_account(ACCOUNT_ID)
            why = _unreadable(mapping)
            if why and mapping.get("LastProcessingResult") != why:
                name = mapping.get("FunctionName")
                logger.warning("the event source mapping of %s cannot read: %s", name, why)
                mapping["LastProcessingResult"] = why
            if not why:
                yield account, region, mapping

    lambda_svc._iter_all_esms = readable


def _unreadable(mapping: Mapping[str, Any]) -> str:
    """Why the function's role may not read its mapping's source; empty if it may."""
    encrypted = _source_key(mapping.get("EventSourceArn") or "::::")
    if encrypted is None:
        return ""
    record, config = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    role = (config or {}).get("Role") if record else None
    if not role:
        return ""
    service, key, context = encrypted
    refused = key_uses.role_refusal(
        role, mapping["FunctionName"], service, key, ("kms:Decrypt",), context
    )
    return f"PROBLEM: {refused.message}" if refused else ""


def _log_key_refusal(group: str, key: str) -> str:
    """Why CloudWatch Logs rejects a key for a log group; empty if it accepts it."""
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}"
    refused = key_uses.service_refusal(
        f"logs.{REGION}.amazonaws.com", key, _SEND, {"aws:logs:arn": arn}, ""
    )
    if not refused:
        return ""
    return (
        "The specified KMS key does not exist or is not allowed to be used with LogGroup "
        f"'{arn}' ({refused})"
    )


def _guard_log_groups() -> None:
    create, handlers = cloudwatch_logs._create_log_group, provisioners._RESOURCE_HANDLERS
    of_template = handlers["AWS::Logs::LogGroup"]

    def create_log_group(data: dict[str, Any]) -> Any:
        key, name = data.get("kmsKeyId"), data.get("logGroupName")
        why = _log_key_refusal(name, key) if key and name else ""
        return error_response_json("AccessDeniedException", why, 400) if why else create(data)

    def create_of_template(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        key = properties.get("KmsKeyId")
        name = properties.get("LogGroupName") or f"/aws/cloudformation/{stack}/{logical_id}"
        why = _log_key_refusal(name, key) if key else ""
        if why:
            raise ValueError(why)
        return of_template["create"](logical_id, properties, stack)

    def update_of_template(
        name: str, old: dict[str, Any], new: dict[str, Any], *more: Any, **named: Any
    ) -> Any:
        key = new.get("KmsKeyId")
        why = _log_key_refusal(name, key) if key and key != old.get("KmsKeyId") else ""
        if why:
            raise ValueError(why)
        return of_template["update"](name, old, new, *more, **named)

    cloudwatch_logs._create_log_group = create_log_group
    handlers["AWS::Logs::LogGroup"] = {
        **of_template,
        "create": create_of_template,
        "update": update_of_template,
    }


def apply() -> None:
    sqs.queue_policy_allows = _asking_too(sqs.queue_policy_allows)
    sns.topic_policy_allows = _asking_too(sns.topic_policy_allows)
    _guard_rules()
    _guard_mappings()
    _guard_log_groups()
