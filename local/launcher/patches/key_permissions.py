"""Upstream: nobody asks KMS. On AWS a service uses a resource's key in the name of its caller.

local/launcher/key_uses.py says what each operation asks for; here is found which key it is. A
service's own authorisation, and that the resource exists, come first.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.services import s3

from local.launcher import key_uses
from local.launcher.operations import operation

EXPECTS = {
    "services.s3:_dispatch": "52562ee7c18b",
    "services.s3:_resolve_sse_write_headers": "2affef5a7d37",
    "services.s3:_stored_sse_headers": "d621904bcfb0",
    "services.s3:_object_record_from_version": "dcb5e05b6658",
    "core.iam_evaluator:combine_resource_policy": "3972f81213f8",
    "services.kms:_resolve_key": "90e6b84ded7c",
}

_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"
_Record = Mapping[str, Any]


def _object(bucket: str, key: str, version: str) -> _Record | None:
    """What S3 recorded of an object or, if one is named, of a version of it."""
    if version:
        for entry in s3._object_versions.get((bucket, key), []):
            if entry["version_id"] == version and not entry.get("is_delete_marker"):
                return s3._object_record_from_version(entry)
        if version != "null":
            return None
    held = s3._buckets.get(bucket)
    return held["objects"].get(key) if held else None


def _object_uses(
    use: key_uses.Use,
    bucket: str,
    key: str,
    headers: Mapping[str, str],
    query: Mapping[str, list[str]],
) -> tuple[str, dict[str, str]]:
    """The key (empty if there is none) and the encryption context of one use."""
    sse: Mapping[str, str] = {}
    if use.what == "written" and s3._buckets.get(bucket) is not None:
        sse = s3._resolve_sse_write_headers(headers, bucket)[0] or {}
    elif use.what == "upload":
        upload = s3._multipart_uploads.get(_first(query, "uploadId")) or {}
        sse = upload.get("preserved_headers", {})
    elif use.what in ("read", "source"):
        version = _first(query, "versionId")
        if use.what == "source":
            path, _, parameters = headers["x-amz-copy-source"].lstrip("/").partition("?")
            bucket, _, key = unquote(path).partition("/")
            version = _first(parse_qs(parameters), "versionId")
        sse = s3._stored_sse_headers(_object(bucket, key, version) or {})
    arn = f"arn:aws:s3:::{bucket}"
    if not _has_bucket_key(bucket, headers if use.what == "written" else {}):
        arn = f"{arn}/{key}"
    return sse.get(_KEY, ""), {"aws:s3:arn": arn}


def _first(query: Mapping[str, list[str]], name: str) -> str:
    found = query.get(name, "")
    return found if isinstance(found, str) else found[0]


def _has_bucket_key(bucket: str, headers: Mapping[str, str]) -> bool:
    """Whether the bucket's key stands between: the context names the bucket, then.

    ministack does not record it with the object: the bucket's configuration of today counts.
    """
    asked = headers.get(_BUCKET_KEY)
    if asked:
        return asked.lower() == "true"
    configuration = "".join((s3._bucket_encryption.get(bucket) or "").split()).lower()
    return "bucketkeyenabled>true</" in configuration


def apply() -> None:
    dispatch = s3._dispatch

    def with_keys(
        method: str,
        bucket: str,
        key: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
    ) -> tuple:
        caller = key_uses.caller_of("s3")
        if caller is not None and key and method in ("GET", "PUT", "POST"):
            called = operation("s3", method, f"/{bucket}/{key}", query, headers)
            for use in key_uses.uses("s3", called.partition(":")[2]):
                kms_key, context = _object_uses(use, bucket, key, headers, query)
                refused = kms_key and key_uses.refusal(caller, "s3", kms_key, use.actions, context)
                if refused:
                    return s3._error(
                        refused.code, refused.message, refused.status, f"/{bucket}/{key}"
                    )
        return dispatch(method, bucket, key, headers, body, query)

    s3._dispatch = with_keys
