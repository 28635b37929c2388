"""Checks the positions of a statement's `?`."""

import sqlglot
from sqlglot import exp

from embedded.launcher.athena.errors import MalformedQuery


def only_in_where(sql: str) -> None:
    """Reject a `?` outside a WHERE clause.

    "Currently, ? parameters can be placed only in the WHERE clause. Syntax like SELECT ? FROM table
    is not supported." (Athena's user guide, "Querying with prepared statements".)
    Raises MalformedQuery, and sqlglot's errors for SQL that cannot be parsed.
    """
    for statement in sqlglot.parse(sql, read="athena"):
        if statement is None:
            continue
        for place in statement.find_all(exp.Placeholder):
            clause = _clause(place)
            if clause != "where":
                raise MalformedQuery(
                    "SYNTAX_ERROR: a ? parameter can be placed only in the WHERE clause, "
                    f"not in {clause.upper()}; write the value into the statement, or filter on it "
                    "in the WHERE clause of a WITH query"
                )


def _clause(node: exp.Expression) -> str:
    """The clause of a node in its own SELECT; "select" for the list of columns."""
    while node.parent is not None:
        if isinstance(node.parent, exp.Query) and not isinstance(node.parent, exp.Subquery):
            place = str(node.arg_key)
            return {"expressions": "select", "joins": "join", "from_": "from"}.get(place, place)
        node = node.parent
    return "a statement without SELECT"
