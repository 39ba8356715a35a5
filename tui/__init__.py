"""The terminal front end: one bar, one answer, one source beside it."""
