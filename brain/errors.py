"""What can go wrong in words a person can act on. Nothing here knows how it is shown."""

from __future__ import annotations


class BrainError(Exception):
    """Something could not be done: what happened, to which thing, and what to do next.

    `reason` is one sentence; `hint` is the next step, or empty where there is none.
    """

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class SettingsError(BrainError):
    """A setting or an argument is wrong."""


class QueryError(BrainError):
    """A question or a filter in it cannot be understood."""


class ReadError(BrainError):
    """A file could not be read as a note."""


class FileVanished(ReadError):
    """The file was there when the folder was listed and is gone now: not a failure, the next pass sees it."""


class ModelError(BrainError):
    """A model is missing, broken, of the wrong kind, or its process died."""


class EndpointError(ModelError):
    """An endpoint refused, does not answer, or may not be asked. Nothing of it holds a key."""


class StoreError(BrainError):
    """The store could not be read or written."""


class StoreOutdated(StoreError):
    """An older Brain made the store: its owner brings it up to date before anyone can read it."""


class StoreBusy(StoreError):
    """Another Brain owns the store."""


class OwnerEnded(StoreError):
    """The Brain that owned the index has ended while it was asked: its place is free."""


class OwnerSilent(OwnerEnded):
    """The Brain that owns the index takes no call any more, though its process is there: it may be stopped."""


class FolderMissing(BrainError):
    """A watched folder is not there; what is known of it is kept."""


class Cancelled(BrainError):
    """The person asked to stop."""
