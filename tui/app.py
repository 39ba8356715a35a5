"""The terminal UI: one bar, one answer, one source beside it. The app around its screens.

It holds the bridge to the engine, how things stand, and what reaches outside: the clipboard, the editor, the log. It
never touches a model, the store or a socket. The engine is opened after the first frame.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.app import App, SuspendNotSupported
from textual.screen import Screen

from brain.cleaning import clean, one_line
from tui import keys, messages, texts
from tui.ask_screen import AskScreen
from tui.terminal import guarded

if TYPE_CHECKING:
    from brain.events import Event, Failed
    from brain.seams import Brain
    from brain.settings import Settings
    from brain.types import Choice, Status
    from tui.bridge import Bridge
    from tui.progress import Progress

Connect = Callable[[], AbstractContextManager["Brain"]]
Severity = Literal["information", "warning", "error"]
_GRACE = 8.0  # seconds the engine has to close its store when the terminal is gone
_TWICE = 2.0  # seconds between two ctrl+c that quit


class BrainApp(App[int]):
    """One window onto one Brain."""

    CSS_PATH = Path(__file__).with_name("brain.tcss")
    TITLE = texts.APP
    BINDINGS = keys.bindings("key")
    ENABLE_COMMAND_PALETTE = False  # ours is opened by our own command

    def __init__(
        self,
        connect: Connect,
        *,
        folders: Sequence[Path] = (),
        is_keeping: bool = True,
        keymap: Mapping[str, str] | None = None,
        today: Callable[[], date] = date.today,
        zone: tzinfo | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.now = now
        self.today = today
        self.zone = zone  # None: that of this machine
        self.is_keeping = is_keeping  # what is asked is saved
        self.live_keys = dict(keymap or {})
        self.status: Status | None = None
        self.progress: Progress | None = None
        self.lost: Failed | None = None
        self.leaving: set[Path] = set()  # folders that are being forgotten
        self._connect = connect
        self._folders = folders
        self._bridge: Bridge | None = None
        self._interrupted = -_TWICE
        self._failing: Failed | None = None
        self._ask = AskScreen(self, today)

    @property
    def bridge(self) -> Bridge:
        """To the engine; made when it is first needed, which is after the first frame."""
        if self._bridge is None:
            from tui.bridge import Bridge

            self._bridge = Bridge(self, self._ask, self._connect, self._folders)
        return self._bridge

    def leave(self) -> None:
        """End the engine in good order, whatever has become of the terminal. May be called from any thread."""
        if self._bridge is not None:
            self._bridge.close()
            self._bridge.ended.wait(_GRACE)

    def get_default_screen(self) -> Screen[None]:
        """The Ask screen."""
        return self._ask

    def on_mount(self) -> None:
        """Draw first; then open the engine."""
        self.set_keymap(self.live_keys)
        self.call_after_refresh(self.connect_again)

    def on_unmount(self) -> None:
        """Let the engine go."""
        if self._bridge:
            self._bridge.close()

    def connect_again(self) -> None:
        """Open the engine, for the first time or after it was lost."""
        from tui.progress import Progress

        self.lost = None
        self.progress = Progress(self.now)
        self.bridge.open()
        self._ask.draw()

    def key(self, command_id: str, reading: bool = True) -> str:
        """The live key to name for a command."""
        return keys.best_key(command_id, self.live_keys, reading=reading)

    def place(self, path: Path) -> str:
        """A path as people know it: inside its folder, with the folder's name where there are several."""
        folders = [folder.path for folder in self.status.folders] if self.status else []
        for folder in folders:
            if path.is_relative_to(folder):
                inside = path.relative_to(folder)
                return str(inside if len(folders) == 1 else Path(folder.name) / inside)
        return path.name

    def say(self, text: str, severity: Severity = "information") -> None:
        """A short notice: on the sheet that has a place for it, else at the corner."""
        if hear := getattr(self.screen, "hear", None):
            hear(one_line(text), severity)
        else:
            self.notify(one_line(text), severity=severity, markup=False)

    # What the engine says

    def on_connected(self) -> None:
        """The engine is open."""
        self._ask.connected()

    def on_disconnected(self, message: messages.Disconnected) -> None:
        """The engine is not there."""
        self.lost = message.failed
        self.progress = None
        self.say(f"{message.failed.reason} {message.failed.hint} {texts.LOST}", "error")
        self._ask.draw()

    async def on_standing(self, message: messages.Standing) -> None:
        """How things stand, now."""
        before, self.status = self.status, message.status
        if before is not None and before.paused != self.status.paused:
            self.say(texts.PAUSED_NOW if self.status.paused else texts.RESUMED_NOW)
        await self._ask.offer_folders()
        if before is None:
            self._ask.connected()
        self._ask.draw()

    def on_happened(self, message: messages.Happened) -> None:
        """What the indexer does."""
        if self.progress is not None and message.ticket is None:
            self.progress.take(message.event)
            self._say_once(message.event)
            self._ask.draw_soon()

    def _say_once(self, event: Event) -> None:
        """Say what failed behind the screen, but not again while it fails again and again in the same way."""
        from brain.events import Failed, SyncFinished

        if isinstance(event, SyncFinished):
            self._failing = None
        elif isinstance(event, Failed) and event != self._failing:
            self._failing = event
            self.say(f"{event.reason} {event.hint}", "error")

    def on_trouble(self, message: messages.Trouble) -> None:
        """Something about the store could not be done."""
        self.say(f"{message.failed.reason} {message.failed.hint}", "error")

    async def on_folder_added(self, message: messages.FolderAdded) -> None:
        """A folder is watched, or cannot be."""
        from tui.panels.sheets import FolderForm, FolderSheet

        if message.failed is None:
            if isinstance(self.screen, FolderSheet):
                self.pop_screen()
            self.say(texts.FOLDER_ADDED.format(folder=message.folder))
            return
        forms = [*self.screen.query(FolderForm)]
        for form in forms:
            form.fail(message.failed)
        if not forms:
            self.say(f"{message.failed.reason} {message.failed.hint}", "error")

    def on_add_folder(self, message: messages.AddFolder) -> None:
        """A folder was typed."""
        self.bridge.add(Path(os.path.expanduser(message.folder)).absolute())  # noqa: PTH111 (Path's fails for "~nobody")

    def forget(self, folder: Path) -> None:
        """Forget a folder; its files stay."""
        self.leaving.add(folder)
        self.bridge.remove(folder)

    def on_folder_removed(self, message: messages.FolderRemoved) -> None:
        """A folder is forgotten, or cannot be."""
        self.leaving.discard(message.folder)
        if failed := message.failed:
            self.say(f"{failed.reason} {failed.hint}", "error")
        else:
            self.say(texts.removed(message.folder, message.documents))

    def on_looked(self, message: messages.Looked) -> None:
        """The folders were looked at."""
        self.say(texts.LOOKED.format(found=texts.found(message.finished)))

    # What the person does, on any screen

    async def action_interrupt(self) -> None:
        """Copy the selection; else stop; else, twice, quit."""
        if selected := self._ask.selected_text:
            await self.copy(selected, texts.THE_SELECTION)
            return
        if self._ask.stop_running():
            return
        now = self.now()
        if now - self._interrupted < _TWICE:
            await self.action_quit()
            return
        self._interrupted = now
        self.say(texts.QUIT_AGAIN)

    async def action_quit(self) -> None:
        """Leave; what runs is ended."""
        if self._bridge:
            self._bridge.close()
        self.exit(0)

    def action_help(self) -> None:
        """Show every key."""
        from tui.panels.sheets import Sheet, help_lines

        self.push_screen(Sheet(texts.HELP, help_lines(self.live_keys)))

    def action_palette(self) -> None:
        """Show every command."""
        from tui.palette import Commands, Palette

        if len(self.screen_stack) == 1:
            if self.bridge.is_open:
                self.bridge.models()  # they can be picked there by name
            self.push_screen(Palette({Commands}, placeholder=texts.PALETTE_PLACEHOLDER))

    async def action_add_folder(self) -> None:
        """Type a folder to watch."""
        from tui.panels.sheets import FolderForm, FolderSheet

        forms = list(self._ask.query(FolderForm))
        if not forms or self.screen is not self._ask or self._ask.has_class("talking"):
            await self.push_screen(FolderSheet())
        else:
            forms[0].query_one("#folder").focus()

    def action_library(self) -> None:
        """Show what is watched, how far it is read, and what could not be read."""
        from tui.panels.library import LibrarySheet

        self.push_screen(LibrarySheet(self))

    def action_health(self) -> None:
        """Show what works, what is off, and what to do about it."""
        from tui.panels.health import health_sheet

        self.push_screen(health_sheet(self.status, self.lost))

    def action_look_again(self) -> None:
        """Look at the folders now."""
        if self.bridge.is_open:
            self.say(texts.LOOKING_NOW)
        self.bridge.sync()

    def action_pause(self) -> None:
        """Let the indexing rest; where it rests, let it go on."""
        self.bridge.pause(not self.is_paused)

    @property
    def is_paused(self) -> bool:
        """Whether the indexing rests because a person said so."""
        return self.status is not None and self.status.paused

    def is_done(self, command: keys.Command) -> bool:
        """Whether a command would now take back what it did."""
        return command.id == "library.pause" and self.is_paused

    def action_open_log(self) -> None:
        """Open the log in the editor."""
        log = self.status.home / "log.jsonl" if self.status else None
        if log is None or not log.exists():
            self.say(texts.NO_LOG)
            return
        self.edit(log, 1, 1)

    # Models

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What can answer, as far as it is known."""
        return self._ask.choices

    def use_model(self, name: str) -> None:
        """Let it answer this conversation."""
        self._ask.switch_to(name)

    # Saved conversations

    def reopen(self, number: int) -> None:
        """Show one on the Ask screen."""
        from tui.talking_screen import fetch

        self.bridge.talks(self._ask, fetch(number), messages.Reopened)

    def export(self, number: int) -> None:
        """Write one as Markdown into the folder that Brain was started in."""
        from tui.talking_screen import write_export

        self.bridge.talks(self, write_export(number, Path.cwd(), str), messages.Exported)

    def lost_talk(self, number: int) -> None:
        """One was deleted."""
        self._ask.lost_talk(number)

    def on_exported(self, message: messages.Exported) -> None:
        """Say where it is."""
        self.say(texts.EXPORTED.format(file=message.path))

    # Outside

    def edit(self, path: Path, line: int, column: int) -> None:
        """Open a file in the person's editor at a line and column; an editor without a window gets this terminal."""
        from tui import outside

        program = outside.editor()
        if not program:
            self.say(texts.NO_EDITOR, "warning")
            return
        command = outside.edit_command(program, path, line, column)
        if outside.has_window(program):
            self.start(command)
            return
        try:
            with self.suspend():
                outside.wait_for(command)
        except SuspendNotSupported:
            self.say(texts.NO_SUSPEND, "warning")
        except OSError as error:
            self.say(texts.EDITOR_FAILED.format(reason=error.strerror), "error")

    def view(self, path: Path) -> None:
        """Open a file with the system's own program."""
        from tui import outside

        if program := outside.viewer():
            self.start([*program, str(path.absolute())])
        else:
            self.say(texts.NO_VIEWER, "warning")

    def start(self, command: Sequence[str]) -> None:
        """Start a program that has a window of its own."""
        from tui import outside

        try:
            outside.start(command)
        except OSError as error:
            self.say(texts.EDITOR_FAILED.format(reason=error.strerror), "error")

    async def copy(self, text: str, what: str) -> None:
        """Put text on the clipboard, by every way there is, and say which one took it."""
        from tui import outside

        text = clean(text)
        self.copy_to_clipboard(text)
        if how := await outside.copy(text):
            self.say(texts.COPIED.format(what=what, how=how))
            return
        home = self.status.home if self.status else Path.home()
        try:
            kept = outside.keep_copy(home, text)
        except OSError as error:
            self.say(texts.COPY_FAILED.format(what=what.capitalize(), reason=error.strerror), "warning")
            return
        self.say(texts.COPIED_FILE.format(what=what.capitalize(), file=kept))


def run(settings: Settings, folders: list[Path]) -> int:
    """The terminal UI until it is left; folders are added first. Returns the exit code."""

    def connect() -> AbstractContextManager[Brain]:
        from brain.engine import open_brain  # a second of imports that the first frame must not pay

        return open_brain(settings, background=True)

    app = BrainApp(connect, folders=folders, is_keeping=settings.conversations.save)
    with guarded(app.leave, app.exit):
        return app.run() or 0
