"""Where something has changed, as a hint says it: the files of one folder, or all that lies below a path. Pure."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import NamedTuple


class Place(NamedTuple):
    """A folder whose own files may have changed or, where `is_deep`, a path at and below which anything may have."""

    path: str
    is_deep: bool = True

    def holds(self, path: str) -> bool:
        """Whether a file at `path` is looked at in this place."""
        if self.is_deep and path == self.path:
            return True
        start = self.path.rstrip(os.sep) + os.sep
        return path.startswith(start) and (self.is_deep or os.sep not in path[len(start) :])


def outermost(places: Collection[Place]) -> list[Place]:
    """The places without those that lie in a deep one, in the order of their paths."""
    kept: list[Place] = []
    deep: list[Place] = []
    for place in sorted(set(places), key=lambda place: (place.path.rstrip(os.sep) + os.sep, not place.is_deep)):
        if deep and deep[-1].holds(place.path):
            continue
        kept.append(place)
        if place.is_deep:
            deep.append(place)
    return kept
