"""What the tests of the terminal UI share: waiting for the screen, never for a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.pilot import Pilot

from tui.ask_screen import AskScreen

_TURNS = 250


async def until(pilot: Pilot[int], is_true: Callable[[], object], what: str = "") -> None:
    """Let the app work until something holds. Fails, rather than hangs, when it never does."""
    for _ in range(_TURNS):
        await pilot.pause()
        if is_true():
            return
        await asyncio.sleep(0.002)
    raise AssertionError(f"never came true: {what or is_true}")


async def ready(pilot: Pilot[int]) -> AskScreen:
    """The Ask screen once the engine has said how things stand."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, AskScreen)
    await until(pilot, lambda: pilot.app.status is not None, "connected")  # type: ignore[attr-defined]
    return screen


async def type_text(pilot: Pilot[int], text: str) -> None:
    """Type a text key by key."""
    names = {" ": "space", "?": "question_mark", "/": "slash"}
    await pilot.press(*(names.get(letter, letter) for letter in text))


def seen(pilot: Pilot[int]) -> str:
    """All the text on the screen, as a person reads it."""
    app = pilot.app
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines[:height] if width)


async def shows(pilot: Pilot[int], *texts: str) -> str:
    """Wait until every text stands on the screen; returns all of it."""
    for text in texts:
        await until(pilot, lambda text=text: text in seen(pilot), f"{text!r} on\n{seen(pilot)}")
    return seen(pilot)
