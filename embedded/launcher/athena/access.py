"""Checks the caller's permissions: Athena reads S3 and the catalog and writes results with them."""

from collections.abc import Mapping
from typing import Any

from embedded.launcher import object_keys
from embedded.launcher.athena.errors import AccessDenied
from embedded.launcher.athena.tables import File, Listing, Location, Table
from embedded.launcher.authority import authorize
from embedded.launcher.environment import ACCOUNT_ID, REGION


def may_see(caller: str, table: Table) -> None:
    """Check access to the table in the catalog. `caller` is an access key; raises AccessDenied."""
    catalog = f"arn:aws:glue:{REGION}:{ACCOUNT_ID}"
    named = f"{catalog}:table/{table.database}/{table.name}"
    _need(caller, "glue:GetTable", named)
    if table.definition.get("PartitionKeys"):
        _need(caller, "glue:GetPartitions", named)


def may_read(caller: str, table: Table, listing: Listing) -> None:
    """Check access to the data: each location with data is listed, and its objects are read."""
    for partition in table.partitions:
        found = listing.files(partition.location)
        if found:
            _may_read_location(caller, partition.location, found[0])


def _may_read_location(caller: str, location: Location, sample: File) -> None:
    bucket = f"arn:aws:s3:::{location.bucket}"
    _need(caller, "s3:ListBucket", bucket, {"s3:prefix": location.prefix})
    _need(caller, "s3:GetObject", f"{bucket}/{sample.key}")
    _need_key(caller, "GetObject", location.bucket, sample.key)


def may_write(caller: str, bucket: str, key: str, encryption: Mapping[str, str]) -> None:
    """Check writing the result. `encryption` is the workgroup's EncryptionConfiguration or {}."""
    _need(caller, "s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
    headers = {
        "SSE_KMS": {"s3:x-amz-server-side-encryption": "aws:kms"},
        "SSE_S3": {"s3:x-amz-server-side-encryption": "AES256"},
    }.get(encryption.get("EncryptionOption", ""), {})
    if encryption.get("KmsKey"):
        headers["s3:x-amz-server-side-encryption-aws-kms-key-id"] = encryption["KmsKey"]
    _need(caller, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", headers)
    asked = {name.removeprefix("s3:"): value for name, value in headers.items()}
    _need_key(caller, "PutObject", bucket, key, asked)


def may_unload(caller: str, to: Location, encryption: Mapping[str, str]) -> None:
    """Check writing below a location: Athena lists it first, because it must be empty."""
    _need(caller, "s3:ListBucket", f"arn:aws:s3:::{to.bucket}", {"s3:prefix": to.prefix})
    may_write(caller, to.bucket, f"{to.prefix}part", encryption)


def may_change_catalog(caller: str, database: str, table: str, create: bool) -> None:
    """Check CREATE or DROP TABLE, which call the catalog."""
    named = f"arn:aws:glue:{REGION}:{ACCOUNT_ID}:table/{database}/{table}"
    _need(caller, "glue:CreateTable" if create else "glue:DeleteTable", named)


def may_fetch(caller: str, bucket: str, key: str) -> None:
    """Check reading the result: GetQueryResults returns the result's object to its caller."""
    _need(caller, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    _need_key(caller, "GetObject", bucket, key)


def _need(
    caller: str, action: str, resource: str, context: Mapping[str, Any] | None = None
) -> None:
    decision = authorize(caller, action, resource, context)
    if not decision.allowed:
        raise AccessDenied(decision.message)


def _need_key(
    caller: str, operation: str, bucket: str, key: str, headers: Mapping[str, str] | None = None
) -> None:
    """Check the KMS key: S3 calls KMS on behalf of Athena's caller, as for its own callers."""
    refused = object_keys.refusal(caller, operation, bucket, key, headers or {}, {})
    if refused:
        raise AccessDenied(refused.message)
