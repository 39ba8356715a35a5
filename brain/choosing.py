"""Who answers to a name: a chat model on the shelf or in a file, an endpoint, or nobody but the notes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brain.ask import QUOTES
from brain.models.endpoint import is_endpoint, open_endpoint
from brain.models.shelf import Shelf
from brain.seams import Endpoint
from brain.settings import EndpointSettings


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is to answer: a file on this machine, an endpoint, or neither, which leaves the notes' own sentences."""

    name: str
    path: Path | None = None
    endpoint: Endpoint | None = None

    @property
    def stays_home(self) -> bool:
        """Nothing leaves this machine for its answers."""
        return self.endpoint is None or self.endpoint.stays_home


def choose(name: str, shelf: Shelf, endpoints: Mapping[str, EndpointSettings]) -> Chosen:
    """One on the shelf, which comes before an endpoint of the same name, a GGUF file, "quotes", NAME or NAME/MODEL.

    Contacts nothing. Raises ModelError, SettingsError.
    """
    if name == QUOTES:
        return Chosen(name)
    if not shelf.holds(name) and is_endpoint(name, endpoints):
        return Chosen(name, endpoint=open_endpoint(name, endpoints))
    return Chosen(name, path=shelf.find(name))
