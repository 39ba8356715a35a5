"""Conversations on the screen: saved as they happen, found, reopened, renamed, exported, deleted and brought back."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from brain.errors import StoreBusy
from brain.events import Token
from brain.types import Scope, Verdict
from tests.tui.fakes import ANSWER, NOTES, FakeBrain, Gate, answered, app, retrieved, streamed
from tests.tui.pilot import ready, seen, shows, type_text, until

WIDE, SMALL = (120, 36), (80, 24)
HOSTILE = "\x1b]0;owned\x07\x1b[31m red [b]bold[/b] [@click=app.quit]x[/] \u202eevil"


async def ask(pilot: Pilot[int], question: str) -> None:
    screen = await ready(pilot)
    before = len(screen._conversation.turns)
    await type_text(pilot, question)
    await pilot.press("enter")
    await until(pilot, lambda: screen._conversation.turns[before:] and screen._conversation.turns[-1].is_settled)
    await until(pilot, lambda: not pilot.app.bridge.is_asking, "answered")  # type: ignore[attr-defined]


def told(pilot: Pilot[int]) -> list[str]:
    """The notices at the corner."""
    return [notice.message for notice in pilot.app._notifications]


def talks() -> FakeBrain:
    """Two saved conversations, the second used last."""
    brain = FakeBrain()
    brain.conversations.hold("When does the pump arrive?", answered("When does the pump arrive?"))
    brain.conversations.hold("Garden money", answered("What was decided?"), scope=Scope(within=("work/",)))
    return brain


async def test_what_is_asked_is_saved_as_it_happens_and_new_begins_another():
    brain = FakeBrain()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ask(pilot, "garden budget?")
        await until(pilot, lambda: len(brain.conversations.kept) == 1, "saved")
        await ask(pilot, "and who pays?")
        await until(pilot, lambda: len(brain.conversations.kept[1].turns) == 2, "saved in the same one")
        await pilot.press("ctrl+n")
        await ask(pilot, "roof?")
        await until(pilot, lambda: len(brain.conversations.kept) == 2, "another one")
        assert len(brain.conversations.kept[2].turns) == 1


async def test_a_stopped_answer_is_saved_with_the_words_there_are():
    gate = Gate()
    brain = FakeBrain([retrieved(), Token("The board "), gate, answered()])
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await shows(pilot, "The board")
        await pilot.press("escape")
        await until(pilot, lambda: brain.conversations.kept, "saved")
        (turn,) = brain.conversations.kept[1].turns
        assert (turn.answered.answer, turn.answered.stopped) == ("The board ", True)


async def test_a_store_that_cannot_be_written_is_said_once():
    brain = FakeBrain()
    brain.conversations.broken = StoreBusy("Another Brain owns the index.")
    async with app(brain).run_test(size=WIDE) as pilot:
        await ask(pilot, "garden?")
        await until(pilot, lambda: told(pilot) == ["This conversation is not saved: Another Brain owns the index."])
        await ask(pilot, "roof?")
        assert len(told(pilot)) == 1
        assert brain.conversations.kept == {}


async def test_nothing_is_saved_where_settings_say_so():
    brain = FakeBrain()
    async with app(brain, is_keeping=False).run_test(size=WIDE) as pilot:
        await ask(pilot, "garden?")
        assert brain.conversations.kept == {}


async def test_one_is_reopened_and_gone_on_with_in_its_scope():
    brain = talks()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Garden money", "When does the pump arrive?")
        await pilot.press("enter")
        await shows(pilot, "What was decided?", "Garden money", "@work/")
        assert not seen(pilot).count("]~")
        await pilot.press("i")
        await ask(pilot, "and when?")
        asked, history = brain.asked[-1]
        assert asked == "and when?"
        assert [(turn.role, turn.text) for turn in history] == [("user", "What was decided?"), ("assistant", ANSWER)]
        assert brain.scopes[-1] == Scope(within=("work/",))
        await until(pilot, lambda: len(brain.conversations.kept[2].turns) == 2, "saved in the same one")
        await pilot.press("ctrl+n")
        await ask(pilot, "roof?")
        assert (brain.asked[-1], brain.scopes[-1]) == (("roof?", ()), Scope())


async def test_words_find_a_conversation_while_they_are_typed():
    brain = talks()
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await shows(pilot, "Garden money")
        await type_text(pilot, "decided")
        await shows(pilot, "… What was decided?")
        await until(pilot, lambda: "pump" not in seen(pilot))
        await type_text(pilot, "xyz")
        await shows(pilot, "No conversation holds all of these words.")
        await pilot.press("backspace", "backspace", "backspace", "down")
        await shows(pilot, "Enter open")
        await pilot.press("slash")
        assert pilot.app.screen.focused.id == "talks-words"
        await pilot.press("enter", "enter")
        await shows(pilot, "What was decided?")
        assert len(pilot.app.screen_stack) == 1


async def test_renamed_and_not_renamed():
    brain = talks()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("e", *"!!", "escape", "j", "e", "end", "s", "o", "enter")
        await shows(pilot, "When does the pump arrive?so")
        assert brain.conversations.kept[2].title == "Garden money"
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_deleting_asks_first_and_can_be_undone_for_ten_seconds():
    brain, clock = talks(), [1000.0]
    async with app(brain, now=lambda: clock[0]).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("d")
        await shows(pilot, "Delete “Garden money”?")
        await pilot.press("escape")
        await shows(pilot, "Enter open")
        assert 2 in brain.conversations.kept
        await pilot.press("d", "j", "d")
        await shows(pilot, "Delete “When does the pump arrive?”?")
        assert set(brain.conversations.kept) == {1, 2}, "another one is marked: it asks again"
        await pilot.press("d")
        await shows(pilot, "u brings it back")
        await until(pilot, lambda: set(brain.conversations.kept) == {2})
        await pilot.press("u")
        await until(pilot, lambda: set(brain.conversations.kept) == {1, 2})
        await shows(pilot, "When does the pump arrive?", "Enter open")
        await pilot.press("d", "d")
        await shows(pilot, "u brings it back")
        clock[0] += 11
        await pilot.press("u")
        await pilot.pause()
        assert len(brain.conversations.kept) == 1


async def test_what_is_deleted_while_it_is_open_is_not_gone_on_with():
    brain = FakeBrain()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ask(pilot, "garden?")
        await until(pilot, lambda: brain.conversations.kept, "saved")
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("d", "d")
        await until(pilot, lambda: not brain.conversations.kept, "deleted")
        await pilot.press("escape")
        await ask(pilot, "roof?")
        await until(pilot, lambda: brain.conversations.kept, "saved anew")
        assert len(brain.conversations.kept[2].turns) == 1


async def test_a_failure_is_said_and_the_list_stays():
    brain = talks()
    brain.conversations.broken = StoreBusy("Another Brain owns the index.", hint="Do it there.")
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("d", "d")
        await until(pilot, lambda: told(pilot) == ["Another Brain owns the index. Do it there."])
        assert set(brain.conversations.kept) == {1, 2}


async def test_changed_sources_are_marked_with_the_difference_and_one_key_to_ask_again():
    brain = talks()
    board = NOTES / "meetings/2025-03-12-board.md"
    brain.conversations.changed = (
        Verdict(1, "changed", board, 115, 133, 12, None, "agreed on 45 000 €"),
        Verdict(3, "gone", NOTES / "quotes/offer.pdf", 0, 1, 1, 2),
    )
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("enter")
        shown = await shows(pilot, "says now: “agreed on 45 000 €”", "~ sources have changed since · r again")
        assert "⟦1⟧~" in shown
        assert "[2]~" not in shown
        assert "[3]~" in shown
        await pilot.press("N")
        await shows(pilot, "no longer there")
        await pilot.press("r")
        await until(pilot, lambda: brain.asked[-1:] and brain.asked[-1][0] == "What was decided?", "asked again")


async def test_an_answer_whose_folder_was_forgotten_says_so():
    brain = FakeBrain()
    brain.conversations.hold("Secret", answered(answer="", sentences=(), citations=(), evidence=()), forgotten=2)
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("enter")
        await shows(pilot, "What this answer took from 2 forgotten files is gone.")
        await pilot.press("i")
        await ask(pilot, "and?")
        assert brain.asked[-1] == ("and?", ())


async def test_a_conversation_is_exported_as_markdown_and_never_over_a_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    brain = talks()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("x")
        await until(pilot, (tmp_path / "Garden money.md").exists, "written")
        await pilot.press("enter")
        await shows(pilot, "What was decided?")
        await pilot.press("x")
        await until(pilot, lambda: len(told(pilot)) == 2, "written beside it")
        text = (tmp_path / "Garden money.md").read_text()
        assert text.startswith("---\nbrain: machine-written\n")
        assert "[^1]: " in text
        assert told(pilot)[-1] == f"Written: {tmp_path / 'Garden money 2.md'}"


async def test_there_is_nothing_to_export_and_nothing_to_list_at_first():
    async with app(FakeBrain()).run_test(size=WIDE) as pilot:
        screen = await ready(pilot)
        screen.action_export()
        await until(pilot, lambda: told(pilot) == ["There is no saved conversation to export yet."])
        await pilot.press("f4")
        await shows(pilot, "No conversation is saved yet. They are kept as you ask.")
        await pilot.press("enter", "d", "e", "x", "u", "f4")
        assert len(pilot.app.screen_stack) == 1


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_hostile_titles_and_answers_stay_text(monkeypatch, tmp_path: Path, size):
    monkeypatch.chdir(tmp_path)
    brain = FakeBrain()
    brain.conversations.hold(HOSTILE, answered(HOSTILE, answer=HOSTILE, sentences=()))
    async with app(brain).run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        await shows(pilot, "red [b]bold[/b] [@click=app.quit]x[/")
        await pilot.press("e", "escape", "d")
        await shows(pilot, "Delete “red [b]bold[/b]")
        await pilot.press("escape", "x")
        await until(pilot, lambda: list(tmp_path.iterdir()), "written")
        await pilot.press("enter")
        await shows(pilot, "[@click=app.quit]x[/]")
        for text in (seen(pilot), *(path.name + path.read_text() for path in tmp_path.iterdir())):
            assert not any(mark in text for mark in ("\x1b", "\x07", "\u202e"))
        assert pilot.app.is_running


async def test_a_running_answer_is_stopped_when_another_conversation_is_opened():
    gate = Gate()
    brain = talks()
    brain.scripts = [streamed(gate=gate)]
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await shows(pilot, "nobody knows who waters")
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("j", "enter")
        await shows(pilot, "When does the pump arrive?")
        await until(pilot, lambda: not pilot.app.bridge.is_asking, "stopped")
        assert "garden?" not in seen(pilot)
