"""Temporary credentials for services that act as a role, like Glue and SageMaker on AWS."""

import json
import secrets
import string
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from embedded.launcher.authority import Refused, as_account
from embedded.launcher.environment import ACCOUNT_ID, REGION

# AWS's longest session. No job's process outlives the embedded cloud.
SESSION_SECONDS = 12 * 60 * 60


def assume(role_arn: str, service: str, session_name: str, source_arn: str = "") -> dict[str, str]:
    """Credentials of a session of the role, for a service principal such as glue.amazonaws.com.

    `source_arn` is the resource the service acts for, for trust policies that test it. Returns
    AccessKeyId, SecretAccessKey, SessionToken and Expiration (ISO 8601). Raises Refused when the
    role does not exist or its trust policy does not name the service.
    """
    as_account(ACCOUNT_ID)
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get(name)
    if role is None or role.get("Arn") != role_arn:
        raise Refused(f"The role {role_arn} does not exist")
    if not _trusted(role["AssumeRolePolicyDocument"], service, source_arn):
        raise Refused(
            f"The trust policy of {role_arn} does not allow {service} to assume it"
            + (f" for {source_arn}" if source_arn else "")
            + ": it needs an Allow of sts:AssumeRole whose Principal.Service names the service "
            "and whose conditions are met"
        )
    session = "".join(c if c.isalnum() or c in "+=,.@_-" else "-" for c in session_name)[:64]
    alphabet = string.ascii_uppercase + string.digits
    key = "ASIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(120)
    expires = time.time() + SESSION_SECONDS
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/{session}",
            "UserId": f"{role.get('RoleId', name)}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": expires,
            "AccountId": ACCOUNT_ID,
            "PrincipalType": "AssumedRole",
        },
    )
    return {
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _trusted(policy: str | Mapping[str, Any], service: str, source_arn: str) -> bool:
    """Whether a trust policy lets the service principal assume its role; a Deny wins."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=ACCOUNT_ID,
        action="sts:AssumeRole",
        resource_arn="*",
        region=REGION,
        service_context={
            "aws:sourceaccount": ACCOUNT_ID,
            **({"aws:sourcearn": source_arn} if source_arn else {}),
        },
    )
    effects = {
        statement.get("Effect")
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        and iam_evaluator._action_matches("sts:AssumeRole", _listed(statement, "Action"), [])
        and iam_evaluator._conditions_met(statement.get("Condition", {}), context)
    }
    return "Allow" in effects and "Deny" not in effects


def _listed(statement: Mapping[str, Any], key: str) -> list[str]:
    value = statement.get(key, [])
    return [value] if isinstance(value, str) else list(value)
