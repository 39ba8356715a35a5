"""Pictures of the Ask screen in its states, at two sizes. A change of any cell needs a look: pytest --snapshot-update."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from brain.errors import ModelError
from brain.events import FileIndexed, SyncStarted, Token
from brain.types import Verdict
from tests.tui.fakes import NOTES, FakeBrain, Gate, answered, app, nothing_found, retrieved, status, streamed
from tests.tui.pilot import ready, shows, type_text, until
from tests.tui.test_library import library as three_folders
from tests.tui.test_library import opened
from tui.panels import gate as gate_panel

SIZES = ((120, 36), (80, 24))
Steps = Callable[[Pilot[int]], Awaitable[None]]


async def _ask(pilot: Pilot[int], text: str = "What was decided about the garden budget?") -> None:
    await ready(pilot)
    await type_text(pilot, text)
    await pilot.press("enter")


async def first_run(pilot: Pilot[int]) -> None:
    await shows(pilot, "Nothing to remember yet.", "Enter adds the folder")


async def just_ask(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await shows(pilot, "Just ask.")


async def no_model(pilot: Pilot[int]) -> None:
    await shows(pilot, "No model yet.")


async def results(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await type_text(pilot, "garden bu")
    await shows(pilot, "> garden bu", "words 4 ms")
    await pilot.press("down")
    await shows(pilot, "▸")


async def streaming(pilot: Pilot[int]) -> None:
    await _ask(pilot)
    await shows(pilot, "nobody knows who waters", "writing")


async def settled(pilot: Pilot[int]) -> None:
    await _ask(pilot)
    await shows(pilot, "4.1 s", "^t why")
    await until(pilot, lambda: not pilot.app.bridge.is_asking)


async def preview(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await pilot.press("escape", "n", "N", "enter")
    await shows(pilot, "1 of 3", "▌12")


async def no_evidence(pilot: Pilot[int]) -> None:
    await _ask(pilot, "Who won the chess cup?")
    await shows(pilot, "Closest:", "3 passages")
    await until(pilot, lambda: not pilot.app.bridge.is_asking)


async def failed(pilot: Pilot[int]) -> None:
    await _ask(pilot)
    await shows(pilot, "! The model stopped unexpectedly.", "Your question is kept.")
    await until(pilot, lambda: not pilot.app.bridge.is_asking)


async def why(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await pilot.press("ctrl+t")
    await shows(pilot, "whole answer 4.1 s")


async def keys(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await pilot.press("f1")
    await shows(pilot, "Esc closes")


async def talks(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await pilot.press("f4")
    await shows(pilot, "When does the pump arrive?", "2 questions", "Enter open")


async def library(pilot: Pilot[int]) -> None:
    await opened(pilot)
    await pilot.press("down", "down", "d")
    await shows(pilot, "Remove /media/usb/old from Brain?")


async def indexing(pilot: Pilot[int]) -> None:
    await opened(pilot)
    await shows(pilot, "◐ reading 2 of 5 files", "◐ reading, 2 so far")


async def no_folders(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await pilot.press("f2")
    await shows(pilot, "a  add a folder", "a add  Esc back")


async def health(pilot: Pilot[int]) -> None:
    await ready(pilot)
    pilot.app.action_health()
    await shows(pilot, "watching the folders", "brain doctor")


async def stale(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await pilot.press("f4")
    await shows(pilot, "Enter open")
    await pilot.press("enter")
    await shows(pilot, "says now:", "~ sources have changed since")


async def models(pilot: Pilot[int]) -> None:
    await ready(pilot)
    await pilot.press("f3")
    await shows(pilot, "Elsewhere", "Enter for this conversation")


async def _held(pilot: Pilot[int]) -> None:
    await shows(pilot, "Answer here instead (qwen3-4b)")
    await until(pilot, lambda: pilot.app.screen.is_armed and not pilot.app.screen.is_working)
    await until(pilot, lambda: not pilot.app.bridge.is_asking)


async def gate(pilot: Pilot[int]) -> None:
    await _ask(pilot)
    await _held(pilot)
    await pilot.press("s")
    await shows(pilot, "2 passages withheld")
    await _ask(pilot, "and when does the pump arrive?")
    await _held(pilot)
    await pilot.press("j", "j", "space")
    await shows(pilot, "unticked")
    await _held(pilot)


async def sent(pilot: Pilot[int]) -> None:
    await _ask(pilot)
    await _held(pilot)
    await pilot.press("s")
    await shows(pilot, "2 passages withheld", "today $0.0010")
    await until(pilot, lambda: not pilot.app.bridge.is_asking)


BROKEN = [
    retrieved(),
    Token("The board agreed on "),
    ModelError("The model stopped unexpectedly.", hint="Your question is kept."),
]


def remote() -> FakeBrain:
    """A Brain whose usual model is elsewhere."""
    brain = FakeBrain(standing=status(chat="deepseek", stays_home=False, budget_day=1.0))
    brain.choices = tuple(replace(one, used=one.name == "deepseek") for one in brain.choices)
    return brain


EMPTY = status(folders=(), indexed=0, chunks=0, vectors_done=0)


def with_talks() -> FakeBrain:
    """Two conversations; of the later one a source has changed."""
    brain = FakeBrain()
    brain.conversations.hold("When does the pump arrive?", answered(), answered("And who signs?"))
    brain.conversations.hold("The garden money", answered())
    changed = "agreed on 45 000 €"
    brain.conversations.changed = (
        Verdict(1, "changed", NOTES / "meetings/2025-03-12-board.md", 115, 133, 12, None, changed),
    )
    return brain


def reading() -> FakeBrain:
    """One that has read two of five files."""
    brain = FakeBrain(standing=three_folders(degraded=(), failures=(), failed=0))
    brain.say(SyncStarted(5), *(FileIndexed(NOTES / f"{at}.md", 2, 2, True) for at in range(2)))
    return brain


STATES: dict[str, tuple[Callable[[], FakeBrain], Steps]] = {
    "first_run": (lambda: FakeBrain(standing=EMPTY), first_run),
    "ready": (FakeBrain, just_ask),
    "no_model": (lambda: FakeBrain(standing=status(chat=None)), no_model),
    "results": (FakeBrain, results),
    "streaming": (lambda: FakeBrain(streamed(gate=Gate())), streaming),
    "answered": (FakeBrain, settled),
    "preview": (FakeBrain, preview),
    "no_evidence": (lambda: FakeBrain([retrieved(), nothing_found()]), no_evidence),
    "failed": (lambda: FakeBrain(BROKEN), failed),
    "why": (FakeBrain, why),
    "keys": (FakeBrain, keys),
    "models": (FakeBrain, models),
    "gate": (remote, gate),
    "sent": (remote, sent),
    "talks": (with_talks, talks),
    "stale": (with_talks, stale),
    "library": (lambda: FakeBrain(standing=three_folders()), library),
    "indexing": (reading, indexing),
    "no_folders": (lambda: FakeBrain(standing=EMPTY), no_folders),
    "health": (lambda: FakeBrain(standing=three_folders()), health),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_looks_as_it_did(snap_compare, monkeypatch, state, size):
    monkeypatch.setattr(gate_panel, "HOLD", 0.001)
    brain, steps = STATES[state]
    assert snap_compare(app(brain()), terminal_size=size, run_before=steps)
