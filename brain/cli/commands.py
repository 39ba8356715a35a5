"""One function a command: it opens a Brain, does what was asked, prints the result, and returns the exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TextIO

from brain.cli.chats import earlier, keep, write_answer
from brain.cli.leaving import preview, sent_row, through, typed
from brain.cli.output import Progress, Streamed, describe, plan_rows, print_json, say, source_rows, told
from brain.cli.stopping import cancelling
from brain.costs import left_today, usd
from brain.dating import window_in_words
from brain.engine import open_brain
from brain.errors import BrainError, FolderMissing, SettingsError
from brain.events import Answered, Event, Failed, Leaving, Planned, SyncFinished
from brain.querying import scope_from, whole_file
from brain.settings import Settings
from brain.types import Scope
from brain.wire import answer_json, event_json, plain_json, search_json, status_json


def add(options: argparse.Namespace, settings: Settings) -> int:
    """Add folders, then one pass."""
    with open_brain(settings) as brain:
        for folder in options.folders:
            brain.add(folder, soon=False)
        return _pass(options, partial(brain.sync, words_only=options.words_only))


def sync(options: argparse.Namespace, settings: Settings) -> int:
    """One pass."""
    with open_brain(settings) as brain:
        if not brain.status().folders:
            raise FolderMissing("No folder is watched yet.", hint="Add one: brain add FOLDER")
        begin = partial(brain.sync, words_only=options.words_only, accept_deletes=options.accept_deletes)
        return _pass(options, begin)


def remove(options: argparse.Namespace, settings: Settings) -> int:
    """Forget folders."""
    with open_brain(settings) as brain:
        forgotten = {str(folder): brain.remove(folder) for folder in options.folders}
    if options.json:
        print_json({"removed": [{"path": path, "files": files} for path, files in forgotten.items()]})
    else:
        for path, files in forgotten.items():
            say(f"Forgot {path} and its {files} documents. The files are where they were.")
    return 0


def folders(options: argparse.Namespace, settings: Settings) -> int:
    """The watched folders."""
    with open_brain(settings, own=False) as brain:
        known = brain.status().folders
    if options.json:
        print_json({"folders": plain_json(known)})
    elif not known:
        say("No folder is watched yet. Add one: brain add FOLDER")
    for folder in known if not options.json else ():
        say(f"{folder.files:>7} documents  {folder.path}" + ("" if folder.path.is_dir() else "  (missing; kept)"))
    return 0


def search(options: argparse.Namespace, settings: Settings) -> int:
    """Passages."""
    query, scope = " ".join(options.query), _scope(options)
    with open_brain(settings, own=False) as brain:
        found = brain.search(query, limit=options.limit or settings.search.limit, scope=scope)
    if options.json:
        print_json(search_json(found, explained=options.explain))
        return 0
    for part in found.impaired:
        say(f"{part.part}: {told(part.why, part.next)}", to=sys.stderr)
    if found.window is not None:
        say(f"dates: {window_in_words(found.window)}", to=sys.stderr)
    if not found.evidence:
        say(f"No passage matches. {found.documents} documents searched.")
    for evidence in found.evidence:
        for row in describe(evidence, found.query, explained=options.explain):
            say(row)
    return 0


def ask(options: argparse.Namespace, settings: Settings) -> int:
    """A cited answer, streamed."""
    if options.events and not options.json:
        raise SettingsError("--events needs --json.", hint="brain ask --json --events QUESTION")
    scope, question = _scope(options), " ".join(options.question)
    if not options.whole and (named := whole_file(question)):
        options.whole, question = named
    _check_whole(options, is_narrowed=bool(scope))
    with open_brain(settings, own=False) as brain, cancelling() as cancel:
        before = earlier(options, brain.conversations)
        if before and not scope:
            scope = replace(before.scope, machine=before.scope.machine or scope.machine)
        history = before.history() if before else ()
        if options.whole:
            begin = partial(brain.ask_whole, question, options.whole, plan_only=options.plan, cancel=cancel)
        else:
            begin = partial(brain.ask, question, history=history, scope=scope, cancel=cancel)
        asked = partial(begin, quotes=options.quotes, model=options.model)
        if options.plan:
            return _show_plan(asked(), as_json=options.json)
        if options.preview:
            return preview(lambda consent: asked(consent=consent))
        events = through(
            lambda consent: asked(consent=consent),
            instead=lambda: begin(quotes=not brain.status().stays_home, model=None),
            send=options.send,
            cancel=cancel,
            hear=typed,
        )
        kept = partial(keep, options, settings, before, scope)
        answered = show_answer(events, as_json=options.json, every_event=options.events, keep=kept)
    if answered is not None and options.save:
        write_answer(options.save, answered)
    return 130 if cancel.is_set() or answered is None else 0


def _check_whole(options: argparse.Namespace, *, is_narrowed: bool) -> None:
    if options.preview and options.send:
        raise SettingsError("--preview and --send exclude each other.", hint="--preview sends nothing.")
    if options.plan and not options.whole:
        raise SettingsError("--plan needs --whole.", hint="brain ask --whole FILE --plan QUESTION")
    if options.whole and is_narrowed:
        raise SettingsError(
            "--whole reads one file: it cannot be narrowed.", hint="Leave out --in, --tag and the like."
        )


def show_answer(
    events: Iterable[Event],
    *,
    as_json: bool = False,
    every_event: bool = False,
    to: TextIO | None = None,
    keep: Callable[[Answered], int | None] = lambda _: None,
) -> Answered | None:
    """Print an answer as it comes and its sources at the end. Returns None where it was stopped before there was one.

    `keep` saves it and returns the number of its conversation.
    """
    answered: Answered | None = None
    leaving: Leaving | None = None
    to = to or sys.stdout
    stream = Streamed(to)
    for event in events:
        if isinstance(event, Failed):
            raise BrainError(event.reason, hint=event.hint)
        leaving = event if isinstance(event, Leaving) else leaving
        if isinstance(event, Answered):
            answered = event
        elif every_event:
            print_json(event_json(event))
        elif not as_json:
            stream.show(event)
    if answered is None:
        return None
    if as_json:
        print_json({**answer_json(answered), "conversation": keep(answered)})
        _say_sent(answered, leaving)
        return answered
    for row in [*stream.rest(answered), *source_rows(answered)]:
        say(row, to=to)
    _say_sent(answered, leaving)
    keep(answered)
    return answered


def _say_sent(answered: Answered, leaving: Leaving | None) -> None:
    if row := sent_row(answered, leaving):
        say(row, to=sys.stderr)


def _show_plan(events: Iterable[Event], *, as_json: bool) -> int:
    for event in events:
        if isinstance(event, Planned):
            if as_json:
                print_json(event_json(event))
            else:
                for row in plan_rows(event):
                    say(row)
    return 0


def status(options: argparse.Namespace, settings: Settings) -> int:
    """How things stand."""
    with open_brain(settings, own=False) as brain:
        now = brain.status()
    if options.json:
        print_json(status_json(now))
        return 0
    say(f"Brain {now.version} in {now.home}")
    for folder in now.folders:
        say(f"  {folder.files:>7} documents  {folder.path}")
    if not now.folders:
        say("  Nothing to remember yet. Add a folder: brain add FOLDER")
    unread = f", {now.unreadable_pages} pages without text" if now.unreadable_pages else ""
    say(
        f"{now.indexed} documents, {now.chunks} passages{unread}; vectors: {now.vectors_done} done, {now.vectors_pending} to do"
    )
    if now.private:
        say(f"{now.private} of them {'is' if now.private == 1 else 'are'} private: never sent to another machine")
    say(
        f"Answers with {now.chat or 'quotes only (no chat model)'}; meaning by {now.embed or 'nothing yet (no embedder)'}"
    )
    if now.embed_next:
        say(
            f"{now.embed_next} takes over from {now.embed} once it has read {now.embed_next_left} passages more. "
            f"To keep {now.embed}: brain models use {now.embed}"
        )
    spent = f" {usd(now.spent_today)}{f' of {usd(now.budget_day)}' if now.budget_day else ''} spent today."
    say(left_today(now.sent_today) + (spent if now.sent_today or now.spent_today else ""))
    if now.owner:
        say(f"The index is kept by pid {now.owner.pid} ({now.owner.command}) since {now.owner.since}.")
    if now.paused:
        say("! Indexing is paused: no change is found by itself, not even the words of a note that was saved.")
        say(
            "  Searches go on, and brain sync brings everything up to date. To resume it: brain, then ctrl+p, Resume indexing"
        )
    for part in now.degraded:
        say(f"! {part.part}: {told(part.why, part.next)}")
    for failure in now.failures:
        say(f"! {failure.path}: {told(failure.reason, failure.hint)}")
    return 0


def rebuild(options: argparse.Namespace, settings: Settings) -> int:
    """Both derived indexes anew."""
    with open_brain(settings) as brain:
        return _pass(options, partial(brain.rebuild, vectors=options.vectors))


def run_pass(events: Iterable[Event], *, as_json: bool = False) -> SyncFinished | None:
    """Show a pass as it goes: one JSON object a line, or progress on stderr and a summary on stdout."""
    finished: SyncFinished | None = None
    with Progress(sys.stderr) as progress:
        for event in events:
            if as_json:
                print_json(event_json(event))
            else:
                progress.show(event)
            if isinstance(event, SyncFinished):
                finished = event
    return finished


def _pass(options: argparse.Namespace, begin: Callable[..., Iterator[Event]]) -> int:
    with cancelling() as cancel:
        finished = run_pass(begin(cancel=cancel), as_json=options.json)
    if finished is None or finished.cancelled:
        return 130
    if not options.json:
        say(
            f"{finished.added} added, {finished.changed} changed, {finished.moved} moved, {finished.removed} removed, "
            f"{finished.failed} failed; {finished.chunks_embedded} passages embedded, {finished.chunks_reused} reused; "
            f"{finished.seconds:.1f} s"
        )
    return 0


def _scope(options: argparse.Namespace) -> Scope:
    scope = scope_from(
        within=options.within,
        tags=options.tag,
        types=options.type,
        after=options.after,
        before=options.before,
    )
    return replace(scope, machine=options.machine)
