"""`brain serve`: owns the store, keeps it current, and answers every other `brain` of this user, until it is told to end."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from brain.cli.output import place, print_json, say, told
from brain.cli.stopping import cancelling
from brain.engine import open_brain
from brain.events import (
    Event,
    Failed,
    FellBack,
    FileFailed,
    FileIndexed,
    FileMoved,
    FileRemoved,
    FolderSkipped,
    StatusChanged,
    SyncFinished,
)
from brain.settings import Settings
from brain.types import Owner
from brain.wire import event_json

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def serve(options: argparse.Namespace, settings: Settings) -> int:
    """Own the store until ctrl+c or SIGTERM; with --wait, as soon as whoever owns it now has ended."""
    with (
        cancelling(*ENDING) as cancel,
        open_brain(settings, own=None if options.wait else True, background=True) as brain,
    ):
        owner = brain.status().owner
        _tell(options, f"In {settings.home}. {_standing(owner)}")
        for event in brain.follow(cancel=cancel):
            if options.json:
                print_json(event_json(event))
            elif line := event_row(event, every_file=options.verbose):
                _tell(options, line)
            if options.wait and isinstance(event, StatusChanged) and (now := brain.status().owner) != owner:
                owner = now
                _tell(options, _standing(owner))
        _tell(options, "Ending.")
    return 0


def _standing(owner: Owner | None) -> str:
    if owner is None or owner.pid == os.getpid():
        return "Keeping the index current; every other brain command is answered here."
    return f"The index is kept by pid {owner.pid} ({owner.command}); taking over when it ends."


def event_row(event: Event, *, every_file: bool) -> str | None:
    """One event as a line of the log; None where it is not worth one. Without --verbose no file that was read is named."""
    match event:
        case SyncFinished():
            counts = {name: getattr(event, name) for name in ("added", "changed", "moved", "removed", "failed")}
            done = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing new"
            return f"{done}; {event.chunks_embedded} passages embedded; {event.seconds:.1f} s"
        case FileFailed(path, reason, hint):
            return f"! {place(path, None, 1).rsplit(':', 1)[0]}: {told(reason, hint)}"
        case FolderSkipped(_, reason, hint) | FellBack(_, reason, hint) | Failed(reason, hint):
            return f"! {told(reason, hint)}"
        case FileIndexed(path) | FileMoved(path) | FileRemoved(path) if every_file:
            return f"{type(event).__name__.removeprefix('File').lower()} {path}"
    return None


def _tell(options: argparse.Namespace, line: str) -> None:
    if not options.json:
        say(f"{time.strftime('%H:%M:%S')} {line}", to=sys.stderr, flush=True)
