"""All checks, in Athena's order: names and functions, then types."""

from collections.abc import Mapping

from sqlglot import exp

from embedded.launcher.athena.strict import guards, syntax, types


def refuse(sql: str, tree: exp.Expression, column_types: Mapping[str, str]) -> None:
    """Reject what Athena's analysis rejects, and make the tree fail where Athena fails at run time.

    Raises QueryFailed.
    """
    syntax.check_functions(sql, tree)
    syntax.check_aliases(sql, tree, [name.lower() for name in column_types])
    known = types.Types(tree, column_types)
    types.check(sql, tree, known)
    guards.guard(tree, known)
