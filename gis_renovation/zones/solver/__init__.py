"""The zoning problem as numbers: search, enumeration, set partitioning, pricing."""
