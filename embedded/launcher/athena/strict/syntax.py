"""Rejects words and forms of other dialects that Trino's grammar does not have.

sqlglot accepts words of many dialects, whatever dialect is set. Trino's page "SQL statement syntax:
SELECT" has the grammar; "Keywords and identifiers" lists the reserved words.
"""

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.tokens import Token, Tokenizer, TokenType

from embedded.launcher.athena.errors import MalformedQuery, QueryFailed
from embedded.launcher.athena.strict import functions
from embedded.launcher.words import words

# Trino's reserved words that sqlglot accepts as names.
_RESERVED = words(
    """
    alter and as between by case cast constraint create cross cube current_catalog current_date
    current_path current_role current_schema current_time current_timestamp current_user
    deallocate delete describe distinct drop else end escape except execute exists extract false
    for from full group grouping having in inner insert intersect into is join json_array
    json_exists json_object json_query json_table json_value left like listagg localtime
    localtimestamp natural normalize not null on or order outer prepare recursive right rollup
    select skip table then trim true uescape union unnest using values when where with
    """
)
_TEXTS = ("'", "$$")


def check_text(sql: str) -> None:
    """Reject tokens that Trino's grammar does not have. Raises MalformedQuery."""
    tokens = Tokenizer(dialect="athena").tokenize(sql)
    start = 0
    while start < len(tokens) and tokens[start].token_type is TokenType.L_PAREN:
        start += 1
    if start < len(tokens) and tokens[start].token_type is TokenType.FROM:
        raise _mismatched(sql, tokens[start])
    limited: list[bool] = [False]
    for token in tokens:
        written = sql[token.start : token.end + 1]
        word = written.lower()
        if token.token_type is TokenType.L_PAREN:
            limited.append(False)
        elif token.token_type is TokenType.R_PAREN:
            limited = limited[:-1] or [False]
        elif word == "limit":
            limited[-1] = True
        elif (
            word in ("::", "==", "ilike", "qualify", "rlike", "glob", "<=>", "<->", "**")
            or word == "offset"
            and limited[-1]
        ):
            raise _mismatched(sql, token)
        elif written.startswith("`"):
            line, column = _place(sql, token.start)
            raise MalformedQuery(
                f"line {line}:{column}: backquoted identifiers are not supported; "
                "use double quotes to quote identifiers"
            )
        elif token.token_type is TokenType.STRING and not written.startswith(_TEXTS):
            raise _mismatched(sql, token)


def check_tree(sql: str, tree: exp.Expression) -> None:
    """Reject forms that sqlglot parses but Trino does not. Raises MalformedQuery."""
    for node in tree.walk():
        unknown = None
        if isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            unknown = "DISTINCT ON: use row_number() in a subquery"
        elif isinstance(node, exp.Star) and any(
            node.args.get(part) for part in ("except_", "except", "replace", "rename")
        ):
            unknown = "* EXCLUDE, REPLACE or RENAME: name the columns"
        elif isinstance(node, exp.Group) and node.args.get("all") and not node.expressions:
            unknown = "GROUP BY ALL: name the columns"
        elif isinstance(node, exp.Ordered) and node.this.name.lower() == "all":
            unknown = "ORDER BY ALL: name the columns"
        elif isinstance(node, exp.Cast) and node.to.this is exp.DataType.Type.TEXT:
            unknown = "type text or string: use varchar"
        elif (
            isinstance(node, exp.Distinct)
            and isinstance(node.parent, exp.AggFunc)
            and len(node.expressions) > 1
        ):
            unknown = "DISTINCT of several arguments: use DISTINCT row(a, b), or a subquery"
        elif (
            isinstance(node, exp.Identifier)
            and not node.args.get("quoted")
            and node.name.lower() in _RESERVED
            and "start" in node.meta
        ):
            line, column = _place(sql, node.meta["start"])
            raise MalformedQuery(f"line {line}:{column}: mismatched input '{node.name}'")
        if unknown:
            line, column = _place(sql, start_of(node))
            raise MalformedQuery(f"line {line}:{column}: mismatched input: Trino has no {unknown}")


def check_functions(sql: str, tree: exp.Expression) -> None:
    """Reject calls of functions that Trino does not have. Raises QueryFailed."""
    names = {alias.name.lower() for alias in tree.find_all(exp.TableAlias)}
    tokens = Tokenizer(dialect="athena").tokenize(sql)
    for token, following in zip(tokens, tokens[1:], strict=False):
        if following.token_type is not TokenType.L_PAREN or not token.text.isidentifier():
            continue
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            continue
        name = token.text.lower()
        if name not in functions.NAMES | functions.WORDS | names:
            line, column = _place(sql, token.start)
            raise QueryFailed(
                f"FUNCTION_NOT_FOUND: line {line}:{column}: Function '{name}' not registered"
            )
    for count in tree.find_all(exp.Count):
        distinct = count.this
        if isinstance(distinct, exp.Distinct) and len(distinct.expressions) > 1:
            line, column = _place(sql, start_of(count))
            raise QueryFailed(
                f"FUNCTION_NOT_FOUND: line {line}:{column}: Unexpected parameters for function "
                "count: it takes one; use count(distinct row(a, b))"
            )


def start_of(node: exp.Expression) -> int:
    """The start of a node in the text, if sqlglot has kept it, or else 0."""
    return min((n.meta["start"] for n in node.walk() if "start" in n.meta), default=0)


def place(sql: str, node: exp.Expression) -> str:
    line, column = _place(sql, start_of(node))
    return f"line {line}:{column}"


def _place(sql: str, start: int) -> tuple[int, int]:
    before = sql[:start]
    return before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1


def _mismatched(sql: str, token: Token) -> MalformedQuery:
    line, column = _place(sql, token.start)
    return MalformedQuery(
        f"line {line}:{column}: mismatched input '{sql[token.start : token.end + 1]}'"
    )


def check_aliases(sql: str, tree: exp.Expression, columns: Sequence[str]) -> None:
    """Reject an alias of a SELECT in its own WHERE, GROUP BY or HAVING. Raises QueryFailed.

    `columns` are the columns of the query's tables, in lower case.
    """
    for select in tree.find_all(exp.Select):
        own = {c.alias.lower() for c in select.expressions if isinstance(c, exp.Alias)}
        known = set(columns) | {
            name.name.lower() for made in tree.find_all(exp.Lambda) for name in made.expressions
        }
        for other in tree.find_all(exp.Select, exp.TableAlias):
            if isinstance(other, exp.TableAlias):
                known |= {column.name.lower() for column in other.args.get("columns") or []}
            elif other is not select:
                known |= {column.alias_or_name.lower() for column in other.expressions}
        for part in ("where", "group", "having"):
            clause = select.args.get(part)
            for column in clause.find_all(exp.Column) if clause is not None else ():
                name = column.name.lower()
                if not column.table and name in own - known and column.parent_select is select:
                    raise QueryFailed(
                        f"COLUMN_NOT_FOUND: {place(sql, column)}: "
                        f"Column '{name}' cannot be resolved"
                    )
