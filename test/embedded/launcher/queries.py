"""Running queries through the API, for the tests of the embedded Athena."""

from typing import Any

from launching import Launcher, until

RESULTS = "s3://athena-results/out/"


def submit(launcher: Launcher, sql: str, client: Any = None, **settings: Any) -> str:
    client = client or launcher.client("athena")
    settings.setdefault("ResultConfiguration", {"OutputLocation": RESULTS})
    return client.start_query_execution(QueryString=sql, **settings)["QueryExecutionId"]


def finished(launcher: Launcher, query: str, seconds: float = 30) -> dict[str, Any]:
    client = launcher.client("athena")

    def done() -> dict[str, Any] | None:
        found = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        return found if found["Status"]["State"] not in ("QUEUED", "RUNNING") else None

    return until(done, seconds)


def rows(launcher: Launcher, sql: str, client: Any = None, **settings: Any) -> list[list[Any]]:
    """The rows of a query without its header; fails the test when the query fails."""
    query = submit(launcher, sql, client, **settings)
    ended = finished(launcher, query)
    assert ended["Status"]["State"] == "SUCCEEDED", ended["Status"]
    return page(launcher, query)[1:]


def failure(launcher: Launcher, sql: str, client: Any = None, **settings: Any) -> str:
    """Why a query fails; fails the test when it does not."""
    ended = finished(launcher, submit(launcher, sql, client, **settings))
    assert ended["Status"]["State"] == "FAILED", ended["Status"]
    assert ended["Status"]["AthenaError"]["ErrorMessage"] == ended["Status"]["StateChangeReason"]
    return ended["Status"]["StateChangeReason"]


def page(launcher: Launcher, query: str, **paging: Any) -> list[list[Any]]:
    found = launcher.client("athena").get_query_results(QueryExecutionId=query, **paging)
    return [
        [cell.get("VarCharValue") for cell in row["Data"]] for row in found["ResultSet"]["Rows"]
    ]
