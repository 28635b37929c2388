"""What Athena refuses and DuckDB would answer."""
