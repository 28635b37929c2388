"""A bucket as the job finds it, and what the job leaves there."""

import gzip
import io
import json
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from etl.storage import DirectStorage

BUCKET = "etl-test"


class Lake:
    """Puts raw objects, reads the job's; emptied when it is made."""

    def __init__(self, bucket: str) -> None:
        self.s3 = boto3.client("s3")
        self.bucket = bucket
        self.s3.create_bucket(Bucket=bucket)
        DirectStorage().remove(self.uri(""))

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, *lines: str) -> None:
        """An object of lines, gzipped if its name says so."""
        body = "".join(f"{line}\n" for line in lines).encode("utf-8")
        packed = gzip.compress(body) if key.endswith(".gz") else body
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=packed)

    def keys(self, prefix: str) -> list[str]:
        return DirectStorage().keys(self.uri(prefix))

    def _body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def json(self, key: str) -> Any:
        return json.loads(self._body(key))

    def lines(self, prefix: str) -> list[Any]:
        """The records of all NDJSON objects below a prefix."""
        bodies = [self._body(key).decode("utf-8") for key in self.keys(prefix)]
        # Not splitlines(): a record may hold U+2028, which JSON leaves as it is.
        return [json.loads(line) for body in bodies for line in body.split("\n") if line]

    def table(self, prefix: str) -> pa.Table:
        """The rows of all Parquet objects below a prefix, by tweet id."""
        files = [pq.read_table(io.BytesIO(self._body(key))) for key in self.keys(prefix)]
        return pa.concat_tables(files).sort_by("tweet_id")
