"""Authentication and authorization of callers, with ministack's own IAM."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import sts

from embedded.launcher import recorded_calls
from embedded.launcher.environment import ACCOUNT_ID, REGION

# The access key of the current request, for services that act as their caller.
caller_key: ContextVar[str] = ContextVar("lake_caller_key", default=ACCOUNT_ID)


@dataclass(frozen=True)
class Identity:
    """A principal's ARN: the account's root, a user or a role's session."""

    arn: str
    account: str


@dataclass(frozen=True)
class Decision:
    """Whether an action is allowed; `message` is AWS's text if it is not, or else empty."""

    allowed: bool
    message: str = ""


class Refused(Exception):
    """The credentials or the requested role cannot be used; the text gives the reason."""


def as_account(access_key: str) -> None:
    """Set the account and region of the current context, by which ministack finds its stores."""
    set_request_account_id(iam_evaluator.find_iam_access_key_account(access_key) or access_key)
    set_request_region(REGION)


@dataclass(frozen=True)
class Key:
    """An access key with its secret; without `expiration` it does not expire."""

    arn: str
    secret: str
    token: str
    expiration: float | None


def key_of(access_key: str) -> Key:
    """The secret and token of a user's or a session's key.

    Raises Refused for a key that is unknown or inactive, and for keys that ministack treats as
    root, because only the gateway knows root's secret. Also returns expired sessions, with their
    expiration.
    """
    as_account(ACCOUNT_ID)
    if iam_evaluator.is_root_access_key(access_key):
        raise Refused(f"{access_key}: no user or session has this key")
    session = sts._sessions.get(access_key)
    as_account(access_key)
    found = iam_evaluator.resolve_credential(access_key)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        if session is not None and found.code.startswith("Expired"):
            return Key(
                str(session["Arn"]),
                session["SecretAccessKey"],
                session["SessionToken"],
                session["Expiration"],
            )
        raise Refused(f"{found.code}: {found.message}")
    return Key(
        found.principal_arn, found.secret_access_key, found.session_token or "", found.expiration
    )


def identify(access_key: str, session_token: str | None = None) -> Identity:
    """The principal of a key. A session token, if passed, must be the one issued with the key.

    Raises Refused for a key that is unknown, inactive or expired.
    """
    as_account(access_key)
    extra = {} if session_token is None else {"session_token": session_token}
    found = iam_evaluator.resolve_credential(access_key, **extra)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise Refused(f"{found.code}: {found.message}")
    return Identity(arn=found.principal_arn, account=found.account_id)


def arn_of(access_key: str) -> str:
    """The ARN of a key's principal in the current account; empty if it has none."""
    session = sts._sessions.get(access_key)
    if session is not None:
        return str(session["Arn"])
    found = iam_evaluator.resolve_credential(access_key)
    return "" if isinstance(found, iam_evaluator.CredentialResolutionError) else found.principal_arn


def authorize(
    access_key: str,
    action: str,
    resource: str,
    context: Mapping[str, Any] | None = None,
    api: str = "",
) -> Decision:
    """Whether the key's principal may do `action` on `resource` (an ARN, or "*").

    `api` is the operation that the gateway is answering, as `service:Operation`.

    Evaluates identity policies, boundaries and the resource's own policy, as for any request to
    ministack. `context` holds condition keys ("iam:PassedToService": "..."). Raises Refused for a
    key that cannot be used.
    """
    identity = identify(access_key)
    service = action.partition(":")[0]
    if api:
        recorded_calls.begin(api, identity.arn)
    # Requests do not leave this machine, so aws:SecureTransport counts as true.
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    keys = dict(context or {})
    denied = iam_evaluator.enforce(
        access_key, action, service, REGION, resource_arn=resource, service_context=keys
    )
    if api:
        recorded_calls.end()
    if denied is None:
        return Decision(True)
    if isinstance(denied, iam_evaluator.AuthError):
        raise Refused(f"{denied.code}: {denied.message}")
    return Decision(False, _sentence(identity.arn, action, resource, denied))


def role_may(
    role_arn: str, session: str, action: str, resource: str, noted: bool = True
) -> Decision:
    """Whether a role that a service has assumed may do `action` on `resource`.

    Without `noted` the call is not recorded as one of the role.
    """
    role = role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{session}"
    layers = iam_evaluator._gather_role_policies(role, ACCOUNT_ID)
    found = iam_evaluator.evaluate(
        iam_evaluator.EvalContext(
            principal_arn=principal,
            principal_type="AssumedRole",
            principal_account=ACCOUNT_ID,
            action=action,
            resource_arn=resource,
            region=REGION,
        ),
        layers,
    )
    if noted:
        recorded_calls.note(principal, action, resource, {}, allowed=found.decision == "Allow")
    if found.decision == "Allow":
        return Decision(True)
    return Decision(False, _sentence(principal, action, resource, found))


def _sentence(principal: str, action: str, resource: str, denied: iam_evaluator.EvalResult) -> str:
    if denied.decision != "Deny":
        reason = f"because no identity-based policy allows the {action} action"
    elif denied.resource_policy_arn:
        reason = "with an explicit deny in a resource-based policy"
    else:
        reason = "with an explicit deny in an identity-based policy"
    return (
        f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"
    )
