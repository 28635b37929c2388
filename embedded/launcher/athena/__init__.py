"""Athena on DuckDB: Trino's SQL, the catalog's tables as declared, results as Athena's."""
