"""Upstream: queries are DuckDB's SQL over all files below a table's location, for any caller.

Athena runs Trino's SQL, reads the registered partitions' own locations with the declared types,
reads and writes with its caller's permissions, enforces a workgroup's settings, supports
parameters, and stores results only in S3. The engine is embedded/launcher/athena; this is its API.
"""

import asyncio
import dataclasses
import logging
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import duckdb
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import athena, s3

from embedded.launcher.athena import access, engine, processes, results, translate, unload
from embedded.launcher.athena.errors import AccessDenied, MalformedQuery, QueryFailed
from embedded.launcher.authority import caller_key
from embedded.launcher.patches import snapshots

EXPECTS = {
    "services.athena:handle_request": "2f5558612eba",
    "services.athena:_start_query_execution": "405753f7beaf",
    "services.athena:_execute_query": "0c4e4ef19494",
    "services.athena:_get_query_results": "abd778cbcf28",
    "services.athena:_stop_query_execution": "14461b69c107",
    "services.athena:_restore_state": "b93fa734fc5a",
    "services.athena:_parse_ddl": "28404b7ed0da",
    "services.athena:_run_ddl": "ce7eebe470ed",
    "services.athena:_table_relation": "a1a2686723d2",
    "services.s3:_object_disk_path": "0a7ed55714d9",
    "services.s3:_get_object_data": "8735d1f5e331",
}

logger = logging.getLogger("lake.athena")

Response = tuple[int, dict[str, str], bytes]

_EXECUTE = re.compile(
    r"\s*execute\s+([A-Za-z_]\w*)\s*(?:using\s+(.*?))?\s*;?\s*$", re.IGNORECASE | re.DOTALL
)

_processes: dict[str, processes.Process] = {}

# Both a query's thread and a request to stop it write the state.
_states = threading.Lock()


class _Refused(Exception):
    """The request is rejected before a query exists."""

    def __init__(self, message: str, code: str = "InvalidRequestException", athena_code: str = ""):
        super().__init__(message)
        self.response = error_response_json(
            code, message, 400, extra={"AthenaErrorCode": athena_code} if athena_code else None
        )


def start_query_execution(data: Mapping[str, Any]) -> Response:
    try:
        return json_response({"QueryExecutionId": _start(data)})
    except _Refused as refused:
        return refused.response
    except MalformedQuery as malformed:
        return _Refused(str(malformed), athena_code="MALFORMED_QUERY").response


def _start(data: Mapping[str, Any]) -> str:
    name = data.get("WorkGroup") or "primary"
    workgroup = athena._workgroups.get(name)
    if workgroup is None:
        raise _Refused(f"WorkGroup {name} is not found.")
    if workgroup.get("State") == "DISABLED":
        raise _Refused(f"WorkGroup {name} is disabled.")
    _check_lengths(data)
    known = _started_before(data, name)
    if known is not None:
        return known
    settings = _result_settings(data, workgroup.get("Configuration") or {})
    sql, parameters = _statement(data, name)
    ddl = athena._parse_ddl(sql)
    select, target = unload.split(sql)
    query = None if ddl is not None else translate.parse(select, parameters)
    if query is None and ddl is None:
        raise MalformedQuery(
            "The embedded Athena runs SELECT, UNLOAD, CREATE EXTERNAL TABLE and DROP TABLE; for "
            "anything else use the Glue catalog's API"
        )
    if isinstance(ddl, athena._CreateTable) and not ddl.external and not ddl.iceberg:
        raise MalformedQuery("External keyword required for table type HIVE")
    context = data.get("QueryExecutionContext") or {}
    query_id = new_uuid()
    now = round(time.time(), 3)
    ending = ".txt" if query is None else ".csv" if target is None else "-manifest.csv"
    execution = {
        "QueryExecutionId": query_id,
        "Query": data["QueryString"],
        "StatementType": "DML" if query is not None else "DDL",
        "ResultConfiguration": {
            **settings,
            "OutputLocation": f"{settings['OutputLocation']}{query_id}{ending}",
        },
        "QueryExecutionContext": {
            "Database": context.get("Database", "default"),
            "Catalog": context.get("Catalog", "AwsDataCatalog"),
        },
        "Status": {"State": "QUEUED", "SubmissionDateTime": now},
        "Statistics": {},
        "WorkGroup": name,
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
        "_columns": [],
        "_token": data.get("ClientRequestToken"),
    }
    if data.get("ExecutionParameters"):
        execution["ExecutionParameters"] = data["ExecutionParameters"]
    athena._executions[query_id] = execution
    if target is not None:
        location = execution["ResultConfiguration"]["OutputLocation"]
        execution["Statistics"]["DataManifestLocation"] = location
    work = _run_ddl(ddl) if query is None else _run_query(query, target)
    task = asyncio.get_running_loop().create_task(
        asyncio.to_thread(_execute, execution, work, caller_key.get())
    )
    # The event loop keeps only weak references to its tasks.
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return query_id


_tasks: set[asyncio.Task] = set()

Work = Callable[[Mapping[str, Any], str], engine.Answer]


def _started_before(data: Mapping[str, Any], workgroup: str) -> str | None:
    """The query that an earlier request with this ClientRequestToken started."""
    token = data.get("ClientRequestToken")
    if token is None:
        return None
    if not 32 <= len(token) <= 128:
        raise _Refused("ClientRequestToken must have 32 to 128 characters")
    for query_id, execution in athena._executions.items():
        if execution.get("_token") == token:
            same = (
                execution["Query"] == data.get("QueryString")
                and execution["WorkGroup"] == workgroup
                and execution.get("ExecutionParameters", [])
                == (data.get("ExecutionParameters") or [])
            )
            if not same:
                raise _Refused("Idempotent parameters do not match")
            return query_id
    return None


# From the service model and the page "Service Quotas" (bytes of UTF-8).
_LONGEST_SQL = 262_144
_LONGEST_PARAMETER = 1024


def _check_lengths(data: Mapping[str, Any]) -> None:
    """Reject lengths that AWS rejects before a query exists."""
    sql = data.get("QueryString") or ""
    if len(sql.encode()) > _LONGEST_SQL:
        _break(sql, "queryString", f"Member must have length less than or equal to {_LONGEST_SQL}")
    parameters = data.get("ExecutionParameters") or []
    if not all(1 <= len(value) <= _LONGEST_PARAMETER for value in parameters):
        each = (
            f"Member must have length less than or equal to {_LONGEST_PARAMETER}, "
            "Member must have length greater than or equal to 1"
        )
        listed = f"[{', '.join(parameters)}]"
        _break(listed, "executionParameters", f"Member must satisfy constraint: [{each}]")


def _break(value: str, field: str, constraint: str) -> NoReturn:
    raise _Refused(
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy "
        f"constraint: {constraint}",
        "ValidationException",
    )


def _result_settings(data: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Location and encryption of results; an enforced workgroup overrides the request."""
    own = dict(configuration.get("ResultConfiguration") or {})
    asked = dict(data.get("ResultConfiguration") or {})
    # CloudFormation may have stored the boolean as a string.
    enforced = str(configuration.get("EnforceWorkGroupConfiguration", "")).lower() == "true"
    settings = own if enforced else {**own, **asked}
    location = settings.get("OutputLocation")
    if not location:
        raise _Refused(
            "No output location provided. An output location is required either through the "
            "Workgroup result configuration setting or as an API input."
        )
    if not location.startswith("s3://"):
        raise _Refused(f"outputLocation is not a valid S3 path: {location}")
    settings["OutputLocation"] = location if location.endswith("/") else f"{location}/"
    return settings


def _statement(data: Mapping[str, Any], workgroup: str) -> tuple[str, list[str]]:
    """The SQL to run and the values of its `?`, from the request or from EXECUTE."""
    sql = data.get("QueryString") or ""
    parameters = list(data.get("ExecutionParameters") or [])
    execute = _EXECUTE.match(sql)
    if execute is None:
        return sql, parameters
    prepared = athena._prepared_statements.get(f"{workgroup}/{execute[1]}")
    if prepared is None:
        raise _Refused(f"PreparedStatement {execute[1]} was not found in workGroup {workgroup}")
    if execute[2]:
        parameters = translate.listed(execute[2])
    return prepared["QueryStatement"], parameters


def _run_query(query: translate.Query, target: unload.Unload | None) -> Work:
    def run(execution: Mapping[str, Any], caller: str) -> engine.Answer:
        query_id = execution["QueryExecutionId"]

        def started(process: processes.Process) -> None:
            _processes[query_id] = process
            if execution["Status"]["State"] == "CANCELLED":
                # The query was stopped before it had anything to interrupt.
                raise duckdb.InterruptException

        database = execution["QueryExecutionContext"]["Database"]
        if target is None:
            return engine.run(query, database, caller, started)
        target.check(caller, _encryption(execution))
        with tempfile.TemporaryDirectory(prefix="athena-", ignore_cleanup_errors=True) as folder:
            answer = engine.run(query, database, caller, started, Path(folder))
            manifest = []
            for key, file in target.objects(query_id, Path(folder)):
                _put(target.to.bucket, key, file.read_bytes(), _encryption(execution))
                manifest.append(f"s3://{target.to.bucket}/{key}")
        return dataclasses.replace(answer, manifest=tuple(manifest))

    return run


def _run_ddl(ddl: Any) -> Work:
    def run(execution: Mapping[str, Any], caller: str) -> engine.Answer:
        database = ddl.database or execution["QueryExecutionContext"]["Database"]
        access.may_change_catalog(
            caller, database, ddl.table, create=isinstance(ddl, athena._CreateTable)
        )
        try:
            athena._run_ddl(ddl, database)
        except ValueError as refused:
            raise QueryFailed(str(refused)) from refused
        snapshots.changed("glue")
        return engine.Answer([], [], 0)

    return run


def _execute(execution: dict[str, Any], work: Work, caller: str) -> None:
    """Run one query from QUEUED to its end, in its own thread."""
    status = execution["Status"]
    with _states:
        # The query was stopped while it was queued.
        if status["State"] == "CANCELLED":
            return
        status["State"] = "RUNNING"
    started = time.monotonic()
    scanned = 0
    try:
        bucket, key = _object(execution)
        encryption = _encryption(execution)
        # Athena checks the result's location first: it runs no query whose result it cannot store.
        access.may_write(caller, bucket, key, encryption)
        answer = work(execution, caller)
        scanned = answer.scanned_bytes
        _write(bucket, key, answer, encryption)
        execution["_columns"] = [[c.name, c.type, c.precision, c.scale] for c in answer.columns]
        ending: dict[str, Any] = {"State": "SUCCEEDED"}
    except QueryFailed as failure:
        ending = _failed(failure.reason, failure.category, failure.error_type)
    except duckdb.InterruptException:
        ending = {"State": "CANCELLED", "StateChangeReason": "Query was cancelled by user"}
    except Exception as bug:
        logger.exception("Query %s failed because of a defect", execution["QueryExecutionId"])
        ending = _failed(f"INTERNAL_ERROR: {bug}", 1, 0)
    finally:
        _processes.pop(execution["QueryExecutionId"], None)
    took = int((time.monotonic() - started) * 1000)
    execution["Statistics"] = {
        **execution["Statistics"],
        "EngineExecutionTimeInMillis": took,
        "DataScannedInBytes": scanned,
        "TotalExecutionTimeInMillis": took,
        "QueryQueueTimeInMillis": 0,
        "ServiceProcessingTimeInMillis": 0,
    }
    if status["State"] == "CANCELLED":
        ending = {}
    # The state is set last: clients that poll it must find everything else complete.
    status["CompletionDateTime"] = round(time.time(), 3)
    status.update({name: value for name, value in ending.items() if name != "State"})
    status.update(ending)
    snapshots.changed("athena")


def _failed(reason: str, category: int, error_type: int) -> dict[str, Any]:
    return {
        "StateChangeReason": reason,
        "AthenaError": {
            "ErrorCategory": category,
            "ErrorType": error_type,
            "Retryable": False,
            "ErrorMessage": reason,
        },
        "State": "FAILED",
    }


def _object(execution: Mapping[str, Any]) -> tuple[str, str]:
    place = urlsplit(execution["ResultConfiguration"]["OutputLocation"])
    return place.netloc, place.path.lstrip("/")


def _encryption(execution: Mapping[str, Any]) -> Mapping[str, str]:
    return execution["ResultConfiguration"].get("EncryptionConfiguration") or {}


def _write(bucket: str, key: str, answer: engine.Answer, encryption: Mapping[str, str]) -> None:
    content = "".join(f"{uri}\n" for uri in answer.manifest).encode()
    if answer.columns:
        content = results.to_csv([column.name for column in answer.columns], answer.rows)
    _put(bucket, key, content, encryption)


def _put(bucket: str, key: str, content: bytes, encryption: Mapping[str, str]) -> None:
    headers = {"content-type": "application/octet-stream", "content-length": str(len(content))}
    if encryption.get("EncryptionOption") == "SSE_KMS":
        headers["x-amz-server-side-encryption"] = "aws:kms"
        if encryption.get("KmsKey"):
            headers["x-amz-server-side-encryption-aws-kms-key-id"] = encryption["KmsKey"]
    status, _, body = s3._put_object(bucket, key, content, headers)
    if status >= 300:
        raise QueryFailed(f"HIVE_WRITER_OPEN_ERROR: writing s3://{bucket}/{key}: {body!r}")


def get_query_results(data: Mapping[str, Any]) -> Response:
    execution = athena._executions.get(data.get("QueryExecutionId"))
    if execution is None:
        return _Refused(f"QueryExecution {data.get('QueryExecutionId')} was not found").response
    status = execution["Status"]
    if status["State"] == "FAILED":
        reason = status.get("StateChangeReason", "")
        return _Refused(
            f"Query did not finish successfully. Final query state: FAILED. {reason}"
        ).response
    if status["State"] != "SUCCEEDED":
        return _Refused(f"Query has not yet finished. Current state: {status['State']}").response
    limit = data.get("MaxResults") or 1000
    if not 1 <= limit <= 1000:
        return _Refused("MaxResults must be between 1 and 1000").response
    bucket, key = _object(execution)
    try:
        access.may_fetch(caller_key.get(), bucket, key)
    except AccessDenied as denied:
        return error_response_json("AccessDeniedException", denied.reason, 400)
    content = s3._get_object_data(bucket, key)
    if content is None:
        return _Refused(f"Could not find results at s3://{bucket}/{key}").response
    # The header is the first row, and counts as a row.
    rows = results.from_csv(content) if execution["_columns"] else []
    start = int(data.get("NextToken") or 0)
    page = rows[start : start + limit]
    rest = {"NextToken": str(start + limit)} if start + limit < len(rows) else {}
    columns = [results.Column(*described) for described in execution["_columns"]]
    return json_response(
        {
            "ResultSet": {
                "Rows": [
                    {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
                    for row in page
                ],
                "ResultSetMetadata": {"ColumnInfo": [column.info() for column in columns]},
            },
            "UpdateCount": 0,
            **rest,
        }
    )


def stop_query_execution(data: Mapping[str, Any]) -> Response:
    execution = athena._executions.get(data.get("QueryExecutionId"))
    if execution is None:
        return _Refused(f"QueryExecution {data.get('QueryExecutionId')} was not found").response
    with _states:
        stops = execution["Status"]["State"] in ("QUEUED", "RUNNING")
        if stops:
            execution["Status"].update(
                State="CANCELLED",
                StateChangeReason="Query was cancelled by user",
                CompletionDateTime=round(time.time(), 3),
            )
        process = _processes.get(execution["QueryExecutionId"])
    if stops and process is not None:
        process.interrupt()
    return json_response({})


def apply() -> None:
    restore = athena._restore_state

    def restore_state(data: dict[str, Any]) -> None:
        restore(data)
        for execution in athena._executions.all_values():
            if execution["Status"]["State"] in ("QUEUED", "RUNNING"):
                execution["Status"].update(
                    _failed("The embedded cloud's process ended while this query ran", 1, 0),
                    CompletionDateTime=round(time.time(), 3),
                )

    athena._start_query_execution = start_query_execution
    athena._get_query_results = get_query_results
    athena._stop_query_execution = stop_query_execution
    athena._restore_state = restore_state
