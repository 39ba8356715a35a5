"""What works, what is off, and what to do about it: each part of Brain in one row, from how things stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from brain.cleaning import one_line
from tui import texts
from tui.panels.sheets import Sheet

if TYPE_CHECKING:
    from brain.events import Failed
    from brain.types import Status

_NAME = 24  # columns


def health_sheet(status: Status | None, lost: Failed | None) -> Sheet:
    """The rows on a sheet, as things stand now."""
    return Sheet(texts.HEALTH, health_lines(status, lost))


def health_lines(status: Status | None, lost: Failed | None) -> Callable[[int], Content]:
    """The rows, for a width; what is off comes first."""

    def draw(width: int) -> Content:
        if lost is not None:
            return Content("\n").join(_told(f"! {lost.reason} {lost.hint}", "$text-error", width))
        if status is None:
            return Content(texts.HEALTH_OPENING)
        lines = [] if status.degraded else [Content.styled(texts.HEALTH_WELL, "bold"), Content("")]
        for part, name in sorted(texts.HEALTH_PARTS, key=lambda one: one[0] not in _off(status)):
            lines += _part(status, part, name, width)
        return Content("\n").join([*lines, Content(""), *_told(texts.HEALTH_MORE, "dim", width)])

    return draw


def _off(status: Status) -> set[str]:
    return {impaired.part for impaired in status.degraded}


def _part(status: Status, part: str, name: str, width: int) -> list[Content]:
    why = [impaired for impaired in status.degraded if impaired.part == part]
    if not why:
        is_unused = part == "rerank" and status.rerank is None
        if part == "ocr":
            return []  # nothing reads scanned pages unless something says that it is off
        said = texts.HEALTH_UNUSED if is_unused else texts.HEALTH_OK
        return [Content.assemble(f"{name:<{_NAME}}", (said, "dim" if is_unused else "$text-success"))]
    lines = [Content.assemble((f"{name:<{_NAME}}", "bold"), (texts.HEALTH_OFF, "$text-warning"))]
    for impaired in why:
        lines += _told(impaired.why, "", width)
        lines += _told(impaired.next, "$text-accent", width) if impaired.next else []
    return lines


def _told(text: str, style: str, width: int) -> list[Content]:
    """A text under its row."""
    content = Content.styled(one_line(text), style) if style else Content(one_line(text))
    return [Content.assemble("  ", line) for line in content.wrap(max(20, width - 2))]
