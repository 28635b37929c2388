"""Upstream: a function's credentials are hashes of its ARN and its role's ARN.

Both ARNs are in this repository, so anyone could compute the credentials. Here they also depend on
a secret key that is new at each start.
"""

import hashlib
import hmac
import secrets
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

EXPECTS = {
    "core.lambda_runtime:execution_credentials": "cffaadc4f396",
    "services.sts:register_session": "a84ec986ec01",
}

_boot_key = secrets.token_bytes(32)


def _derived(purpose: str, computable: str) -> str:
    return hmac.new(_boot_key, f"{purpose}:{computable}".encode(), hashlib.sha256).hexdigest()


def apply() -> None:
    credentials_of = lambda_runtime.execution_credentials

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        computable = credentials_of(config)["AWS_ACCESS_KEY_ID"]
        session = sts._sessions.pop(computable)
        key = f"ASIA{_derived('key', computable)[:16].upper()}"
        secret, token = _derived("secret", computable), _derived("token", computable)
        sts.register_session(key, {**session, "SecretAccessKey": secret, "SessionToken": token})
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
        }

    lambda_runtime.execution_credentials = execution_credentials
    lambda_svc.execution_credentials = execution_credentials
