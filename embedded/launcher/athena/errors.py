"""Errors of queries, in Athena's categories."""


class MalformedQuery(Exception):
    """The statement cannot be parsed, so it is rejected when it is submitted."""


class QueryFailed(Exception):
    """The query fails while it runs. `category` is AthenaError's: 1 system, 2 user, 3 other."""

    def __init__(self, reason: str, category: int = 2, error_type: int = 1301):
        super().__init__(reason)
        self.reason = reason
        self.category = category
        self.error_type = error_type


class AccessDenied(QueryFailed):
    """The caller may not read the data, or write the result."""

    def __init__(self, what: str):
        super().__init__(f"Access denied: {what}", category=2, error_type=1302)


class NotSupported(QueryFailed):
    """Athena supports this, but the embedded Athena does not."""

    def __init__(self, what: str):
        super().__init__(f"NOT_SUPPORTED: {what} (not supported by the embedded Athena)")
