"""What Brain knows, on disk: the catalog (SQLite, the truth) and the words and vectors derived from it."""
