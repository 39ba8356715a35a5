"""`brain chats`: saved conversations listed, searched, shown, renamed, deleted, exported; and what `brain ask` keeps."""

from __future__ import annotations

import argparse
import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from brain.cleaning import clean, one_line
from brain.cli.output import answer_rows, print_json, say, source_rows, told
from brain.conversations import Conversation, Summary, Turn, lost_sources
from brain.engine import open_brain
from brain.errors import BrainError, SettingsError, StoreError
from brain.events import Answered
from brain.exporting import as_markdown, as_note
from brain.seams import Conversations
from brain.settings import Settings
from brain.types import Scope
from brain.wire import answer_json, plain_json


def chats(options: argparse.Namespace, settings: Settings) -> int:
    """One action."""
    act = {
        "list": _list,
        "search": _list,
        "show": _show,
        "rename": _rename,
        "delete": _delete,
        "export": _export,
        "save": _save,
    }[options.action]
    is_change = options.action in ("rename", "delete")
    with open_brain(settings, own=None if is_change else False) as brain:
        act(options, brain.conversations)
    return 0


def earlier(options: argparse.Namespace, conversations: Conversations) -> Conversation | None:
    """The conversation that a question goes on with, if any. Raises SettingsError, StoreError."""
    if options.go_on and options.chat is not None:
        raise SettingsError("--continue and --chat exclude each other.", hint="--continue takes the one used last.")
    if options.chat is not None:
        return conversations.get(options.chat)
    if not options.go_on:
        return None
    last = conversations.summaries(limit=1)
    if not last:
        raise StoreError("No conversation is saved yet.", hint="Ask without --continue first.")
    return conversations.get(last[0].id)


def keep(
    options: argparse.Namespace, settings: Settings, before: Conversation | None, scope: Scope, answered: Answered
) -> int | None:
    """Save an answer, where that is wanted, and return the number of its conversation. Where it cannot be, stderr says why."""
    is_nothing = answered.stopped and not answered.answer
    if options.unsaved or not settings.conversations.save or is_nothing:
        return None
    number, key = before.id if before else None, secrets.token_hex(16)
    try:
        with open_brain(settings) as brain:
            return brain.conversations.append(answered, key=key, conversation=number, scope=scope)
    except StoreError as error:
        say(f"This answer is not saved: {told(error.reason, error.hint)}", to=sys.stderr)
        return None


def write_answer(path: Path, answered: Answered) -> None:
    """Write an answer as a new note. Raises BrainError for a file that is there or cannot be written."""
    asked = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _write_new(path, as_note(Turn(asked, answered), place=_place))
    say(f"Wrote {path}.", to=sys.stderr)


def _list(options: argparse.Namespace, conversations: Conversations) -> None:
    words = " ".join(options.rest)
    if options.action == "list" and words:
        raise SettingsError("list takes no words.", hint=f"brain chats search {words}")
    if options.action == "search" and not words:
        raise SettingsError("There is nothing to search for.", hint="brain chats search WORDS")
    found = conversations.summaries(words, limit=options.limit)
    if options.json:
        print_json({"conversations": plain_json(found)})
    elif not found:
        say("No conversation holds all of these words." if words else "No conversation is saved yet.")
    for one in found if not options.json else ():
        say(_row(one))
        if one.found and one.found != one.title:
            say(f"      … {one_line(one.found)}")


def _row(one: Summary) -> str:
    many = "question" if one.questions == 1 else "questions"
    return f"{one.id:>5}  {one.changed[:10]}  {one.questions:>3} {many:<9}  {one_line(one.title)}"


def _show(options: argparse.Namespace, conversations: Conversations) -> None:
    shown = _current(conversations, _only(options))
    if options.json:
        turns = [
            {"asked": turn.asked, "forgotten": turn.forgotten, **answer_json(turn.answered)} for turn in shown.turns
        ]
        print_json({**plain_json(replace(shown, turns=())), "turns": turns})
        return
    say(one_line(shown.title))
    for turn in shown.turns:
        say()
        say(f"> {clean(turn.answered.question)}")
        say()
        for row in [*answer_rows(turn.answered), *source_rows(turn.answered)]:
            say(row)
        if turn.forgotten:
            say(lost_sources(turn.forgotten))
        if any(verdict.standing in ("changed", "gone") for verdict in turn.answered.verdicts):
            say(f"[…]~ its words have changed. To ask again: brain ask --chat {shown.id} QUESTION")


def _rename(options: argparse.Namespace, conversations: Conversations) -> None:
    number, *words = options.rest or [""]
    if not words:
        raise SettingsError("rename takes a number and a title.", hint="brain chats rename 12 The garden budget")
    conversations.rename(_number(number), " ".join(words))
    _done(options, {"renamed": _number(number)}, "Renamed.")


def _delete(options: argparse.Namespace, conversations: Conversations) -> None:
    numbers = [_number(one) for one in options.rest]
    if not numbers:
        raise SettingsError("delete takes one number or more.", hint="brain chats lists them.")
    for number in numbers:
        conversations.delete(number)
    many = "conversation" if len(numbers) == 1 else "conversations"
    _done(options, {"deleted": numbers}, f"Deleted {len(numbers)} {many}.")


def _export(options: argparse.Namespace, conversations: Conversations) -> None:
    shown = _current(conversations, _only(options))
    text = as_markdown(shown, [turn.answered.verdicts for turn in shown.turns], place=_place)
    _give(options, text)


def _save(options: argparse.Namespace, conversations: Conversations) -> None:
    if options.to is None:
        raise SettingsError("save needs a file to write.", hint="brain chats save 12 --to ~/notes/garden.md")
    shown = _current(conversations, _only(options))
    at = options.answer or len(shown.turns)
    if not 1 <= at <= len(shown.turns):
        raise SettingsError(f"Conversation {shown.id} has {len(shown.turns)} answers.", hint="--answer N picks one.")
    _give(options, as_note(shown.turns[at - 1], place=_place))


def _current(conversations: Conversations, number: int) -> Conversation:
    """A conversation whose citations have been compared with the files as they are now."""
    shown = conversations.get(number)
    verdicts = conversations.verdicts(number)
    turns = tuple(
        replace(turn, answered=replace(turn.answered, verdicts=found))
        for turn, found in zip(shown.turns, verdicts, strict=False)
    )
    return replace(shown, turns=turns)


def _give(options: argparse.Namespace, text: str) -> None:
    if options.to is not None:
        _write_new(options.to, text)
        _done(options, {"wrote": str(options.to)}, f"Wrote {options.to}.")
    elif options.json:
        print_json({"markdown": text})
    else:
        say(text, end="")


def _done(options: argparse.Namespace, body: dict[str, object], said: str) -> None:
    if options.json:
        print_json(body)
    else:
        say(said)


def _write_new(path: Path, text: str) -> None:
    try:
        with path.expanduser().open("x", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except FileExistsError as error:
        raise BrainError(
            f"{path} exists already.", hint="Name a file that does not: nothing is written over."
        ) from error
    except OSError as error:
        raise BrainError(f"{path} cannot be written: {error.strerror}.", hint="Name another place.") from error


def _place(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _only(options: argparse.Namespace) -> int:
    if len(options.rest) != 1:
        raise SettingsError(f"{options.action} takes one number.", hint="brain chats lists them.")
    return _number(options.rest[0])


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise SettingsError(f"{text!r} is not the number of a conversation.", hint="brain chats lists them.")
    return int(text)
