"""Optionally records the calls to a lake and their callers: one line of JSON per distinct call.

There are two kinds of lines. A decision has the caller ("role" or "person": root or a user), action
and resource. An operation that a request called has "api", "by", and the "permission" that was
decided for it, or null. Both have "via" if a service called KMS on behalf of its caller: the name
of that service. Records do not change from run to run: days, ids, hashes and names of one run
become placeholders. docs/permissions.md explains how the records are used.
"""

import json
import re
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A run makes a few hundred. Many more mean that a name should be a placeholder.
MOST_CALLS = 2_000

# Condition keys in the lake's policies, in lower case as in ministack.
_CONTEXT = {
    key.lower(): key
    for key in (
        "iam:PassedToService",
        "sagemaker:InstanceTypes",
        "sagemaker:MaxRuntimeInSeconds",
        "sagemaker:ModelArn",
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

# The order matters: a uuid contains a possible hash, and a training job's name a possible day.
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
        # Any other secret is X's token.
        (r"(?<=:secret:)(?!(?:ForceGrant|ForgottenIds)Secret$).*", "<secret>"),
        (r"(:execution:[^:]+):.*", r"\1:<execution>"),
        (r"(?<=/audit/executions/).*-[0-9]+(?=\.json)", "<execution>"),
        (r"(/processed-data/executions/dt=[^/]+/)[^/]+(?=\.json)", r"\1<execution>"),
        (r"(arn:aws:s[nq]s:us-east-1:<account>:).*", r"\1<name>"),
        (r"(arn:aws:kinesis:us-east-1:<account>:stream/).*", r"\1<stream>"),
        # The stream and the run both score tweets, and their shares differ from run to run.
        (r"(/scored/dt=[^/]+/)[^/]+(?=\.parquet)", r"\1<predictions>"),
        (r"\b[0-9]{8}-[0-9]{6}-[0-9a-f]{8}(-[0-9]{1,5}(?![0-9a-f]))*", "<run>"),
        (r"(?<=\brun=)[^/]+", "<run>"),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "<day>"),
        (r"(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])", "<hash>"),
        (r"\bpart-[0-9]{5}", "part-<n>"),
    )
]

# The name of one of our roles, or CloudFormation's name for a construct's role.
_ROLE = re.compile(r"([A-Z][A-Za-z]*Role)(?:[0-9A-F]{8})?(?:-[0-9A-Z]+)?$")


class _Records:
    """The open file and the records in it; a launcher has at most one."""

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text() if path.exists() else ""
        # A killed launcher may have left an incomplete line.
        complete = kept[: kept.rfind("\n") + 1]
        self._seen = set(complete.splitlines())
        path.write_text(complete)
        self._file = path.open("a", buffering=1)

    def add(self, line: str) -> None:
        with self._lock:
            if line in self._seen or len(self._seen) > MOST_CALLS:
                return
            self._seen.add(line)
            full = len(self._seen) > MOST_CALLS
            self._file.write((json.dumps({"full": MOST_CALLS}) if full else line) + "\n")


_records: _Records | None = None


@dataclass
class _Request:
    """The current request: its operation, and whether a permission was decided for it."""

    api: str
    principal: str
    decided: bool = False


# Tasks that continue after the response, such as executions, still have their request here.
_request: ContextVar[_Request | None] = ContextVar("lake_recorded_request", default=None)


def write_to(path: Path) -> None:
    """Start recording into a file; records of an earlier start are kept."""
    global _records
    _records = _Records(path)


def is_on() -> bool:
    """Whether calls are recorded."""
    return _records is not None


def begin(api: str, principal: str, within: bool = False) -> None:
    """Mark the start of a request to `service:Operation` by a principal (its ARN).

    `within`: another call decides this request's own permission.
    """
    _request.set(_Request(api, principal, decided=within))


def end() -> None:
    """Mark the end of the request."""
    request = _request.get()
    if _records and request and not request.decided:
        _records.add(
            json.dumps({"api": request.api, "by": _who(request.principal)[1], "permission": None})
        )
    _request.set(None)


def note(
    principal: str, action: str, resource: str, context: Mapping[str, Any], allowed: bool
) -> None:
    """Record one decision about a principal (the ARN of root, a user or a role's session)."""
    if _records is None or not principal:
        return
    kind, name = _who(principal)
    request = _request.get()
    if request and request.principal == principal:
        request.decided = True
        # The query protocol names its operation only in the body. It equals the permission's name.
        if request.api.endswith(":"):
            request.api += action.partition(":")[2]
        _records.add(json.dumps({"api": request.api, "by": name, "permission": action}))
    keys = {
        _CONTEXT[key.lower()]: _kept(value)
        for key, value in context.items()
        if key.lower() in _CONTEXT and value is not None
    }
    call = {
        kind: name,
        "action": action,
        "resource": placeholders(resource),
        **({"context": dict(sorted(keys.items()))} if keys else {}),
        **({} if allowed else {"denied": True}),
    }
    _records.add(json.dumps(call))


def note_key(principal: str, action: str, key: str, service: str, allowed: bool) -> None:
    """Record that a service (`s3`) used a KMS key (its ARN) on behalf of a principal."""
    if _records is None or not principal:
        return
    kind, name = _who(principal)
    request = _request.get()
    if request and request.principal == principal and not request.api.endswith(":"):
        _records.add(
            json.dumps({"api": request.api, "by": name, "permission": action, "via": service})
        )
    use = {kind: name, "action": action, "resource": placeholders(key), "via": service}
    _records.add(json.dumps({**use, **({} if allowed else {"denied": True})}))


def _who(principal: str) -> tuple[str, str]:
    """`("role", "AnalyticsRole")`, or `("person", "root")`, `("person", "user/administrator")`."""
    name = principal.split(":", 5)[-1]
    if name.startswith("assumed-role/"):
        return "role", _role(name.split("/")[1])
    return "person", name


def _kept(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [placeholders(str(one)) for one in value]
    return placeholders(str(value))


def _role(name: str) -> str:
    found = _ROLE.search(name)
    return found[1] if found else name


def placeholders(text: str) -> str:
    """Replace the names and dates of one run by placeholders; prefixes stay."""
    for pattern, placeholder in _PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    return text
