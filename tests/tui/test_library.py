"""The Library: what is watched, how far it is read, what could not be read, and what can be done about it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from brain.engine import open_brain
from brain.errors import ModelError, StoreBusy
from brain.events import FileFailed, FileIndexed, StatusChanged, SyncFinished, SyncStarted, VectorsAdded
from brain.seams import Brain
from brain.settings import load
from brain.types import Failure, Folder, Impaired, Owner, Status
from tests.tui.fakes import NOTES, TODAY, FakeBrain, Gate, app, status
from tests.tui.pilot import ready, seen, shows, type_text, until
from tests.tui.test_safety import CHARACTERS, HOSTILE
from tui.app import BrainApp
from tui.messages import AddFolder
from tui.panels.library import LibrarySheet
from tui.panels.library_rows import MOST
from tui.progress import Progress
from tui.widgets.folder_line import completed

WIDE, SMALL, LEAST = (120, 36), (80, 24), (60, 20)
PAPERS, OLD = Path("/home/ana/papers"), Path("/media/usb/old")
LEASE = Failure(NOTES / "scans/lease.pdf", "No text on 12 of 12 pages.", "Is it scanned?")
TAXES = Failure(PAPERS / "taxes/2019.pdf", "It is protected by a password.", "Save a copy without one.")
MISSING = Impaired(
    "watcher", f"The folder {OLD} is missing.", "What is known of it is kept. Bring it back, or forget it."
)
FAR = Impaired(
    "watcher",
    f"{PAPERS} is on a network, where changes by others are not announced.",
    "It is looked at every 60 s.",
)


def library(**changes: object) -> Status:
    """Three folders, one of them missing; two files that could not be read."""
    folders = (Folder(NOTES, 9812, True), Folder(PAPERS, 1418, True), Folder(OLD, 1250, False))
    standing = status(
        folders=folders,
        indexed=12480,
        chunks=148211,
        vectors_done=148211,
        failed=2,
        failures=(LEASE, TAXES),
        unreadable_pages=3,
        degraded=(MISSING,),
    )
    return replace(standing, **changes)  # type: ignore[arg-type]


async def opened(pilot: Pilot[int]) -> LibrarySheet:
    """The Library, open and drawn."""
    await ready(pilot)
    await pilot.press("f2")
    await until(pilot, lambda: isinstance(pilot.app.screen, LibrarySheet), "the Library")
    await shows(pilot, "Library", "look again")
    assert isinstance(pilot.app.screen, LibrarySheet)
    return pilot.app.screen


def marked(sheet: LibrarySheet) -> Path | None:
    """The path of the row that is marked."""
    row = sheet._marked
    return row.path if row else None


@pytest.mark.parametrize("size", [WIDE, SMALL, LEAST], ids=str)
async def test_folders_and_failed_files_stand_one_a_row_and_nothing_is_wider_than_the_window(size: tuple[int, int]):
    async with app(FakeBrain(standing=library())).run_test(size=size) as pilot:
        await opened(pilot)
        screen = await shows(
            pilot,
            "148 211 passages",
            "/home/ana/notes",
            "up to date",
            "2 files could not be read",
            "3 pages without text",
        )
        for start, states in (
            ("/home/ana/notes", "9 812 doc"),
            ("/media/usb/old", "! missing"),
            ("notes/scans", "No t"),
        ):
            (line,) = (line for line in screen.splitlines() if f" {start}" in line)
            assert states in line, line
        if size == WIDE:
            await shows(pilot, "kept, not forgotten", "Is it scanned?", "● watching 2 folders")


async def test_what_the_marked_row_is_about_is_said_in_full():
    async with app(FakeBrain(standing=library())).run_test(size=SMALL) as pilot:
        sheet = await opened(pilot)
        await shows(pilot, "Changes are read as they happen.")
        await pilot.press("down", "j")
        await until(pilot, lambda: marked(sheet) == OLD)
        await shows(pilot, "The folder /media/usb/old is missing. What is known of it is kept.")
        await pilot.press("down")
        await until(pilot, lambda: marked(sheet) == LEASE.path)
        await shows(pilot, "tried again once it changes.", "o open")
        assert "d remove" not in seen(pilot)
        await pilot.press("k")
        await shows(pilot, "d remove")


async def test_a_folder_that_cannot_be_watched_is_polled_and_why_is_said():
    async with app(FakeBrain(standing=library(degraded=(FAR,)))).run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shows(pilot, "○ polled: on a network, where changes", "○ not watched")
        await pilot.press("down")
        await shows(pilot, "are not announced. It is looked at every 60 s.")


async def test_reading_is_shown_with_files_done_and_time_left_once_that_is_worth_something():
    clock = [0.0]
    brain = FakeBrain(standing=library())
    async with app(brain, now=lambda: clock[0]).run_test(size=WIDE) as pilot:
        await opened(pilot)
        brain.say(SyncStarted(0))
        await shows(pilot, "◐ looking at your folders")
        brain.say(SyncStarted(400))
        await shows(pilot, "◐ reading 0 of 400 files", "0 %")
        for at in range(100):
            clock[0] = float(at)
            event = FileIndexed(PAPERS / f"{at}.md", 2, 2, True)
            brain.say(event, event)  # told twice, counted once
            await until(pilot, lambda at=at: pilot.app.progress.done == at + 1)  # type: ignore[attr-defined]
        screen = await shows(pilot, "◐ reading 100 of 400 files", "25 %", "about 5 min", "◐ reading, 100 so far")
        assert "up to date" not in screen
        brain.say(VectorsAdded(700, 700))
        await shows(pilot, "◐ meaning of 700 of 1 400 passages", "50 %")
        brain.say(SyncFinished())
        await shows(pilot, "● watching 2 folders", "up to date")


def test_a_time_left_is_not_told_before_it_is_worth_something():
    clock = [0.0]
    progress = Progress(lambda: clock[0])
    progress.take(SyncStarted(100))
    for at in range(6):
        clock[0] = float(at)
        progress.take(FileFailed(NOTES / f"{at}.md", "no", ""))
        assert progress.left is None
    for at in range(6, 20):
        clock[0] = float(at)
        progress.take(FileIndexed(NOTES / f"{at}.md", 1, 1, True))
    assert progress.left == pytest.approx(80.0)
    assert (progress.below(NOTES), progress.below(Path("/home/ana/note"))) == (20, 0)
    progress.take(SyncFinished(cancelled=True))
    assert progress.left is None


async def test_a_folder_is_added_in_the_sheet_and_a_wrong_one_is_named():
    brain = FakeBrain(standing=library())
    async with app(brain).run_test(size=SMALL) as pilot:
        sheet = await opened(pilot)
        await pilot.press("a")
        await shows(pilot, "Tab completes, Enter adds it.")
        await type_text(pilot, "/missing")
        await pilot.press("enter")
        await shows(pilot, "! /missing does not exist. Check the spelling.")
        await pilot.press("ctrl+u")
        await type_text(pilot, "/more")
        await pilot.press("enter")
        await shows(pilot, "/more is watched now.", "● watching 3 folders")
        assert pilot.app.screen is sheet
        assert brain.added == [Path("/more")]
        assert marked(sheet) == NOTES


@pytest.mark.parametrize("typed", ["~nobody-of-this-name/notes", "notes", "~/notes"])
async def test_a_folder_reaches_the_engine_as_a_whole_path(typed: str, monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    brain = FakeBrain()
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        pilot.app.post_message(AddFolder(typed))
        await until(pilot, lambda: brain.added)
        known = Path("~").expanduser() if typed.startswith("~/") else tmp_path
        assert brain.added == [known / typed.removeprefix("~/")]


async def test_tab_completes_folders_and_goes_on_where_there_is_nothing_to_complete(tmp_path: Path):
    (tmp_path / "Notes of Ana").mkdir()
    (tmp_path / "note.md").write_text("a file is not offered")
    async with app(FakeBrain()).run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("a")
        await shows(pilot, "Tab completes")
        line = pilot.app.screen.query_one("#folder")
        line.value = f"{tmp_path}/no"  # type: ignore[attr-defined]
        line.cursor_position = len(line.value)  # type: ignore[attr-defined]
        await until(pilot, lambda: line._suggestion)  # type: ignore[attr-defined]
        await pilot.press("tab")
        assert line.value == f"{tmp_path}/Notes of Ana/"  # type: ignore[attr-defined]
        await pilot.press("tab")
        assert line.value == f"{tmp_path}/Notes of Ana/"  # type: ignore[attr-defined]


def test_what_completes_a_folder(monkeypatch, tmp_path: Path):
    for name in ("alpha", "Alphabet", ".hidden", "evil\x1b[31m", "evil\u202egnp"):
        (tmp_path / name).mkdir()
    (tmp_path / "alone.md").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert completed(f"{tmp_path}/al") == f"{tmp_path}/alpha/"
    assert completed(f"{tmp_path}/Al") == f"{tmp_path}/Alphabet/"
    assert completed(f"{tmp_path}/ALPHA") == f"{tmp_path}/Alphabet/"
    assert completed("~/alpha") == "~/alpha/"
    assert completed("al") == "alpha/"
    assert completed("~/.h") == "~/.hidden/"
    for typed in ("", "~", ".", "~/", f"{tmp_path}/", "~/alo", "~/evil", "~/hid", "/nowhere/al", "a\0b/c", "~no-one/x"):
        assert completed(typed) is None, typed


async def test_d_asks_first_says_that_the_folder_is_not_touched_and_then_forgets_it():
    brain = FakeBrain(standing=library())
    brain.removing = Gate()
    async with app(brain).run_test(size=SMALL) as pilot:
        sheet = await opened(pilot)
        await pilot.press("down", "d")
        await shows(pilot, "Remove /home/ana/papers from Brain?", "the folder itself is never touched", "Esc keeps it")
        await pilot.press("escape")
        await until(pilot, lambda: "Remove /home" not in seen(pilot))
        await pilot.press("d", "down", "d")
        await shows(pilot, "Remove /media/usb/old from Brain?")  # what was asked about another row is not remembered
        await pilot.press("up", "d", "d", "d", "d")
        await shows(pilot, "… removing")
        assert "Remove /home" not in seen(pilot)
        brain.removing.open()
        await shows(pilot, "Forgot /home/ana/papers and 1 418 documents of it.", "untouched.")
        assert [folder.path for folder in brain.standing.folders] == [NOTES, OLD]
        await until(pilot, lambda: marked(sheet) == OLD)
        await pilot.press("escape")
        assert pilot.app.screen is pilot.app.screen_stack[0]


@pytest.mark.parametrize("key", ["d", "a", "p"])
async def test_a_store_of_another_that_cannot_be_written_is_said(key: str):
    owner = Owner(4121, "brain serve", "2025-11-20T08:00:00Z")
    brain = FakeBrain(standing=library(owner=owner))
    brain.refusal = StoreBusy("Another Brain (pid 4121) owns the index.", hint="Do it there.")

    def refuse(*_: object) -> None:
        raise brain.refusal or AssertionError

    brain.pause = brain.add = refuse  # type: ignore[method-assign]
    async with app(brain).run_test(size=SMALL) as pilot:
        await opened(pilot)
        await shows(pilot, "attached to 4121", "This window is attached to it.")
        await pilot.press(key)
        if key == "a":
            await shows(pilot, "Tab completes")
            await type_text(pilot, "/more")
        await pilot.press("enter" if key == "a" else key)
        await shows(pilot, "Another Brain (pid 4121) owns the index. Do it there.")
        assert len(brain.standing.folders) == 3


async def test_s_looks_again_and_says_what_was_found_and_p_pauses_and_resumes():
    brain = FakeBrain(standing=library())
    async with app(brain).run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("s")
        await shows(pilot, "Looked at your folders: 1 added.")
        await pilot.press("p")
        await shows(pilot, "‖ paused", "p resume", "Indexing is paused.")
        assert brain.standing.paused
        await pilot.press("p")
        await shows(pilot, "● watching 2 folders", "p pause", "Indexing goes on.")
        assert not brain.standing.paused


async def test_o_opens_a_text_in_the_editor_a_pdf_and_a_folder_with_the_viewer(monkeypatch):
    opened_with: list[tuple[str, Path]] = []
    monkeypatch.setattr(BrainApp, "edit", lambda self, path, line, column: opened_with.append(("edit", path)))
    monkeypatch.setattr(BrainApp, "view", lambda self, path: opened_with.append(("view", path)))
    note = Failure(NOTES / "odd.md", "It is not text.")
    async with app(FakeBrain(standing=library(failures=(LEASE, note)))).run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("o", "down", "down", "down", "o", "down", "o", "enter")
        assert opened_with == [("view", NOTES), ("view", LEASE.path), ("edit", note.path)]


async def test_rows_that_come_and_go_do_not_move_the_selection():
    many = tuple(Failure(NOTES / f"{at:03}.pdf", "It is damaged.") for at in range(40))
    brain = FakeBrain(standing=library(failures=many, failed=40))
    async with app(brain).run_test(size=SMALL) as pilot:
        sheet = await opened(pilot)
        rows = sheet._rows
        await pilot.press(*["down"] * 25)
        await until(pilot, lambda: marked(sheet) == many[22].path)
        line = next(at for at, text in enumerate(seen(pilot).splitlines()) if "022.pdf " in text and "│" in text)
        before = rows.highlighted
        brain.standing = replace(brain.standing, failures=(TAXES, LEASE, *many[5:]))
        brain.say(StatusChanged())
        await until(pilot, lambda: rows.highlighted == (before or 0) - 3, "taken in")
        await until(pilot, lambda: "022.pdf " in seen(pilot).splitlines()[line], "on the same line")
        assert marked(sheet) == many[22].path
        brain.standing = replace(brain.standing, failures=many[:2])
        brain.say(StatusChanged())
        await until(pilot, lambda: marked(sheet) == many[1].path, "the nearest that is left")


async def test_many_failed_files_are_counted_and_not_all_listed():
    many = tuple(Failure(NOTES / f"{at:04}.pdf", "It is damaged.") for at in range(MOST + 5))
    async with app(FakeBrain(standing=library(failures=many, failed=len(many)))).run_test(size=SMALL) as pilot:
        await opened(pilot)
        await shows(pilot, "305 files could not be read, here are 300 of them")
        await pilot.press("end")
        await shows(pilot, "0299.pdf")


async def test_without_folders_the_next_step_stands_there_and_the_first_one_appears():
    brain = FakeBrain(standing=status(folders=(), indexed=0, chunks=0, vectors_done=0))
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("f2")
        await shows(pilot, "a  add a folder", "Brain only reads there", "a add  Esc back")
        assert "look again" not in seen(pilot)
        await pilot.press("d", "o", "a")
        await shows(pilot, "Tab completes")
        await type_text(pilot, "/more")
        await pilot.press("enter")
        await shows(pilot, "/more", "look again", "● watching 1 folder")
        await pilot.press("q")
        await shows(pilot, "Just ask.")


async def test_an_engine_that_is_not_open_is_named():
    error = ModelError("The catalog cannot be opened.", hint="Run brain doctor.")
    async with app(FakeBrain(), fails=error).run_test(size=SMALL) as pilot:
        await until(pilot, lambda: pilot.app.lost is not None)  # type: ignore[attr-defined]
        await pilot.press("f2")
        await shows(pilot, "! The catalog cannot be opened.", "Run brain doctor.", "Esc back")
        await pilot.press("d", "o", "f2")
        assert pilot.app.screen is pilot.app.screen_stack[0]


async def test_l_opens_it_while_reading_and_the_palette_by_name():
    async with app(FakeBrain(standing=library())).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await shows(pilot, "4.1 s")
        await pilot.press("escape", "l")
        await shows(pilot, "/home/ana/papers")
        await pilot.press("l", "ctrl+p")
        await type_text(pilot, "watched")
        await shows(pilot, "Watched folders, and what could not be read   F2")
        await pilot.press("enter")
        await shows(pilot, "/home/ana/papers")


@pytest.mark.parametrize("size", [WIDE, LEAST], ids=str)
async def test_hostile_names_and_reasons_stay_text(size: tuple[int, int]):
    folder = Path(f"/home/ana/{HOSTILE.replace('/', '')}")
    trouble = Impaired("watcher", f"{folder} is missing. {HOSTILE}", HOSTILE)
    standing = library(
        folders=(Folder(folder, 3, True), Folder(NOTES, 1, True)),
        failures=(Failure(folder / f"x{HOSTILE.replace('/', '')}.pdf", HOSTILE, HOSTILE),),
        degraded=(trouble,),
    )
    async with app(FakeBrain(standing=standing)).run_test(notifications=True, size=size) as pilot:
        sheet = await opened(pilot)
        for keys in (("d",), ("d",), ("down", "down", "down")):
            await pilot.press(*keys)
            await until(pilot, lambda: sheet.is_current)
            screen = seen(pilot)
            assert not [letter for letter in (*CHARACTERS, "\x1b", "\x07", "\x00", "\x08") if letter in screen]
        assert pilot.app.is_running


async def test_health_names_what_is_off_and_what_to_do():
    deaf = Impaired("vectors", "There is no model for search by meaning.", "brain models pull starter")
    async with app(FakeBrain(standing=library(degraded=(deaf, MISSING), rerank=None))).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await type_text(pilot, "health")
        await pilot.press("enter")
        screen = await shows(
            pilot,
            "search by meaning",
            "brain models pull starter",
            "The folder /media/usb/old is missing.",
            "brain doctor",
        )
        rows = [line.strip(" │") for line in screen.splitlines()]
        assert any(row.startswith("search by meaning") and row.endswith("! off") for row in rows)
        assert any(row.startswith("search by words") and row.endswith("● ok") for row in rows)
        assert any(row.startswith("reranking") and row.endswith("○ not used") for row in rows)
        assert screen.index("search by meaning") < screen.index("search by words")


async def test_health_says_when_all_is_well():
    async with app(FakeBrain()).run_test(size=SMALL) as pilot:
        await ready(pilot)
        pilot.app.action_health()  # type: ignore[attr-defined]
        await shows(pilot, "Everything works.", "answers in sentences")


def _real(home: Path) -> Callable[[], AbstractContextManager[Brain]]:
    return lambda: open_brain(load(home), background=True)


async def eventually(pilot: Pilot[int], is_true: Callable[[], object], what: str) -> None:
    """Like `until`, for work that is really done."""
    deadline = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < deadline, f"never came true: {what} on\n{seen(pilot)}"
        await pilot.pause(0.02)


async def test_real_files_are_added_seen_and_forgotten_and_stay_where_they_are(home: Path, tmp_path: Path):
    notes = tmp_path / "my notes"
    notes.mkdir()
    (notes / "garden.md").write_text("# Garden\n\nThe board agreed on 40 000 for the garden.\n")
    (notes / "broken.pdf").write_text("this is no PDF")
    before = {path: (path.read_bytes(), os.stat(path).st_mtime_ns) for path in notes.iterdir()}
    window = BrainApp(_real(home), today=lambda: TODAY)
    window.animation_level = "none"
    async with window.run_test(size=WIDE) as pilot:
        await eventually(pilot, lambda: window.status is not None, "open")
        await pilot.press("f2")
        await eventually(pilot, lambda: "a  add a folder" in seen(pilot), "the empty Library")
        await pilot.press("a")
        await shows(pilot, "Tab completes")
        line = window.screen.query_one("#folder")
        line.value = str(notes)[:-3]  # type: ignore[attr-defined]
        line.cursor_position = len(line.value)  # type: ignore[attr-defined]
        await eventually(pilot, lambda: line._suggestion, "offered")  # type: ignore[attr-defined]
        await pilot.press("tab", "enter")
        await eventually(pilot, lambda: "1 document" in seen(pilot), "indexed")
        await eventually(pilot, lambda: "● watching, up to date" in seen(pilot), "watched")
        await eventually(pilot, lambda: "1 file could not be read" in seen(pilot), "the broken one")
        await pilot.press("s")
        await eventually(pilot, lambda: "Looked at your folders: nothing new." in seen(pilot), "looked at")
        await pilot.press("d")
        await shows(pilot, "from Brain? What it knows of 1 document there")
        await pilot.press("d")
        await eventually(pilot, lambda: "a  add a folder" in seen(pilot), "forgotten")
        await eventually(pilot, lambda: "untouched." in seen(pilot), "said")
    assert {path: (path.read_bytes(), os.stat(path).st_mtime_ns) for path in notes.iterdir()} == before
    with open_brain(load(home)) as brain:
        assert (brain.status().folders, brain.status().indexed) == ((), 0)
