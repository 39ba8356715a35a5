"""What would leave this machine, as a person decides about it: what can be taken out, and the consent that follows.

A value that takes each new `Leaving` of one question in. It draws nothing and sends nothing.
"""

from __future__ import annotations

from pathlib import Path

from brain.events import Leaving
from brain.types import Consent, Parcel

Key = tuple[str, Path | None, tuple[int, ...], int | None]


def key_of(parcel: Parcel) -> Key:
    """What a parcel is, whatever number it has."""
    return parcel.kind, parcel.path, parcel.lines, parcel.page


class Parcels:
    """The parcels of one question, from the first look at it to the last."""

    def __init__(self, leaving: Leaving) -> None:
        self.leaving = leaving
        self._known: dict[Key, Parcel] = {}
        self._out: dict[Key, int] = {}  # what was taken out, and the number it had
        self._is_again = False
        self.take(leaving)

    def take(self, leaving: Leaving) -> bool:
        """Take in what would leave now. False: what was taken out is in it, under another number; ask once more."""
        self.leaving = leaving
        self._known.update({key_of(one): one for one in leaving.parcels if one.kind in ("history", "passage")})
        back = [one for one in leaving.parcels if key_of(one) in self._out]
        for one in back:
            self._out[key_of(one)] = one.number
        self._is_again = bool(back) and not self._is_again
        return not self._is_again

    @property
    def rows(self) -> list[tuple[Parcel, bool]]:
        """What can be taken out, and whether it is among what would leave now: history first, then the passages."""
        here = {key_of(one) for one in self.leaving.parcels}
        rows = [(one, key in here) for key, one in self._known.items()]
        return sorted(rows, key=lambda row: (row[0].kind != "history", row[0].number))

    @property
    def fixed(self) -> int:
        """Bytes that leave in any case: the question, the instructions, and what the endpoint's language takes."""
        return max(0, self.bytes - sum(one.bytes for one, is_in in self.rows if is_in))

    @property
    def bytes(self) -> int:
        """Bytes that would leave."""
        return len(self.leaving.body.encode())

    def tick(self, parcel: Parcel) -> None:
        """Take it out; or, where it is out, put it back."""
        key = key_of(parcel)
        if any(key_of(one) == key for one in self.leaving.parcels):
            self._out[key] = parcel.number
        else:
            self._out.pop(key, None)

    def consent(self, *, once: bool = False, always: bool = False) -> Consent:
        """To nothing but a look; `once`, to these bytes; `always`, to whatever this conversation needs."""
        return Consent(
            sha256=self.leaving.sha256 if once or always else "",
            conversation=always,
            without=tuple(sorted(number for key, number in self._out.items() if key[0] == "passage")),
            history=not any(key[0] == "history" for key in self._out),
            url=self.leaving.url if once or always else "",
        )
