"""Upstream: the permissions that a run used are not recorded.

With --record-calls each decision about root, a user or a role's session is recorded, where
ministack makes it; embedded/launcher/recorded_calls.py writes the file. Without the option nothing
changes.
"""

from typing import Any

from ministack.core import iam_evaluator

from embedded.launcher import authority, recorded_calls

EXPECTS = {"core.iam_evaluator:enforce": "cf64b1ee5b09"}


def apply() -> None:
    enforce = iam_evaluator.enforce

    def recorded(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> iam_evaluator.EvalResult | iam_evaluator.AuthError | None:
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        # Invalid credentials belong to no principal.
        if recorded_calls.is_on() and not isinstance(denied, iam_evaluator.AuthError):
            recorded_calls.note(
                authority.arn_of(access_key_id),
                iam_action,
                resource_arn,
                service_context or {},
                allowed=denied is None,
            )
        return denied

    iam_evaluator.enforce = recorded
