"""A line to type a folder into, completed from the folders that are there: what is offered stands dim behind what is typed."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from itertools import islice
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from brain.cleaning import clean

_MOST = 5000  # entries of one folder that are looked at


def completed(typed: str) -> str | None:
    """What is typed, with the name of its last folder completed; None where there is nothing to complete."""
    begun = typed[typed.rfind(os.sep) + 1 :]
    before = typed[: len(typed) - len(begun)]
    if not begun or begun in ("~", ".", ".."):
        return None
    names: list[str] = []
    with suppress(OSError, ValueError), os.scandir(os.path.expanduser(before) or os.curdir) as entries:  # noqa: PTH111
        for entry in islice(entries, _MOST):
            if _fits(entry.name, begun) and entry.is_dir():
                names.append(entry.name)
    exact = sorted(name for name in names if name.startswith(begun))
    name = next(iter(exact or sorted(names)), None)
    return None if name is None else f"{before}{name}{os.sep}"


def _fits(name: str, begun: str) -> bool:
    """It begins like this, shows itself only to who asks, and is safe to show."""
    is_hidden = name.startswith(".") and not begun.startswith(".")
    is_plain = clean(name) == name and name.isprintable()
    return name.casefold().startswith(begun.casefold()) and not is_hidden and is_plain


class _Folders(Suggester):
    """Looks beside the screen: a disk may be slow."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """What is typed, completed."""
        return await asyncio.to_thread(completed, value)


class FolderLine(Input):
    """Tab takes what is offered; where nothing is, it goes on to what comes next."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", show=False)]

    def __init__(self, **options: Any) -> None:
        super().__init__(suggester=_Folders(), **options)

    def action_complete(self) -> None:
        """Take what is offered."""
        if self.cursor_at_end and self._suggestion not in ("", self.value):
            self.action_cursor_right()
        else:
            self.screen.focus_next()
