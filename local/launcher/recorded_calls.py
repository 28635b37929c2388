"""Which calls the roles of a lake made: one line of JSON for each distinct one, when asked for.

A call is kept in a form that does not change from run to run: days, ids, hashes and names made for
one run become placeholders. docs/permissions.md says what the records are for.
"""

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A run makes about a hundred. What makes many more is a name that ought to be a placeholder.
MOST_CALLS = 2_000

# Condition keys that policies of the lake look at, as ministack has them: in lower case.
_CONTEXT = {
    key.lower(): key
    for key in (
        "iam:PassedToService",
        "sagemaker:InstanceTypes",
        "sagemaker:MaxRuntimeInSeconds",
        "sagemaker:NetworkIsolation",
        "sagemaker:OutputKmsKeyArn",
        "sagemaker:ServerlessMaxConcurrency",
        "sagemaker:ServerlessMemorySize",
        "sagemaker:VolumeKmsKeyArn",
        "s3:if-none-match",
        "s3:prefix",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm",
    )
}

# In this order: a uuid holds what looks like a hash, a training job's name what looks like a day.
_PLACEHOLDERS = [
    (re.compile(pattern), placeholder)
    for pattern, placeholder in (
        (r"(?<=:)[0-9]{12}(?=:)", "<account>"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
        (r"\bsl-((?:[a-z]+-)?)[0-9]{8}-[0-9a-f]+", r"sl-\1<job>"),
        (r"(?<=arn:aws:s3:::)sentimentlake-[^/]*", "<bucket>"),
        (r"(?<=arn:aws:s3:::)cdk-[^/]*", "<assets>"),
        (r"(:function:[^:]+):[0-9]+$", r"\1:<version>"),
        (r"(?<=:secret:).*(ForceGrantSecret|ForgottenIdsSecret).*", r"\1"),
        # Any other is X's token.
        (r"(?<=:secret:)(?!(?:ForceGrant|ForgottenIds)Secret$).*", "<secret>"),
        (r"(:execution:[^:]+):.*", r"\1:<execution>"),
        (r"(?<=/audit/executions/).*-[0-9]+(?=\.json)", "<execution>"),
        (r"(arn:aws:s[nq]s:us-east-1:<account>:).*", r"\1<name>"),
        (r"(arn:aws:kinesis:us-east-1:<account>:stream/).*", r"\1<stream>"),
        # Stream and run share the work of scoring, and who gets how much is a race.
        (r"(/scored/dt=[^/]+/)[^/]+(?=\.parquet)", r"\1<verdicts>"),
        (r"\b[0-9]{8}-[0-9]{6}-[0-9a-f]{8}(-[0-9]{1,5}(?![0-9a-f]))*", "<run>"),
        (r"(?<=\brun=)[^/]+", "<run>"),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "<day>"),
        (r"(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])", "<hash>"),
        (r"\bpart-[0-9]{5}", "part-<n>"),
    )
]

# The name of one of ours, or what CloudFormation makes of a construct's.
_ROLE = re.compile(r"([A-Z][A-Za-z]*Role)(?:[0-9A-F]{8})?(?:-[0-9A-Z]+)?$")


class _Records:
    """The open file and what is in it; a launcher has one at most."""

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text() if path.exists() else ""
        # A killed launcher may leave half a line behind.
        whole = kept[: kept.rfind("\n") + 1]
        self._seen = set(whole.splitlines())
        path.write_text(whole)
        self._file = path.open("a", buffering=1)

    def add(self, line: str) -> None:
        with self._lock:
            if line in self._seen or len(self._seen) > MOST_CALLS:
                return
            self._seen.add(line)
            full = len(self._seen) > MOST_CALLS
            self._file.write((json.dumps({"full": MOST_CALLS}) if full else line) + "\n")


_records: _Records | None = None


def write_to(path: Path) -> None:
    """Record into a file from now on; what it holds from an earlier start is kept."""
    global _records
    _records = _Records(path)


def note(
    principal: str, action: str, resource: str, context: Mapping[str, Any], allowed: bool
) -> None:
    """Record one decision about a role's session (its ARN); other principals are nobody's role."""
    if _records is None or ":assumed-role/" not in principal:
        return
    keys = {
        _CONTEXT[key.lower()]: _kept(value)
        for key, value in context.items()
        if key.lower() in _CONTEXT and value is not None
    }
    call = {
        "role": _role(principal.split(":assumed-role/", 1)[1].split("/", 1)[0]),
        "action": action,
        "resource": placeholders(resource),
        **({"context": dict(sorted(keys.items()))} if keys else {}),
        **({} if allowed else {"denied": True}),
    }
    _records.add(json.dumps(call))


def _kept(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [placeholders(str(one)) for one in value]
    return placeholders(str(value))


def _role(name: str) -> str:
    found = _ROLE.search(name)
    return found[1] if found else name


def placeholders(text: str) -> str:
    """The text with what one run named or dated replaced, its prefixes kept."""
    for pattern, placeholder in _PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    return text
