"""One line of parts, left and right, that shortens and drops the least important ones until it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line. `keep`: the higher the longer it stays. `short` is tried before it is dropped; 10 never drops."""

    text: Content
    keep: int = 5
    short: Content | None = None


def fit(left: Sequence[Part], right: Sequence[Part], width: int, *, gap: int = 3) -> Content:
    """Both sides in `width` cells: first the least important parts shorten, then they go."""
    sides = [list(left), list(right)]
    while _width(sides, gap) > width:
        parts = [(part.keep, part.short is None, side, at) for side in (0, 1) for at, part in enumerate(sides[side])]
        shorts = [item for item in parts if not item[1]]
        drops = [item for item in parts if item[0] < 10]
        if shorts:
            _, _, side, at = min(shorts)
            part = sides[side][at]
            sides[side][at] = Part(part.short or part.text, part.keep)
        elif drops:
            _, _, side, at = min(drops)
            del sides[side][at]
        else:
            break
    one, other = (Content(" " * gap).join(part.text for part in side) for side in sides)
    room = width - one.cell_length - other.cell_length
    if room < 0:
        one = one.truncate(max(0, width - other.cell_length - 1), ellipsis=True)
        room = width - one.cell_length - other.cell_length
    return Content.assemble(one, " " * max(0, room), other).truncate(width, ellipsis=True)


def _width(sides: Sequence[Sequence[Part]], gap: int) -> int:
    widths = [sum(part.text.cell_length for part in side) + gap * max(0, len(side) - 1) for side in sides]
    return sum(widths) + (gap if all(sides) else 0)


class Line(Widget):
    """A row of parts. `set` draws it again only when something in it changed."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; padding: 0 1; text-wrap: nowrap; }"

    def __init__(self, *, id: str, gap: int = 3) -> None:
        super().__init__(id=id)
        self._sides: tuple[tuple[Part, ...], tuple[Part, ...]] = ((), ())
        self._gap = gap

    def set(self, left: Sequence[Part], right: Sequence[Part] = ()) -> None:
        """Show these parts."""
        sides = (tuple(left), tuple(right))
        if sides != self._sides:
            self._sides = sides
            self.refresh()

    def render(self) -> RenderResult:
        """The parts that fit."""
        return fit(*self._sides, self.content_size.width, gap=self._gap)
