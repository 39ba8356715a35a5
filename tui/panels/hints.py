"""The line of keys above the bottom one: only what works now, with the keys that are live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from textual.content import Content

from tui import texts
from tui.widgets.line import Part

if TYPE_CHECKING:
    from tui.turns import Turn

Where = Literal["form", "bar", "results", "picked", "reading", "source"]
Key = Callable[[str, bool], str]  # command id, whether letters work → the key to show

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def hint(key: str, does: str, keep: int = 5) -> Part:
    """A key and what it does."""
    return Part(Content.assemble((key, "bold $text-accent"), (f" {does}", "dim")), keep=keep)


def hints(where: Where, turn: Turn | None, key: Key, *, has_text: bool, now: float, motion: bool) -> list[Part]:
    """What can be done now, the most useful first. A running answer comes before all else."""
    done: list[Part] = []
    if turn is not None and turn.is_running:
        done += _running(turn, key, now=now, motion=motion)
    is_open = turn is not None and bool(turn.sources)
    match where:
        case "form":
            done += [hint("Enter", "adds the folder", 8), hint("Tab", "to the bar", 6)]
        case "picked":
            done += [
                hint("↑↓", "pick", 6),
                hint(key("ask.submit", False), "opens", 7),
                hint(key("source.editor", False), "editor", 4),
            ]
            done.append(hint(key("ask.back", False), "lets go", 6))
        case "results":
            done += [hint(key("ask.submit", False), "ask", 8), hint("↓", "pick a result", 7)]
            if not (turn and turn.is_running):
                done.append(hint(key("ask.back", False), "clear", 5))
        case "reading":
            if is_open:
                done += [hint(key("source.next", True), "next source", 7), hint("1-9", "open", 3)]
                done += [hint(key("source.preview", True), "preview", 7), hint(key("source.editor", True), "editor", 5)]
            if turn is not None and turn.could_stay:
                done.append(hint(key("source.preview", True), texts.ANSWER_HERE, 8))
            if turn is not None and not turn.is_running:
                done += [hint(key("ask.copy", True), "copy", 4), hint(key("ask.again", True), "again", 4)]
                done.append(hint(key("ask.why", True), "why", 3))
            done.append(hint(key("view.bar", True), "type", 6))
        case "source":
            done += [hint(key("source.next", True), "next", 6), hint(key("source.editor", True), "editor", 6)]
            done += [
                hint(key("source.viewer", True), "viewer", 4),
                hint(key("source.copy_quote", True), "copy quote", 4),
            ]
            done.append(hint(key("ask.back", True), "back", 7))
        case "bar":
            if has_text:
                done.append(hint(key("ask.submit", False), "ask", 7))
            if turn is not None and not turn.is_running:
                done += [hint(key("view.page_up", False), "read", 3)]
                if is_open:
                    done.append(hint(key("source.editor", False), "editor", 4))
                done.append(hint(key("ask.why", False), "why", 4))
                done.append(hint(key("ask.new", False), "new", 3))
                done.append(hint(key("ask.back", False), "clear" if has_text else "keys for the answer", 5))
            if turn is not None and turn.could_stay and not has_text:
                done.insert(0, hint(key("ask.submit", False), texts.ANSWER_HERE, 8))
            elif turn is None:
                done.append(hint(key("app.quit", False), "quit", 2))
    return done


def always(key: Callable[[str], str]) -> list[Part]:
    """What stands at the right: help and the palette."""
    return [hint(key("help.keys"), "keys", 3), hint(key("help.palette"), "everything", 8)]


def _running(turn: Turn, key: Key, *, now: float, motion: bool) -> list[Part]:
    frame = _FRAMES[int(now * 4) % len(_FRAMES)] if motion else "●"
    doing = texts.WRITING if turn.state == "writing" else texts.WORKING
    done = [Part(Content.assemble((f"{frame} ", "$text-primary"), doing), keep=9)]
    seconds = now - turn.writing_since
    if turn.state == "writing" and seconds >= 1:
        done.append(Part(Content.styled(texts.WORDS_A_SECOND.format(rate=turn.words / seconds), "dim"), keep=2))
    return [*done, hint(key("ask.back", False), "stop", 9)]
