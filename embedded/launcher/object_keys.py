"""The KMS key of an S3 object, and the encryption context that S3 sends to KMS."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.services import s3

from embedded.launcher import key_uses

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"
_Record = Mapping[str, Any]


def _object(bucket: str, key: str, version: str) -> _Record | None:
    """S3's record of an object, or of one version of it."""
    if version:
        for entry in s3._object_versions.get((bucket, key), []):
            if entry["version_id"] == version and not entry.get("is_delete_marker"):
                return s3._object_record_from_version(entry)
        if version != "null":
            return None
    held = s3._buckets.get(bucket)
    return held["objects"].get(key) if held else None


def key_and_context(
    use: key_uses.Use,
    bucket: str,
    key: str,
    headers: Mapping[str, str],
    query: Mapping[str, list[str]],
) -> tuple[str, dict[str, str]]:
    """The key (empty if there is none) and the encryption context of one KMS use."""
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
    return sse.get(KEY_HEADER, ""), {"aws:s3:arn": arn}


def _first(query: Mapping[str, list[str]], name: str) -> str:
    found = query.get(name, "")
    return found if isinstance(found, str) else found[0]


def _has_bucket_key(bucket: str, headers: Mapping[str, str]) -> bool:
    """Whether the bucket uses an S3 Bucket Key; the context then names the bucket.

    ministack does not record that with the object, so the bucket's current configuration counts.
    """
    asked = headers.get(_BUCKET_KEY)
    if asked:
        return asked.lower() == "true"
    configuration = "".join((s3._bucket_encryption.get(bucket) or "").split()).lower()
    return "bucketkeyenabled>true</" in configuration


def refusal(
    access_key: str,
    operation: str,
    bucket: str,
    key: str,
    headers: Mapping[str, str],
    query: Mapping[str, list[str]],
) -> key_uses.Refusal | None:
    """Why KMS does not let S3 do an operation (`PutObject`) for the principal; None if it does."""
    for use in key_uses.uses("s3", operation):
        kms_key, context = key_and_context(use, bucket, key, headers, query)
        if kms_key:
            refused = key_uses.refusal(access_key, "s3", kms_key, use.actions, context)
            if refused:
                return refused
    return None
