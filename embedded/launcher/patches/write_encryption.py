"""Upstream: policies can test a write's encryption algorithm, but not its key.

s3:x-amz-server-side-encryption-aws-kms-key-id is always absent, so a bucket policy that denies "an
algorithm without a key" denies every encrypted write, and one that denies other keys denies none.
"""

from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3

EXPECTS = {
    "core.iam_actions:_s3_object_context": "3a43e6ca9f51",
    "services.s3:upload_encryption_header": "10eaca4f02d7",
}

_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"


def _key(query: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """The key in the request; for a part, the key of its multipart upload."""
    upload_id = iam_actions._query_param(query, "uploadId")
    if not upload_id:
        return headers.get(_HEADER)
    upload = s3._multipart_uploads.get(upload_id)
    if not upload or not upload.get("requested_sse"):
        return None
    return upload["preserved_headers"].get(_HEADER)


def apply() -> None:
    context_of = iam_actions._s3_object_context

    def object_context(
        action: str, query: dict[str, Any], path: str, headers: dict[str, str]
    ) -> dict[str, Any]:
        context = context_of(action, query, path, headers)
        key = _key(query, headers) if action == "s3:PutObject" else None
        return {**context, f"s3:{_HEADER}": key} if key else context

    iam_actions._s3_object_context = object_context
