"""`brain doctor`: what is wrong with the store, and mending it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from brain.cleaning import one_line
from brain.cli import DONE, FAILED
from brain.cli.output import print_json, say
from brain.cli.stopping import cancelling
from brain.engine import open_brain
from brain.settings import Settings
from brain.store.claim import look_at_store
from brain.types import Checkup, Finding
from brain.wire import plain_json

_DOES = {
    "sync": "a pass",
    "reread": "reading it again",
    "catalog": "tidying the catalog",
    "words": "making the words index anew",
    "vectors": "embedding those passages again",
    "chroma": "making the vector index anew",
    "modes": "closing it to other users",
    "clear": "deleting it",
}


def doctor(options: argparse.Namespace, settings: Settings) -> int:
    """Examine, and mend if asked to."""
    with open_brain(settings, own=options.repair or _is_free(settings.home)) as brain, cancelling() as cancel:
        checkup = brain.doctor(thorough=options.thorough, repair=options.repair, cancel=cancel)
    wrong = _faults(checkup.left)
    if options.json:
        print_json(
            {
                "home": str(settings.home),
                "healthy": not wrong,
                "repaired": options.repair,
                "seconds": round(checkup.seconds, 3),
                "found": plain_json(checkup.found),
                "left": plain_json(checkup.left),
            }
        )
    else:
        _tell(checkup, repaired=options.repair)
    return FAILED if wrong else DONE


def _tell(checkup: Checkup, *, repaired: bool) -> None:
    for finding in checkup.found:
        mended = repaired and finding not in checkup.left
        say(_row(finding, " (mended)" if mended else ""))
    for finding in checkup.left if repaired else ():
        if finding not in checkup.found:
            say(_row(finding, " (found after the repair)"))
    wrong = _faults(checkup.left)
    if not wrong:
        say(f"All is well ({checkup.seconds:.1f} s).")
    elif not repaired and any(finding.repair for finding in wrong):
        say("Mend it with: brain doctor --repair. Your notes are only read.")


def _row(finding: Finding, after: str) -> str:
    where = f"{finding.where}: " if finding.where else ""
    cure = f"mended by {_DOES[finding.repair]}" if finding.repair else finding.hint
    ending = after or (f" ({cure})" if cure else "")
    return f"{finding.level:>7}  {finding.part}: {one_line(where + finding.what)}{ending and ' ' + one_line(ending)}"


def _is_free(home: Path) -> bool:
    """Nobody owns the store and we could: then more can be looked at than beside its owner."""
    return look_at_store(home).owner is None and (not home.exists() or os.access(home, os.W_OK))


def _faults(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level != "note"]
