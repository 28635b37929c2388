"""KMS calls that services make on behalf of their callers for encrypted resources.

The actions are from the services' documentation. AWS KMS's page "Condition keys for AWS KMS" says
that a service calls on behalf of its caller, with kms:ViaService and kms:CallerAccount.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, kms

from embedded.launcher import recorded_calls
from embedded.launcher.environment import ACCOUNT_ID, REGION


@dataclass(frozen=True)
class Use:
    """The KMS actions of one operation for one resource.

    `what` is the resource: the one that is "written", "read", copied from ("source"), an earlier
    begun "upload", or a secret's new key ("validated").
    """

    operation: str
    what: str
    actions: tuple[str, ...]
    source: str


_MAKE = ("kms:GenerateDataKey",)
_OPEN = ("kms:Decrypt",)
_BOTH = ("kms:GenerateDataKey", "kms:Decrypt")

_KINESIS = "Kinesis Data Streams Developer Guide, permissions-user-key-KMS"
_SECRETS = "Secrets Manager User Guide, security-encryption"
_SNS = "SNS Developer Guide, sns-key-management"
_SQS = "SQS Developer Guide, sqs-key-management"
_S3 = "S3 User Guide, UsingKMSEncryption"
_PARTS = "S3 API Reference, CreateMultipartUpload (permissions)"

USES: Mapping[str, tuple[Use, ...]] = {
    "s3": (
        Use("PutObject", "written", _MAKE, _S3),
        Use("GetObject", "read", _OPEN, _S3),
        Use("CopyObject", "source", _OPEN, "S3 API Reference, CopyObject (permissions)"),
        Use("CopyObject", "written", _MAKE, "S3 API Reference, CopyObject (permissions)"),
        Use("CreateMultipartUpload", "written", _MAKE, _PARTS),
        Use("UploadPart", "upload", _BOTH, _PARTS),
        Use("UploadPartCopy", "source", _OPEN, _PARTS),
        Use("UploadPartCopy", "upload", _BOTH, _PARTS),
        Use("CompleteMultipartUpload", "upload", _BOTH, _PARTS),
    ),
    "kinesis": (
        Use("PutRecord", "written", _MAKE, _KINESIS),
        Use("PutRecords", "written", _MAKE, _KINESIS),
        Use("GetRecords", "read", _OPEN, _KINESIS),
    ),
    "secretsmanager": (
        Use("CreateSecret", "validated", _BOTH, _SECRETS),
        Use("UpdateSecret", "validated", _BOTH, _SECRETS),
        Use("UpdateSecret", "written", _BOTH, _SECRETS),
        Use("PutSecretValue", "written", _BOTH, _SECRETS),
        Use("GetSecretValue", "read", _OPEN, _SECRETS),
    ),
    "sns": (Use("Publish", "written", _BOTH, _SNS), Use("PublishBatch", "written", _BOTH, _SNS)),
    "sqs": (
        Use("SendMessage", "written", _BOTH, _SQS),
        Use("SendMessageBatch", "written", _BOTH, _SQS),
        Use("ReceiveMessage", "read", _OPEN, _SQS),
    ),
}


@dataclass(frozen=True)
class Errors:
    """A service's error codes and status for each of KMS's errors.

    `sentence` replaces KMS's message if the service has its own.
    """

    denied: str
    disabled: str
    invalid_state: str
    not_found: str
    denied_status: int = 400
    sentence: str = ""


_CAUSES = ("AccessDenied", "Disabled", "InvalidState", "NotFound")
# The names of codes are from the services' API references; the rest is from memory.
# Service -> (denied, disabled, invalid state, not found).
ERRORS: Mapping[str, Errors] = {
    "s3": Errors(
        "AccessDenied",
        *(f"KMS.{name}Exception" for name in ("Disabled", "KMSInvalidState", "NotFound")),
        denied_status=403,
    ),
    "kinesis": Errors(*(f"KMS{name}Exception" for name in _CAUSES)),
    "secretsmanager": Errors(
        "AccessDeniedException", *["DecryptionFailure"] * 3, sentence="Access to KMS is not allowed"
    ),
    "sns": Errors(*(f"KMS{name}" for name in _CAUSES)),
    # The client receives only the message: embedded/gateway/ adds SageMaker's own code.
    "sagemaker": Errors("AccessDeniedException", *["ValidationException"] * 3),
    "sqs": Errors(*(f"Kms{name}" for name in _CAUSES)),
}


@dataclass(frozen=True)
class Refusal:
    """A service's error for its client."""

    code: str
    message: str
    status: int


@dataclass
class Caller:
    """The caller and the service of the current request; `open` until it is answered."""

    access_key: str
    service: str
    open: bool = True


# Tasks that a request starts inherit its context. `open` and the service's name tell them apart.
_caller: ContextVar[Caller | None] = ContextVar("lake_key_caller", default=None)


def begin(access_key: str, service: str) -> Caller:
    """Mark the start of a request that `access_key` signed for `service`."""
    caller = Caller(access_key, service)
    _caller.set(caller)
    return caller


def caller_of(service: str) -> str | None:
    """The access key that called the service; None when no principal called it."""
    caller = _caller.get()
    return caller.access_key if caller and caller.open and caller.service == service else None


def uses(service: str, operation: str) -> tuple[Use, ...]:
    """The KMS uses of an operation, in order; empty for most operations."""
    return tuple(use for use in USES.get(service, ()) if use.operation == operation)


def refusal(
    access_key: str,
    service: str,
    key_id: str,
    actions: tuple[str, ...],
    context: Mapping[str, str],
    conditions: Mapping[str, Any] | None = None,
) -> Refusal | None:
    """Why KMS does not let a service use a key (id, ARN, alias) for its caller; None if it does.

    `context` is the encryption context, `conditions` are further condition keys. All principals of
    the account may use AWS managed keys.
    """
    principal = iam_evaluator.resolve_principal(access_key, ACCOUNT_ID)
    return _refusal(principal, service, key_id, actions, context, conditions or {})


def role_refusal(
    role: str,
    session: str,
    service: str,
    key_id: str,
    actions: tuple[str, ...],
    context: Mapping[str, str],
) -> Refusal | None:
    """Like `refusal`, for a role (its ARN) that a service has assumed."""
    name = role.rsplit("/", 1)[-1]
    principal = iam_evaluator.PrincipalInfo(
        arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/{session}",
        type="AssumedRole",
        account=ACCOUNT_ID,
        policies=iam_evaluator._gather_role_policies(name, ACCOUNT_ID),
        limits=iam_evaluator._permissions_boundary(iam._roles, name, ACCOUNT_ID),
    )
    return _refusal(principal, service, key_id, actions, context, {})


def service_refusal(
    principal: str, key_id: str, actions: tuple[str, ...], context: Mapping[str, str], source: str
) -> str:
    """Why a key does not let a service principal (`sns.amazonaws.com`) use it; empty if it does.

    `source` is aws:SourceArn, the resource that the service acts for. Only the key's policy counts:
    a service has neither identity policies nor grants.
    """
    if "alias/aws/" in key_id:
        return f"{key_id} is managed by AWS, and other services may not use it. Use your own key."
    key = kms._resolve_key(key_id)
    if key is None:
        return f"Invalid keyId '{key_id}'"
    for action in actions:
        asked = iam_evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=key["Arn"],
            region=REGION,
            service_context={
                "aws:sourcearn": source or None,
                "aws:sourceaccount": ACCOUNT_ID,
                **_encryption_context(context),
            },
        )
        found = iam_evaluator.evaluate_resource_policy(
            key.get("Policy") or "", asked, service=principal
        )
        if found.decision != "Allow":
            return f"the policy of {key['Arn']} does not allow {principal} {action}"
    return _out_of_use(key)


def _encryption_context(context: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kms:encryptioncontextkeys": list(context),
        **{f"kms:encryptioncontext:{name}".lower(): value for name, value in context.items()},
    }


def _out_of_use(key: Mapping[str, Any]) -> str:
    if key["KeyState"] == "Enabled":
        return ""
    if key["KeyState"] == "Disabled":
        return f"{key['Arn']} is disabled."
    state = "pending deletion" if "Deletion" in key["KeyState"] else "pending import"
    return f"{key['Arn']} is {state}."


def _refusal(
    principal: iam_evaluator.PrincipalInfo | iam_evaluator.AuthError,
    service: str,
    key_id: str,
    actions: tuple[str, ...],
    context: Mapping[str, str],
    conditions: Mapping[str, Any],
) -> Refusal | None:
    if "alias/aws/" in key_id:
        return None
    errors = ERRORS[service]
    key = kms._resolve_key(key_id)
    if key is None:
        return Refusal(errors.not_found, f"Invalid keyId '{key_id}'", 400)
    for action in actions:
        denied = _denied(principal, service, action, key, context, conditions)
        if denied:
            return Refusal(errors.denied, errors.sentence or denied, errors.denied_status)
    unusable = _out_of_use(key)
    if unusable:
        code = errors.disabled if key["KeyState"] == "Disabled" else errors.invalid_state
        return Refusal(code, unusable, 400)
    return None


def _denied(
    principal: iam_evaluator.PrincipalInfo | iam_evaluator.AuthError,
    service: str,
    action: str,
    key: Mapping[str, Any],
    context: Mapping[str, str],
    conditions: Mapping[str, Any],
) -> str:
    """AWS's error if the principal's or the key's policies do not allow it; empty if they do."""
    if isinstance(principal, iam_evaluator.AuthError):
        return principal.message
    asked = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=key["Arn"],
        region=REGION,
        service_context={
            "kms:viaservice": f"{service}.{REGION}.amazonaws.com",
            "kms:calleraccount": ACCOUNT_ID,
            **_encryption_context(context),
            **{name.lower(): value for name, value in conditions.items()},
        },
        principal_keys=principal.keys,
    )
    if principal.policies is None:
        # Root has no identity policies, so only the key's policy counts.
        identity = iam_evaluator.EvalResult("Allow", principal.arn)
    else:
        identity = iam_evaluator.evaluate(asked, principal.policies, *principal.limits)
    found = iam_evaluator.combine_resource_policy(
        identity, asked, key.get("Policy") or "", ACCOUNT_ID, required=True, limits=principal.limits
    )
    allowed = found.decision == "Allow"
    recorded_calls.note_key(principal.arn, action, key["Arn"], service, allowed=allowed)
    if allowed:
        return ""
    if found.decision == "Deny":
        kind = "a resource-based" if found.resource_policy_arn else "an identity-based"
        reason = f"with an explicit deny in {kind} policy"
    else:
        kind = "resource-based" if identity.decision == "Allow" else "identity-based"
        reason = f"because no {kind} policy allows the {action} action"
    return (
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {key['Arn']} "
        f"{reason}"
    )
