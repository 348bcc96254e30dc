"""The case store: what the console keeps, in SQLite or PostgreSQL."""
