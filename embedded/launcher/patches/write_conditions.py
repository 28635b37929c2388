"""Upstream: policies cannot test whether a write is only for a new object.

s3:if-none-match is always absent, so a bucket policy that lets a role only write new objects denies
every write. On AWS If-None-Match accepts only *, and not for copies. Upstream also accepts an ETag,
which would replace an object, so only AWS's form counts here.
"""

from typing import Any

from ministack.core import iam_actions

EXPECTS = {"core.iam_actions:_s3_object_context": "3a43e6ca9f51"}

_HEADER = "if-none-match"


def apply() -> None:
    context_of = iam_actions._s3_object_context

    def object_context(
        action: str, query: dict[str, Any], path: str, headers: dict[str, str]
    ) -> dict[str, Any]:
        context = context_of(action, query, path, headers)
        is_new = (
            action == "s3:PutObject"
            and headers.get(_HEADER, "").strip() == "*"
            and "x-amz-copy-source" not in headers
        )
        return {**context, f"s3:{_HEADER}": "*"} if is_new else context

    iam_actions._s3_object_context = object_context
