"""Upstream: grants are stored and listed, but have no effect.

AWS KMS Developer Guide, page "Grants in AWS KMS": a grant allows its operations to its grantee,
also when no policy allows them; an explicit deny still wins.
"""

from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import kms

EXPECTS = {
    "core.iam_evaluator:combine_resource_policy": "3972f81213f8",
    "services.kms:_create_grant": "a86035ca33dc",
    "services.kms:_retire_grant": "465b84468910",
}

# Only these have an encryption context, which a grant's constraints can test.
_WITH_CONTEXT = ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt")
_CONTEXT = "kms:encryptioncontext:"


def opened(principal: str, action: str, key: str, context: Mapping[str, Any]) -> bool:
    """Whether a grant on the key (its ARN) allows an action such as `kms:Decrypt` to a principal.

    `context` holds condition keys in lower case, including the encryption context. Policies decide
    who may retire a grant.
    """
    operation = action.partition(":")[2]
    return any(
        grant["KeyId"] == key
        and operation in grant["Operations"]
        and _is_grantee(grant["GranteePrincipal"], principal)
        and _holds(grant, operation, context)
        for grant in kms._grants.values()
    )


def _is_grantee(grantee: str, principal: str) -> bool:
    """Whether the principal is the grantee; a role's grant includes all of its sessions."""
    if grantee == principal:
        return True
    account, kind, name = principal.split(":")[4], "assumed-role/", principal.split(":", 5)[-1]
    owner, _, role = grantee.partition(":role/")
    return (
        name.startswith(kind)
        and owner.endswith(f":{account}")
        and role.rsplit("/", 1)[-1] == name.split("/")[1]
    )


def _holds(grant: Mapping[str, Any], operation: str, context: Mapping[str, Any]) -> bool:
    if operation == "CreateGrant":
        # A grantee may create grants only for operations of its own grant.
        return set(context.get("kms:grantoperations") or ["?"]) <= set(grant["Operations"])
    constraints = grant.get("Constraints") or {}
    if not constraints or not operation.startswith(_WITH_CONTEXT):
        return True
    # The names of condition keys are in lower case here.
    actual = {
        name.removeprefix(_CONTEXT): value
        for name, value in context.items()
        if name.startswith(_CONTEXT)
    }
    equal, subset = (
        {name.lower(): value for name, value in (constraints.get(kind) or {}).items()}
        for kind in ("EncryptionContextEquals", "EncryptionContextSubset")
    )
    return (not equal or actual == equal) and subset.items() <= actual.items()


def apply() -> None:
    combine = iam_evaluator.combine_resource_policy

    def combined(
        identity: iam_evaluator.EvalResult,
        ctx: iam_evaluator.EvalContext,
        policy: str | dict | None,
        owner_account: str | None,
        required: bool = False,
        limits: tuple = (),
    ) -> iam_evaluator.EvalResult:
        found = combine(identity, ctx, policy, owner_account, required, limits)
        if (
            found.decision not in ("Allow", "Deny")
            and ctx.action.startswith("kms:")
            and opened(ctx.principal_arn, ctx.action, ctx.resource_arn, ctx.service_context or {})
        ):
            return iam_evaluator.EvalResult("Allow", principal_arn=ctx.principal_arn)
        return found

    iam_evaluator.combine_resource_policy = combined
