"""What a person does with the Ask screen, from the first key to the last.

Its many lines are one journey each.
"""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from brain.errors import ModelError, StoreBusy, StoreError
from brain.events import (
    Failed,
    FileIndexed,
    Reading,
    Retrieved,
    SyncFinished,
    SyncStarted,
    Timings,
    Token,
    VectorsAdded,
)
from brain.types import Failure, Impaired, Owner, Scores, Window
from tests.tui.fakes import (
    ANSWER,
    NOTES,
    FakeBrain,
    Gate,
    answered,
    app,
    nothing_found,
    retrieved,
    status,
    streamed,
)
from tests.tui.pilot import ready, seen, shows, type_text, until
from tui import keys
from tui.app import BrainApp
from tui.messages import Submitted
from tui.panels.gate import GateSheet
from tui.panels.library import LibrarySheet
from tui.panels.models import ModelSheet

WIDE, SMALL = (120, 36), (80, 24)


async def ask(pilot: Pilot[int], question: str = "garden budget?") -> None:
    await ready(pilot)
    await type_text(pilot, question)
    await pilot.press("enter")


def bar(pilot: Pilot[int]) -> str:
    return pilot.app.screen_stack[0].query_one("#prompt").text  # type: ignore[attr-defined]


def found_by_words(query: str) -> Retrieved:
    """The second passage alone, as words find it."""
    found = retrieved(query)
    pump = replace(found.evidence[1], number=1, scores=Scores(words=1.0))
    return replace(found, evidence=(pump,), seconds=Timings(0.004, 0.0, 0.004))


async def test_what_words_find_is_shown_before_meaning_has_been_looked_at():
    brain = FakeBrain()
    brain.by_words = found_by_words
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden budget")
        shown = await shows(pilot, "4 ms")
        assert "meetings/2025-03-12-board.md:12" not in shown
        brain.meaning.open()
        await shows(pilot, "meetings/2025-03-12-board.md:12", "words 4 ms · meaning 31 ms")


async def test_search_that_is_typed_over_is_left():
    brain = FakeBrain()
    brain.by_words = found_by_words
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden")
        await shows(pilot, "4 ms")
        await type_text(pilot, " pump")
        await until(pilot, lambda: "garden pump" in brain.searched)
        assert brain.searched[0] in brain.unfinished


async def test_type_see_passages_ask_stream_finish():
    gate = Gate()
    brain = FakeBrain(streamed(gate=gate))
    async with app(brain).run_test(notifications=True, size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "g")
        assert brain.searched == []
        await type_text(pilot, "arden budget")
        await shows(pilot, "meetings/2025-03-12-board.md:12", "words+meaning", "8 months", "words 4 ms · meaning 31 ms")
        await pilot.press("enter")
        await shows(pilot, "You    garden budget", "The board agreed on 40 000 €", "writing")
        assert bar(pilot) == ""
        gate.open()
        screen = await shows(
            pilot, "55 000 € ⟦1⟧.", "30 June [3]", "waters it (no source)", "3 passages · 3 cited · qwen3-4b · 4.1 s"
        )
        assert "▸1 meetings/2025-03-12-board.md:12  “agreed on 40 000 €”" in screen
        assert "**" not in screen


async def test_passages_never_move_under_a_picked_one():
    brain = FakeBrain()
    async with app(brain).run_test(notifications=True, size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden")
        await shows(pilot, "projects/roles.md:3")
        await pilot.press("down", "down")
        await shows(pilot, "▸ projects/roles.md:3")
        results = pilot.app.screen_stack[0].query_one("#results")
        results.show("garden", retrieved("other"))
        assert results.source(1).path == NOTES / "projects/roles.md"
        await pilot.press("enter")
        await shows(pilot, "2 of 3  projects/roles.md", "▌3  - Ana owns the budget")
        assert brain.asked == []
        await pilot.press("escape")
        await until(pilot, lambda: "line 3 of" not in seen(pilot))
        assert bar(pilot) == "garden"


async def test_pick_lets_go_past_the_end_and_esc_clears():
    async with app(FakeBrain()).run_test(notifications=True, size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden")
        await shows(pilot, "projects/roles.md:3")
        await pilot.press("down", "down", "down", "down")
        assert "▸" not in seen(pilot)
        await pilot.press("up")
        await shows(pilot, "▸ quotes/offer.pdf p.2")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "roles.md" not in seen(pilot))
        assert bar(pilot) == ""


async def test_citations_are_one_key_away():
    async with app(FakeBrain()).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "⟦1⟧", "4.1 s")
        await pilot.press("escape", "n")
        await shows(pilot, "⟦2⟧", "▸2 projects/roles.md:3")
        await pilot.press("N", "N")
        await shows(pilot, "⟦3⟧")
        await pilot.press("1")
        await shows(pilot, "1 of 3  meetings/2025-03-12-board.md", "line 12 of", "▌12  After discussion")
        await pilot.press("n")
        await shows(pilot, "2 of 3  projects/roles.md", "⟦2⟧")
        await pilot.press("escape", "3", "enter")
        await shows(pilot, "3 of 3  quotes/offer.pdf", "page 2 of 2", "▌")


async def test_editor_opens_at_the_line_without_a_shell(monkeypatch, tmp_path):
    started: list[list[str]] = []
    monkeypatch.setenv("VISUAL", "code --wait")
    monkeypatch.setattr("tui.outside.start", lambda command: started.append(list(command)))
    async with app(FakeBrain()).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("escape", "o")
        await until(pilot, lambda: started)
        assert started == [["code", "--wait", "--goto", f"{NOTES}/meetings/2025-03-12-board.md:12:28"]]
        await pilot.press("i", "ctrl+o")
        await until(pilot, lambda: len(started) == 2)


async def test_editor_that_needs_the_terminal_is_not_started_where_it_cannot_be_lent(monkeypatch):
    monkeypatch.setenv("VISUAL", "vim")
    async with app(FakeBrain()).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("ctrl+o")
        await shows(pilot, "cannot be lent")


@pytest.mark.parametrize("key", ["escape", "ctrl+g", "ctrl+c"])
async def test_stop_before_the_first_word(key):
    gate = Gate()
    brain = FakeBrain([retrieved(), Reading(300, 1204), gate, Token("never "), answered()])
    async with app(brain).run_test(notifications=True, size=SMALL) as pilot:
        await ask(pilot)
        await shows(pilot, "reading 3 passages  24 %")
        await pilot.press(key)
        await shows(pilot, "stopped before the first word · r again")
        await until(pilot, lambda: not pilot.app.bridge.is_asking)
        assert "never" not in seen(pilot)


async def test_stop_keeps_the_words_there_are_and_r_asks_again():
    gate = Gate()
    brain = FakeBrain([retrieved(), Token("Two words"), gate, Token(" more "), answered()], streamed())
    async with app(brain).run_test(notifications=True, size=SMALL) as pilot:
        await ask(pilot)
        await shows(pilot, "Two words")
        await pilot.press("escape")
        await shows(pilot, "stopped after 2 words · r again")
        await until(pilot, lambda: not pilot.app.bridge.is_asking)
        assert "Two words" in seen(pilot)
        await pilot.press("escape", "r")
        await shows(pilot, "3 passages · 3 cited")
        assert [question for question, _ in brain.asked] == ["garden budget?", "garden budget?"]


async def test_esc_after_the_answer_leaves_the_bar_and_i_comes_back():
    async with app(FakeBrain()).run_test(notifications=True, size=SMALL) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("escape")
        await shows(pilot, "n next source")
        await pilot.press("i", "x")
        assert bar(pilot) == "x"


async def test_follow_up_takes_the_conversation_along_and_new_forgets_it():
    brain = FakeBrain()
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot, "first?")
        await shows(pilot, "4.1 s")
        await type_text(pilot, "second?")
        await pilot.press("enter")
        await until(pilot, lambda: len(brain.asked) == 2)
        question, history = brain.asked[1]
        assert question == "second?"
        assert [(turn.role, turn.text) for turn in history] == [("user", "first?"), ("assistant", ANSWER)]
        assert {turn.private for turn in history} == {False} and all(turn.sources for turn in history)
        await until(pilot, lambda: not pilot.app.bridge.is_asking)
        await pilot.press("ctrl+n")
        await shows(pilot, "Just ask.")
        await type_text(pilot, "third?")
        await pilot.press("enter")
        await until(pilot, lambda: len(brain.asked) == 3)
        assert brain.asked[2] == ("third?", ())


async def test_one_question_waits_while_an_answer_runs():
    gate = Gate()
    brain = FakeBrain(streamed(gate=gate), streamed())
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot, "first?")
        await shows(pilot, "The board agreed")
        await type_text(pilot, "second?")
        await pilot.press("enter")
        await shows(pilot, "waits for the answer above")
        await type_text(pilot, "third?")
        await pilot.press("enter")
        await shows(pilot, "One question waits already.")
        assert bar(pilot) == "third?"
        gate.open()
        await until(pilot, lambda: [question for question, _ in brain.asked] == ["first?", "second?"])


async def test_scrolling_up_while_words_come_stays_put_and_says_so():
    gate, end = Gate(), Gate()
    lines = [Token(f"line {n}\n\n") for n in range(40)]
    brain = FakeBrain([retrieved(), *lines, gate, *lines, Token("the last"), end, answered()])
    async with app(brain).run_test(notifications=True, size=SMALL) as pilot:
        await ask(pilot)
        await shows(pilot, "line 39")
        await pilot.press("pageup")
        top = seen(pilot).splitlines()[2]
        gate.open()
        await shows(pilot, "new lines")
        assert seen(pilot).splitlines()[2] == top
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        await shows(pilot, "the last")
        assert "new lines" not in seen(pilot)
        end.open()


async def test_every_printable_key_typed_into_the_bar_ends_up_in_the_bar():
    typed = string.ascii_letters + string.digits + string.punctuation
    async with app(FakeBrain()).run_test(notifications=True, size=WIDE) as pilot:
        await ready(pilot)
        for key in typed:  # all at once, as fast fingers do
            pilot.app.screen.query_one("#prompt").post_message(Key(_character_to_key(key), key))
        await until(pilot, lambda: len(bar(pilot)) >= len(typed))
        assert bar(pilot) == typed


async def test_question_mark_helps_in_an_empty_bar_and_is_a_letter_in_a_question():
    async with app(FakeBrain()).run_test(notifications=True, size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        await shows(pilot, "One step back", "Esc closes")
        await pilot.press("escape")
        await until(pilot, lambda: "One step back" not in seen(pilot))
        await type_text(pilot, "who?")
        assert bar(pilot) == "who?"
        await pilot.press("f1")
        await shows(pilot, "One step back")


async def test_resize_keeps_the_focused_citation():
    async with app(FakeBrain()).run_test(notifications=True, size=(160, 40)) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("escape", "n")
        await shows(pilot, "⟦2⟧")
        for width, height in ((60, 20), (120, 36)):
            await pilot.resize_terminal(width, height)
            await shows(pilot, "⟦2⟧", "▸2", " 214 documents ─╮")
        await pilot.resize_terminal(32, 8)
        await shows(pilot, "Brain needs 40×10.", "32×8")
        await pilot.resize_terminal(120, 36)
        await shows(pilot, "⟦2⟧")


async def test_nothing_found_shows_the_closest_and_opens_them():
    async with app(FakeBrain([retrieved(), nothing_found()])).run_test(notifications=True, size=SMALL) as pilot:
        await ask(pilot, "chess cup?")
        await shows(pilot, "Nothing in your files answers this.", "Closest:", "2 projects/roles.md:3")
        await pilot.press("escape", "2")
        await shows(pilot, "2 of 3  projects/roles.md")


async def test_failure_keeps_the_question_and_says_what_to_do():
    broken = ModelError("The model stopped unexpectedly.", hint="Ask again.")
    async with app(FakeBrain([retrieved(), Token("half"), broken])).run_test(notifications=True, size=SMALL) as pilot:
        await ask(pilot)
        await shows(pilot, "You    garden budget?", "half", "! The model stopped unexpectedly.", "Ask again.")


async def test_bug_becomes_an_apology_and_the_screen_lives(caplog):
    async with app(FakeBrain([retrieved(), ValueError("secret detail")], streamed())).run_test(
        notifications=True, size=SMALL
    ) as pilot:
        await ask(pilot)
        await shows(pilot, "that is a bug")
        assert "secret detail" not in seen(pilot)
        await pilot.press("escape", "r")
        await shows(pilot, "4.1 s")
    assert "secret detail" in caplog.text


async def test_first_run_takes_a_folder(tmp_path):
    brain = FakeBrain(standing=status(folders=(), indexed=0, chunks=0, vectors_done=0))
    async with app(brain).run_test(notifications=True, size=SMALL) as pilot:
        await shows(pilot, "Nothing to remember yet. Add a folder of notes or PDFs.")
        await type_text(pilot, "/missing")
        await pilot.press("enter")
        await shows(pilot, "! /missing does not exist. Check the spelling.")
        await pilot.press("ctrl+u")
        await type_text(pilot, "/notes")
        await pilot.press("enter")
        await shows(pilot, "Just ask.")
        assert brain.added == [Path("/notes")]
        await type_text(pilot, "hello")
        assert bar(pilot) == "hello"


async def test_folders_given_are_added():
    brain = FakeBrain()
    async with app(brain, folders=[Path("/a"), Path("/missing")]).run_test(notifications=True, size=WIDE) as pilot:
        await shows(pilot, "watching 2 folders", "/missing does not exist.")
    assert brain.added == [Path("/a")]
    assert brain.closed.wait(5)


@pytest.mark.parametrize(
    ("standing", "texts"),
    [
        (status(), ("Just ask.", "214 documents · 1 418 passages", "● watching 1 folder", "words+meaning", "qwen3-4b")),
        (status(chat=None), ("No model yet. Search works; answers need one.", "brain models pull starter", "no model")),
        (
            status(owner=Owner(1, "brain serve", "2025-11-20")),
            ("Another Brain (pid 1) owns the index.", "attached to 1"),
        ),
        (status(degraded=(Impaired("vectors", "gone"),)), ("words, meaning off",)),
        (status(vectors_done=400, vectors_pending=1018), ("words, meaning 28 %",)),
        (status(paused=True), ("‖ paused", "words+meaning")),
        (status(paused=True, owner=Owner(1, "brain serve", "2025-11-20")), ("attached to 1", "‖ paused")),
        (status(failed=2, failures=(Failure(NOTES / "x", "bad"),)), ("! 2 files not read",)),
    ],
)
@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_how_things_stand_is_said_in_words(standing, texts, size):
    async with app(FakeBrain(standing=standing)).run_test(notifications=True, size=size) as pilot:
        await ready(pilot)
        said = [text for text in texts if size == WIDE or text not in ("● watching 1 folder", "qwen3-4b")]
        await shows(pilot, *said)


async def test_indexing_is_counted_and_then_gone():
    brain = FakeBrain()
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ready(pilot)
        brain.say(SyncStarted(12), *(FileIndexed(NOTES / f"{n}.md", 3, 3, True) for n in range(5)))
        await shows(pilot, "◐ indexing 5/12", "reading 5 of 12, you can ask already")
        brain.say(VectorsAdded(30, 70))
        await shows(pilot, "◐ meaning 30/100")
        brain.say(SyncFinished(added=12))
        await shows(pilot, "● watching 1 folder")


async def test_p_pauses_the_indexing_and_resumes_it_and_the_palette_names_what_it_would_do():
    brain = FakeBrain()
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        brain.say(SyncStarted(12))
        await shows(pilot, "◐ indexing 0/12")
        await pilot.press("escape", "p")
        await shows(pilot, "‖ paused", "Indexing is paused.")
        assert brain.standing.paused
        brain.say(SyncFinished(added=3, cancelled=True))
        await until(pilot, lambda: "indexing 0/12" not in seen(pilot))
        await pilot.press("ctrl+p")
        await type_text(pilot, "indexing")
        await shows(pilot, "Resume indexing   p")
        await pilot.press("enter")
        await shows(pilot, "● watching 1 folder", "Indexing goes on.")
        assert not brain.standing.paused
        await pilot.press("ctrl+p")
        await type_text(pilot, "indexing")
        await shows(pilot, "Pause indexing   p")


async def test_an_index_that_can_only_be_read_cannot_be_paused_and_says_why():
    brain = FakeBrain()
    brain.pause = _refused  # type: ignore[method-assign]
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await type_text(pilot, "pause")
        await shows(pilot, "Pause indexing   p")
        await pilot.press("enter")
        await shows(pilot, "Another Brain owns the index.", "● watching 1 folder")


def _refused() -> None:
    raise StoreBusy("Another Brain owns the index.", hint="Close it.")


async def test_what_fails_behind_the_screen_is_said_once():
    brain, failed = FakeBrain(), Failed("The Brain that owns the index does not answer.", "Let it go on, or end it.")
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ready(pilot)
        brain.say(failed, failed, SyncStarted(12))
        await shows(pilot, "The Brain that owns the index does not", "◐ indexing 0/12")
        assert seen(pilot).count("that owns the index does not") == 1


async def test_engine_that_does_not_open_says_why_and_enter_tries_again():
    brain = FakeBrain()
    failing = app(brain, fails=StoreError("The disk is full.", hint="Make room."))
    async with failing.run_test(notifications=True, size=SMALL) as pilot:
        await shows(pilot, "! The disk is full.", "Make room.", "Enter tries again.", "! not open")
        working = app(brain)
        failing.bridge._connect = working._connect
        await pilot.press("enter")
        await shows(pilot, "words+meaning")


async def test_owner_that_leaves_is_followed_by_another_connection():
    brain = FakeBrain()
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ready(pilot)
        brain.leave()
        await until(pilot, brain.closed.is_set)
        await until(pilot, lambda: pilot.app.bridge.is_open)
        await ask(pilot)
        await shows(pilot, "4.1 s")


async def test_ctrl_c_twice_quits():
    async with app(FakeBrain()).run_test(notifications=True, size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+c")
        await shows(pilot, "ctrl+c again quits.")
        await pilot.press("ctrl+c")
    assert pilot.app.return_value == 0


async def test_copy_names_the_way_or_the_file(monkeypatch, tmp_path):
    for variable in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    async with app(FakeBrain(standing=status(home=tmp_path))).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("escape", "Y")
        await shows(pilot, "No clipboard answered.")
        copied = (tmp_path / "copied.txt").read_text()
        assert "55 000 € [1]." in copied
        assert "[3] quotes/offer.pdf p.2 “valid until 30 June”" in copied
        assert (tmp_path / "copied.txt").stat().st_mode & 0o077 == 0
        assert pilot.app.clipboard == copied


async def test_why_shows_where_the_scores_come_from():
    strange = Impaired("vectors", "The embedding model hardly knows the language.")
    _, *rest = streamed()
    brain = FakeBrain([replace(retrieved(), degraded=("vectors",), impaired=(strange,)), *rest])
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("ctrl+t")
        await shows(pilot, "Why this answer", "7.31", "0.71", "passages 38 ms · first word 0.9 s · whole answer 4.1 s")
        await shows(pilot, "vectors: The embedding model hardly knows the language.")


async def test_long_conversations_keep_few_widgets_and_bring_old_turns_back():
    brain = FakeBrain([retrieved(), answered(answer="Short.", sentences=(), citations=())])
    async with app(brain).run_test(notifications=True, size=WIDE) as pilot:
        screen = await ready(pilot)
        for number in range(23):
            screen.post_message(Submitted(f"q{number}"))
            await until(pilot, lambda number=number: len(brain.asked) == number + 1 and not pilot.app.bridge.is_asking)
        await shows(pilot, "↑ 3 earlier questions")
        assert len(pilot.app.screen.query("TurnView")) == 20
        await pilot.press("escape", *["pageup"] * 12)
        await shows(pilot, "You    q0")


async def test_rebound_key_changes_the_hint_and_the_old_key_is_dead():
    rebound: BrainApp = app(FakeBrain(), keymap={"source.next.letter": "x"})
    async with rebound.run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("escape")
        await shows(pilot, "x next source")
        await pilot.press("n")
        assert "⟦1⟧" in seen(pilot)
        await pilot.press("x")
        await shows(pilot, "⟦2⟧")


async def test_palette_finds_a_command_by_any_word_and_does_it():
    async with app(FakeBrain()).run_test(notifications=True, size=WIDE) as pilot:
        await ask(pilot)
        await shows(pilot, "4.1 s")
        await pilot.press("ctrl+p")
        await shows(pilot, "New conversation   ^n")
        await type_text(pilot, "why")
        await shows(pilot, "Why this answer   ^t")
        await pilot.press("enter")
        await shows(pilot, "whole answer 4.1 s")


def test_no_two_commands_share_a_key_in_one_place_and_none_is_forbidden():
    forbidden = {f"ctrl+{letter}" for letter in "aekuwdfvxybshim"} | {"ctrl+space", "ctrl+enter", "alt+enter"}
    forbidden |= {f"f{number}" for number in range(5, 13)}
    for place in ("key", "letter", "bar"):
        bound = [key for command in keys.COMMANDS for key in getattr(command, place).split(",") if key]
        assert len(bound) == len(set(bound)), place
        assert not forbidden & set(bound)
    for group in ("Leaving", "Library", "Models"):
        bound = [key for one in keys.COMMANDS if one.group == group for key in one.sheet.split(",") if key]
        assert len(bound) == len(set(bound)), group
    ids = [keys.binding_id(command, "key") for command in keys.COMMANDS]
    assert len(ids) == len(set(ids))


async def test_every_command_does_something():
    async with app(FakeBrain()).run_test(size=WIDE) as pilot:
        screen = await ready(pilot)
        for command in keys.COMMANDS:
            target, _, action = command.action.partition(".")
            owner: object = screen if target == "screen" else pilot.app
            if command.sheet and target == "screen":
                owner = {"Leaving": GateSheet, "Library": LibrarySheet, "Models": ModelSheet}[command.group]
            if command.id != "ask.submit":  # the bar itself sends what was typed
                assert hasattr(owner, f"action_{action.partition('(')[0]}"), command


@pytest.mark.parametrize(("width", "dated"), [(140, "2025-03-12 (file name)"), (80, "meaning")])
async def test_what_was_understood_of_days_is_said_and_where_a_date_comes_from(width: int, dated: str) -> None:
    brain = FakeBrain()
    first, *others = retrieved("garden").evidence
    window = Window("2025-03-01", "2025-03-31", "last March")
    found = replace(retrieved("garden"), evidence=(replace(first, date_origin="name"), *others), window=window)
    brain.found = lambda query: found
    async with app(brain).run_test(size=(width, 36)) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden last March")
        await shows(pilot, "dates: 1–31 March 2025 (from “last March”)", dated)
