"""Upstream: root's secret is an environment variable that every Lambda worker inherits.

ministack needs it to check S3's presigned URLs. Here only this process has it, in a variable.
"""

from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import s3

EXPECTS = {
    "core.iam_evaluator:resolve_credential": "32276bd395ef",
    "services.s3:_verify_presigned_sigv4": "a71da1859e2a",
}

_secret: list[str] = []


def use(secret: str) -> None:
    """Set root's secret access key."""
    _secret[:] = [secret]


def apply() -> None:
    resolve = iam_evaluator.resolve_credential

    def resolve_credential(*args: Any, **kwargs: Any) -> Any:
        found = resolve(*args, **kwargs)
        if getattr(found, "principal_type", "") != "Root":
            return found
        # Until the secret is set, no signature is root's. Upstream's default secret is public.
        secret = _secret[0] if _secret and not found.session_token else ""
        return replace(found, secret_access_key=secret)

    iam_evaluator.resolve_credential = resolve_credential
    s3.resolve_credential = resolve_credential
