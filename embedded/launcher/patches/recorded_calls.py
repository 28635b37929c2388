"""Upstream: nothing says which permissions a run has used.

With --record-calls each decision about root, a user or a role's session is noted, at the one place
where ministack takes it; embedded/launcher/recorded_calls.py writes. Without, nothing changes.
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
        # Credentials that cannot be used belong to nobody yet.
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
