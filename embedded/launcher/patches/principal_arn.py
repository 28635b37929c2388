"""Upstream: aws:PrincipalArn of a role's session is the session's ARN; on AWS it is the role's.

A bucket policy that exempts roles with ArnNotLike on aws:PrincipalArn would deny them all.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

EXPECTS = {"core.iam_evaluator:_resolve_condition_key": "15e26964cd38"}


def _role_arn(session_arn: str, account: str) -> str | None:
    """The role's ARN, with its path, of arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION."""
    if ":assumed-role/" not in session_arn:
        return None
    name = session_arn.split(":assumed-role/", 1)[1].split("/", 1)[0]
    role = iam._roles.get_scoped(account, None, name)
    return role["Arn"] if role else None


def apply() -> None:
    resolve = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, ctx: iam_evaluator.EvalContext) -> Any:
        if key.lower() == "aws:principalarn":
            return _role_arn(ctx.principal_arn, ctx.principal_account) or ctx.principal_arn
        return resolve(key, ctx)

    iam_evaluator._resolve_condition_key = resolve_condition_key
