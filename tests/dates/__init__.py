"""Dates: of documents, and in questions."""
