"""Upstream: grants are kept and listed, and open nothing. On AWS they allow what policies do not.

AWS KMS Developer Guide, page "Grants in AWS KMS": a grant lets its grantee do its operations,
whatever key policy and identity policies leave out; an explicit deny still wins.
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

# Only these have an encryption context that a grant's constraint could be about.
_WITH_CONTEXT = ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt")
_CONTEXT = "kms:encryptioncontext:"


def opened(principal: str, action: str, key: str, context: Mapping[str, Any]) -> bool:
    """Whether a grant on the key (its ARN) lets the principal (an ARN) do `kms:Decrypt`.

    `context` has condition keys in lower case, the encryption context among them. Retiring a grant
    is left to policies.
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
    """A role's grant is for all of its sessions."""
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
        # Who was given a grant may hand on no more than its own operations.
        return set(context.get("kms:grantoperations") or ["?"]) <= set(grant["Operations"])
    constraints = grant.get("Constraints") or {}
    if not constraints or not operation.startswith(_WITH_CONTEXT):
        return True
    # The names of condition keys come in lower case here.
    given = {
        name.removeprefix(_CONTEXT): value
        for name, value in context.items()
        if name.startswith(_CONTEXT)
    }
    equal, subset = (
        {name.lower(): value for name, value in (constraints.get(kind) or {}).items()}
        for kind in ("EncryptionContextEquals", "EncryptionContextSubset")
    )
    return (not equal or given == equal) and subset.items() <= given.items()


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
