"""Every command of the terminal UI in one table: bindings, hint lines, help and palette are all made from it.

A command may be reached in four places: `key` works everywhere, also while typing; `letter` works in the answer and
the source; `bar` only in the ask bar; `sheet` on the sheet of its group. What a key does is an action of the app or of
its screen; nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Place = Literal["key", "letter", "bar", "sheet"]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do: its id, what it is called, the app's action, and its default keys."""

    id: str
    group: str
    label: str
    action: str
    key: str = ""
    letter: str = ""
    bar: str = ""
    sheet: str = ""
    palette: bool = True  # False: makes sense only where its key works
    empty_bar: bool = False  # its `bar` key is a letter again once something is typed
    back: str = ""  # what it is called while it takes back what it did


COMMANDS = (
    Command("ask.submit", "Ask", "Ask; open a picked result", "screen.submit", bar="enter", palette=False),
    Command("ask.newline", "Ask", "New line", "screen.newline", bar="ctrl+j", palette=False),
    Command("ask.down", "Ask", "Pick a result", "screen.pick(1)", bar="down", palette=False),
    Command("ask.up", "Ask", "Pick a result; earlier questions", "screen.pick(-1)", bar="up", palette=False),
    Command("ask.back", "Ask", "One step back; stop the answer", "screen.back", key="escape,ctrl+g", letter="q"),
    Command("ask.new", "Ask", "New conversation", "screen.new_conversation", key="ctrl+n"),
    Command("talks.list", "Ask", "Saved conversations", "screen.conversations(False)", key="f4"),
    Command("talks.search", "Ask", "Search saved conversations", "screen.conversations(True)", key="ctrl+r"),
    Command("talks.export", "Ask", "Export the conversation", "screen.export", letter="x"),
    Command("ask.again", "Ask", "Ask again", "screen.again", letter="r"),
    Command("ask.copy", "Ask", "Copy the answer", "screen.copy_answer", letter="y"),
    Command("ask.copy_sources", "Ask", "Copy the answer with its sources", "screen.copy_with_sources", letter="Y"),
    Command("ask.why", "Ask", "Why this answer", "screen.why", key="ctrl+t", letter="t"),
    Command("ask.interrupt", "Ask", "Copy the selection; stop; twice quits", "app.interrupt", key="ctrl+c"),
    Command("source.next", "Source", "Next source", "screen.step_source(1)", letter="n"),
    Command("source.previous", "Source", "Previous source", "screen.step_source(-1)", letter="N"),
    Command("source.preview", "Source", "Preview the source", "screen.preview", letter="enter"),
    Command("source.editor", "Source", "Open in your editor", "screen.open_editor", key="ctrl+o", letter="o"),
    Command("source.viewer", "Source", "Open in the system's viewer", "screen.open_viewer", letter="O"),
    Command("source.copy_quote", "Source", "Copy the quote", "screen.copy_quote", letter="c"),
    Command("library.show", "Library", "Watched folders, and what could not be read", "app.library", key="f2",
            letter="l"),
    Command("library.add", "Library", "Add a folder", "app.add_folder", letter="a", sheet="a"),
    Command("library.remove", "Library", "Remove a folder from Brain; asks first", "screen.remove", sheet="d",
            palette=False),
    Command("library.open", "Library", "Open the folder or file", "screen.open_marked", sheet="o", palette=False),
    Command("library.sync", "Library", "Look at the folders again now", "app.look_again", letter="s", sheet="s"),
    Command("library.pause", "Library", "Pause indexing", "app.pause", letter="p", sheet="p", back="Resume indexing"),
    Command("models.switch", "Models", "Switch the model", "screen.models", key="f3", letter="m"),
    Command("models.here", "Models", "Answer on this machine in this conversation", "screen.stay_home"),
    Command("models.prefer", "Models", "Use it from now on, in every conversation", "screen.prefer", sheet="d",
            palette=False),
    Command("leaving.here", "Leaving", "Answer here instead: nothing leaves", "screen.here", sheet="enter",
            palette=False),
    Command("leaving.once", "Leaving", "Send it, this once", "screen.once", sheet="s", palette=False),
    Command("leaving.talk", "Leaving", "Send all in this conversation", "screen.talk", sheet="a", palette=False),
    Command("leaving.bytes", "Leaving", "Show the exact bytes", "screen.bytes", sheet="v", palette=False),
    Command("leaving.tick", "Leaving", "Take a row out, or put it back", "screen.tick", sheet="space", palette=False),
    Command("leaving.cancel", "Leaving", "Cancel: nothing leaves", "screen.cancel", sheet="escape,ctrl+g",
            palette=False),
    Command("view.bar", "View", "Back to the bar", "screen.focus_bar", letter="i,slash"),
    Command("view.page_up", "View", "Scroll up", "screen.page(-1)", letter="pageup,b", bar="pageup"),
    Command("view.page_down", "View", "Scroll down", "screen.page(1)", letter="pagedown,space", bar="pagedown"),
    Command("view.line_up", "View", "One line up", "screen.line(-1)", letter="k,up", palette=False),
    Command("view.line_down", "View", "One line down", "screen.line(1)", letter="j,down", palette=False),
    Command("view.end", "View", "To the end, and follow", "screen.end", letter="G,end"),
    Command("view.previous", "View", "Previous answer", "screen.step_answer(-1)", letter="left_curly_bracket"),
    Command("view.next", "View", "Next answer", "screen.step_answer(1)", letter="right_curly_bracket"),
    Command("view.theme", "View", "Change the colours", "app.change_theme"),
    Command("help.keys", "Help", "Keys", "app.help", key="f1", letter="question_mark", bar="question_mark",
            empty_bar=True),
    Command("help.palette", "Help", "Everything Brain can do", "app.palette", key="ctrl+p", bar="slash",
            empty_bar=True),
    Command("help.health", "Help", "Health: what is off, and what to do", "app.health"),
    Command("help.log", "Help", "Open the log", "app.open_log"),
    Command("app.quit", "Help", "Quit", "app.quit", key="ctrl+q"),
    *(
        Command(f"source.open_{digit}", "Source", f"Open source {digit}", f"screen.open_source({digit})",
                letter=str(digit), palette=False)
        for digit in range(1, 10)
    ),
)  # fmt: skip
BY_ID = {command.id: command for command in COMMANDS}

# Escape must reach a dialog before the app; the others must not be swallowed by the widget that has the focus.
_PRIORITY = frozenset({"ask.interrupt", "app.quit", "help.palette", "ask.why", "ask.new", "source.editor"})
_SHOWN = {
    "escape": "Esc", "enter": "Enter", "question_mark": "?", "slash": "/", "pageup": "PgUp", "pagedown": "PgDn",
    "up": "↑", "down": "↓", "left_curly_bracket": "{", "right_curly_bracket": "}", "space": "Space", "end": "End",
}  # fmt: skip


def binding_id(command: Command, place: Place) -> str:
    """The id that `[keys]` of config.toml rebinds: "source.editor", "source.editor.letter", "help.keys.bar"."""
    return command.id if place == "key" else f"{command.id}.{place}"


def bindings(place: Place, group: str = "") -> list[BindingType]:
    """The bindings of one place, or of one group there, ready for a `BINDINGS` class variable."""
    return [
        Binding(
            keys,
            command.action,
            command.label,
            show=False,
            id=binding_id(command, place),
            priority=place == "key" and command.id in _PRIORITY,
        )
        for command in COMMANDS
        if (keys := getattr(command, place)) and group in ("", command.group)
    ]


def in_bar(key: str, keymap: Mapping[str, str]) -> Command | None:
    """What a key does in the bar; None where it is a letter or moves the cursor."""
    for command in COMMANDS:
        if command.bar and key in keymap.get(binding_id(command, "bar"), command.bar).split(","):
            return command
    return None


def keys(command_id: str, place: Place, keymap: Mapping[str, str]) -> str:
    """The live keys of a command in one place as people read them: "Esc", "^g", "n"; empty where it has none."""
    command = BY_ID[command_id]
    default: str = getattr(command, place)
    live = keymap.get(binding_id(command, place), default) if default else ""
    return " ".join(shown(key) for key in live.split(",") if key)


def best_key(command_id: str, keymap: Mapping[str, str], *, reading: bool = True) -> str:
    """The one key to name in a hint: the letter where letters work, else the key that always works."""
    order: tuple[Place, ...] = ("letter", "key") if reading else ("bar", "key")
    for place in order:
        if found := keys(command_id, place, keymap):
            return found.split(" ", 1)[0]
    return ""


def shown(key: str) -> str:
    """A key as people read it: "ctrl+p" → "^p"."""
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return "^" + _SHOWN.get(key[5:], key[5:])
    return key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key
