"""`brain --plain`: questions and answers line by line. Nothing is drawn twice, so that a screen reader can follow it.

Whatever the terminal UI has for one conversation is a command here, by its name.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from brain.cleaning import one_line
from brain.cli.background import event_row
from brain.cli.chats import write_answer
from brain.cli.commands import show_answer
from brain.cli.leaving import through, typed
from brain.cli.output import describe, place, say, source_rows, told
from brain.cli.stopping import cancelling
from brain.conversations import Conversation, exchange
from brain.engine import open_brain
from brain.errors import BrainError, QueryError, StoreError
from brain.events import Answered
from brain.querying import whole_file
from brain.seams import Brain
from brain.settings import Settings
from brain.types import Consent, Message, Scope

HELP = """\
Type a question, and Enter. ctrl+c stops an answer. Commands:
/search WORDS   the passages that words and meaning find, without an answer
/sources        the sources of the last answer once more
/open N         the passage that source N of the last answer, or of the last search, stands in
/again          ask the last question again
/new            begin a new conversation
/model NAME     who answers from now on; /models lists them
/chats WORDS    saved conversations, all or those that hold these words; /chat ID goes on with one
/save FILE.md   the last answer with its sources as a new note
/status         what is indexed, and what does not work
/sync           look at the folders now
/quit           leave; so does ctrl+d
@@FILE in a question has the whole file read."""


def talk(settings: Settings, folders: Sequence[Path] = (), *, hear: Callable[[], str | None] | None = None) -> int:
    """Ask and answer until /quit or the end of the input. `hear` gives one line, None at the end."""
    with open_brain(settings, background=True) as brain:
        for folder in folders:
            brain.add(folder)
        Talk(brain, settings, hear or _typed).go_on()
    return 0


def _typed() -> str | None:
    try:
        return input("> ")
    except EOFError:
        say()
        return None


class Talk:
    """One conversation after another, on stdin and stdout."""

    def __init__(self, brain: Brain, settings: Settings, hear: Callable[[], str | None]) -> None:
        self._brain = brain
        self._settings = settings
        self._hear = hear
        self._model: str | None = None
        self._last: Answered | None = None
        self._places: list[tuple[Path, int, int]] = []  # of what was numbered last: file, and where in its text
        self._begin_anew()

    def go_on(self) -> None:
        """Take lines until there are no more."""
        documents = self._brain.status().indexed
        say(f"Just ask. {documents} documents. /help says what else can be done, /quit leaves.")
        while True:
            try:
                line = self._hear()
            except KeyboardInterrupt:
                say()
                return
            if line is None or line.strip() in ("/quit", "/exit", "/q"):
                return
            if not line.strip():
                continue
            try:
                self._take(line.strip())
            except BrainError as error:
                say(told(error.reason, error.hint))
            except KeyboardInterrupt:
                say()

    def _take(self, line: str) -> None:
        if not line.startswith("/"):
            self._ask(line)
            return
        name, _, rest = line[1:].partition(" ")
        commands: Mapping[str, Callable[[str], None]] = {
            "help": lambda _: say(HELP),
            "search": self._search,
            "sources": lambda _: self._sources(),
            "open": self._open,
            "again": lambda _: self._again(),
            "new": lambda _: self._new(),
            "model": self._choose,
            "models": lambda _: self._models(),
            "chats": self._chats,
            "chat": self._chat,
            "save": self._save,
            "status": lambda _: self._status(),
            "sync": lambda _: self._sync(),
        }
        if name not in commands:
            raise QueryError(f"There is no command /{name}.", hint="/help lists them.")
        commands[name](rest.strip())

    def _begin_anew(self) -> None:
        self._history: list[Message] = []
        self._scope = Scope()
        self._number: int | None = None
        self._talk: Consent | None = None  # to whatever this conversation needs, at one address

    def _ask(self, line: str) -> None:
        whole = whole_file(line)
        question = whole[1] if whole else line
        with cancelling() as cancel:
            if whole:
                begin = partial(self._brain.ask_whole, question, whole[0], cancel=cancel)
            else:
                history = tuple(self._history)
                begin = partial(self._brain.ask, question, history=history, scope=self._scope, cancel=cancel)
            is_remote = not self._brain.status().stays_home
            events = through(
                lambda consent: begin(model=self._model, consent=self._allowed(consent)),
                instead=lambda: begin(quotes=is_remote, model=None),
                send=False,
                cancel=cancel,
                hear=typed if self._hear is _typed else lambda _: self._hear() or "",
            )
            answered = show_answer(events, keep=self._keep)
        if answered is None or cancel.is_set():
            say("Stopped.")
        if answered is not None:
            self._last = answered
            self._places = [(one.path, one.start, one.end) for one in answered.citations]
            self._history += exchange(question, answered)

    def _allowed(self, consent: Consent) -> Consent:
        if consent.conversation:
            self._talk = replace(consent, sha256="", without=())
        return self._talk if self._talk is not None and consent == Consent() else consent

    def _keep(self, answered: Answered) -> int | None:
        if not self._settings.conversations.save or (answered.stopped and not answered.answer):
            return None
        try:
            self._number = self._brain.conversations.append(
                answered, key=secrets.token_hex(16), conversation=self._number, scope=self._scope
            )
        except StoreError as error:
            say(f"This answer is not saved: {told(error.reason, error.hint)}", to=sys.stderr)
        return self._number

    def _search(self, words: str) -> None:
        found = self._brain.search(words, limit=self._settings.search.limit)
        for part in found.impaired:
            say(f"{part.part}: {told(part.why, part.next)}")
        say(f"{len(found.evidence)} passages from {found.documents} documents")
        for one in found.evidence:
            for row in describe(one, found.query):
                say(row)
        self._places = [(one.chunk.path, one.chunk.start, one.chunk.end) for one in found.evidence]

    def _sources(self) -> None:
        for row in source_rows(self._answered()):
            say(row)

    def _open(self, number: str) -> None:
        if not number.isdecimal() or not 1 <= int(number) <= len(self._places):
            many = len(self._places)
            raise QueryError(f"There is no source {number or 'without a number'}.", hint=f"There are {many}.")
        path, start, end = self._places[int(number) - 1]
        document = self._brain.document(path)
        first = document.text.rfind("\n\n", 0, start) + 1
        last = document.text.find("\n\n", end)
        line = document.text.count("\n", 0, first) + 1
        say(place(path, None, line))
        for row in document.text[first : last if last >= 0 else len(document.text)].strip("\n").split("\n"):
            say(row)

    def _again(self) -> None:
        self._ask(self._answered().question)

    def _new(self) -> None:
        self._begin_anew()
        say("A new conversation.")

    def _models(self) -> None:
        for one in self._brain.models():
            where = "on this machine" if one.stays_home else f"on another machine, {one.host}"
            lacks = "" if one.has_key else "its key is missing"
            too_big = "" if one.fits else "needs more memory than is free"
            used = "in use" if one.name == self._model or (self._model is None and one.used) else ""
            said = ", ".join(filter(None, (where, used, lacks, too_big, one.note)))
            say(f"{one_line(one.name)}: {one_line(said)}")

    def _choose(self, name: str) -> None:
        if not name:
            say(f"{self._model or self._brain.status().chat or 'quotes'} answers. /model NAME chooses another.")
            return
        known = {one.name: one for one in self._brain.models()}
        chosen = known.get(name) or known.get(name.partition("/")[0])
        self._model = name
        self._brain.warm(name)
        elsewhere = chosen is not None and not chosen.stays_home
        more = " What would leave this machine is shown before it does." if elsewhere else ""
        say(f"{one_line(name)} answers from now on; the conversation goes on.{more}")

    def _chats(self, words: str) -> None:
        found = self._brain.conversations.summaries(words, limit=20)
        for one in found:
            say(f"{one.id}: {one_line(one.title)}, {one.questions} questions, {one.changed[:16].replace('T', ' ')}")
        if not found:
            say("No conversation holds all of these words." if words else "No conversation is saved yet.")

    def _chat(self, number: str) -> None:
        if not number.isdecimal():
            raise QueryError("Which conversation?", hint="/chats lists them with their numbers.")
        opened: Conversation = self._brain.conversations.get(int(number))
        self._begin_anew()
        self._number, self._scope, self._history = opened.id, opened.scope, list(opened.history())
        say(f"{one_line(opened.title)}: {len(opened.turns)} questions. The next one goes on with it.")
        if opened.turns:
            self._last = opened.turns[-1].answered
            say(f"The last was: {one_line(self._last.question)}")
            say(one_line(self._last.answer) or "Nothing in your notes answered it.")

    def _save(self, name: str) -> None:
        if not name:
            raise QueryError("Where to?", hint="/save FILE.md")
        write_answer(Path(name).expanduser(), self._answered())

    def _status(self) -> None:
        now = self._brain.status()
        say(f"{now.indexed} documents, {now.chunks} passages, {now.vectors_pending} without a vector.")
        say(f"{self._model or now.chat or 'quotes'} answers. {now.sent_today:,} bytes left this machine today.")
        for part in now.degraded:
            say(f"{part.part}: {told(part.why, part.next)}")
        for failure in now.failures:
            say(f"{place(failure.path, None, 1).rsplit(':', 1)[0]}: {told(failure.reason, failure.hint)}")

    def _sync(self) -> None:
        with cancelling() as cancel:
            for event in self._brain.sync(cancel=cancel):
                if line := event_row(event, every_file=False):
                    say(line)

    def _answered(self) -> Answered:
        if self._last is None:
            raise QueryError("Nothing was answered yet.", hint="Ask first.")
        return self._last
