"""Athena on DuckDB: runs Trino's SQL on the catalog's tables, with results in Athena's format."""
