"""`brain ledger`: what has left this machine, call by call, and whether the record of it is whole."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from brain.cleaning import one_line
from brain.cli.output import print_json, say
from brain.costs import left_today, usd
from brain.settings import Settings
from brain.store.ledger import LEDGER_FILE, Entry, Ledger
from brain.wire import plain_json

FILES_SHOWN = 3
DAYS_SHOWN, MONTHS_SHOWN = 7, 12


def ledger(options: argparse.Namespace, settings: Settings) -> int:
    """List what left, or verify the record. 3 where it was changed."""
    kept = Ledger(settings.home / LEDGER_FILE)
    faults = kept.verify()
    if options.verify:
        return _verify(kept, faults, as_json=options.json)
    calls, amounts = list(kept.entries(options.limit)), kept.amounts()
    spent = kept.spent(now=datetime.now())
    budget = settings.budget
    if options.json:
        print_json(
            {
                "path": str(kept.path),
                "faults": list(faults),
                "sent_today": spent.bytes_today,
                "spent_today": spent.usd_today,
                "spent_month": spent.usd_month,
                "budget_day": budget.day,
                "budget_month": budget.month,
                "days": _totals(amounts, 10, "day"),
                "months": _totals(amounts, 7, "month"),
                "entries": [_entry_json(entry) for entry in calls],
            }
        )
        return 0
    say(f"{left_today(spent.bytes_today)} {_spent(spent.usd_today, 'today', budget.day)}, "
        f"{_spent(spent.usd_month, 'this month', budget.month)}.")  # fmt: skip
    for entry in calls:
        say()
        for row in _rows(entry):
            say(row)
    if not calls:
        say("Nothing ever has: no question was sent to an endpoint." if not faults else "No call is recorded.")
    else:
        say()
        for title, length, shown in (("day", 10, DAYS_SHOWN), ("month", 7, MONTHS_SHOWN)):
            for total in _totals(amounts, length, title)[-shown:]:
                calls_made = _counted(total["calls"], "call")
                say(
                    f"{total[title]:<10}  {calls_made:>10}  {_counted(total['bytes'], 'byte'):>16}  {usd(total['usd'])}"
                )
    if faults:
        say(f"This record is not whole: {faults[0]}", to=sys.stderr)
    return 0


def _verify(kept: Ledger, faults: tuple[str, ...], *, as_json: bool) -> int:
    calls = len(kept.amounts())
    if as_json:
        print_json({"path": str(kept.path), "holds": not faults, "faults": list(faults), "calls": calls})
    elif faults:
        for fault in faults:
            say(fault)
        say(f"The lines before it follow one another. The file: {kept.path}")
    else:
        say(f"The record is whole: {_counted(calls, 'call')}, each line follows the one before it. {kept.path}")
    return 3 if faults else 0


def _rows(entry: Entry) -> Iterable[str]:
    """A call as two rows: when, where to, how much, what for; and which files were in it."""
    used = entry.usage
    tokens = (
        f"about {entry.tokens:,} tokens"
        if used is None
        else f"{used.prompt_tokens:,} + {used.completion_tokens:,} tokens"
    )
    paid = f"about {usd(entry.estimate_usd)}" if entry.cost_usd is None else usd(entry.cost_usd)
    outcome = entry.outcome or "its end was not recorded"
    names = [_shortened(path) for path in entry.files]
    more = len(names) - FILES_SHOWN
    files = ", ".join(names[:FILES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    facts = (
        one_line(entry.host),
        one_line(entry.model),
        _counted(entry.bytes, "byte"),
        tokens,
        paid,
        one_line(outcome),
    )
    yield "  ".join((f"{entry.time:%Y-%m-%d %H:%M}", *facts))
    yield f"    {_counted(len(names), 'file')}: {one_line(files)}" if names else "    no file"


def _entry_json(entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = plain_json(entry)
    return {**shown, "time": entry.time.isoformat(), "outcome": entry.outcome or None}


def _totals(amounts: Iterable[tuple[str, int, float]], length: int, name: str) -> list[dict[str, Any]]:
    """Calls, bytes and USD of each local day or month that has any, the oldest first."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for day, sent, paid in amounts:
        found = sums[day[:length]]
        found[0] += 1
        found[1] += sent
        found[2] += paid
    return [
        {name: when, "calls": int(calls), "bytes": int(sent), "usd": paid}
        for when, (calls, sent, paid) in sorted(sums.items())
    ]


def _spent(amount: float, when: str, budget: float) -> str:
    return f"{usd(amount)} {f'of {usd(budget)} ' if budget else ''}spent {when}"


def _shortened(path: Path) -> str:
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
