"""Rejects queries that Athena rejects, but DuckDB would run."""
