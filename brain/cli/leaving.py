"""The gate on the command line: what would leave this machine is shown, and a person says whether it may."""

from __future__ import annotations

import re
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from brain.cleaning import one_line
from brain.cli.output import place, say
from brain.costs import usd
from brain.errors import EndpointError
from brain.events import Answered, Event, FellBack, Leaving, Planned, Retrieved
from brain.seams import Cancel
from brain.types import Consent, Parcel, Withheld

QUESTION = (
    "Send? [y]es once / [a]ll in this question's conversation / [d]rop numbers / [b]ody / [n]o, answer here (default): "
)
AT_MOST = 5  # times that it is shown anew because it came out differently

Begin = Callable[[Consent], Iterator[Event]]


def through(
    begin: Begin, *, instead: Callable[[], Iterator[Event]], send: bool, cancel: Cancel, hear: Callable[[Cancel], str]
) -> Iterator[Event]:
    """The events of an answer. What would leave is allowed by `send` or by what is typed; else `instead` answers.

    `begin` asks anew with a consent. Raises EndpointError where nobody can be asked: nothing was sent.
    """
    consent, asked = Consent(), 0
    while True:
        held: Leaving | None = None
        for event in begin(consent):
            if asked and isinstance(event, Retrieved | Planned):
                continue  # it has been said
            held = event if isinstance(event, Leaving) and not event.allowed else None
            yield event
        if held is None:
            return
        asked += 1
        if asked > AT_MOST:
            raise EndpointError("Nothing was sent: the text changes each time.", hint="Ask again in a moment.")
        if send:
            consent = _next(consent, held)
        elif not is_at_a_terminal():
            raise EndpointError(
                f"Nothing was sent: {held.host} would get {len(held.body.encode()):,} bytes.",
                hint="--preview shows them, --send sends them, --quotes answers here.",
            )
        elif (told := _ask(held, consent, cancel, hear)) is None:
            if not cancel.is_set():
                yield from (event for event in instead() if not isinstance(event, Retrieved))
            return
        else:
            consent = told


def preview(begin: Begin) -> int:
    """Print exactly the bytes that would leave, and send nothing. Raises EndpointError where nothing would."""
    said = ""
    for event in begin(Consent()):
        if isinstance(event, Leaving) and not event.allowed:
            sys.stdout.flush()
            sys.stdout.buffer.write(event.body.encode("utf-8"))
            sys.stdout.buffer.flush()
            return 0
        if isinstance(event, FellBack):
            said = f" {event.reason}"
        if isinstance(event, Answered) and event.stays_home:
            break
    raise EndpointError(f"Nothing would leave this machine.{said}", hint="--model names a model elsewhere.")


def is_at_a_terminal() -> bool:
    """Whether somebody can be shown something and answer it."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _forget_typed() -> None:
    """What was typed or pasted before the question does not answer it."""
    import termios

    with suppress(termios.error, OSError, ValueError):  # no terminal
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def typed(cancel: Cancel) -> str:
    """One line from the terminal; empty at its end, or once `cancel` is set."""
    while not cancel.is_set():
        if select.select([sys.stdin], [], [], 0.1)[0]:
            return sys.stdin.readline()
    return ""


def sent_row(answered: Answered, leaving: Leaving | None) -> str:
    """After an answer: what left this machine, what it cost, and what was withheld; empty where there is nothing to say."""
    parts = []
    if answered.sent:
        to = f" to {leaving.host}" if leaving else ""
        cost = usd(answered.usage.cost_usd) if leaving is None or leaving.cost_usd else "at a price that is not known"
        parts.append(f"Sent {answered.sent:,} bytes{to}, {cost}.")
    if answered.withheld:
        parts.append("Withheld: " + "; ".join(withheld_row(one) for one in answered.withheld) + ".")
    return one_line(" ".join(parts))


def withheld_row(one: Withheld) -> str:
    """What was withheld, how much of it, and why: "2 passages of journal/a.md (journal/ is private)"."""
    of = f" of {_name(one.path)}" if one.path is not None else ""
    if one.what == "secret":
        return one_line(f"{one.why}{f', {one.count} times' if one.count > 1 else ''}{of}")
    what = {"passage": "passage", "history": "earlier question and its answer"}[one.what]
    many = (
        what if one.count == 1 else {"passage": "passages", "history": "earlier questions and their answers"}[one.what]
    )
    return one_line(f"{one.count} {many}{of} ({one.why})")


def gate_rows(leaving: Leaving) -> list[str]:
    """What would leave, as a person reads it."""
    key = f"    key {one_line(leaving.key)}" if leaving.key else ""
    now, peak = leaving.cost_usd, leaving.cost_peak_usd
    money = f"about {usd(now)} now ({usd(peak)} at peak)" if peak > now else f"about {usd(now)}"
    sends = [_parcel(one) for one in leaving.parcels]
    held = [f"! withheld: {withheld_row(one)}" for one in leaving.withheld]
    size = f"{leaving.tokens:,} tokens, {len(leaving.body.encode()):,} bytes"
    return [
        "This question would leave your machine.",
        f"To     {one_line(leaving.host)}    model {one_line(leaving.model)}{key}",
        *(f"{'       ' if at else 'Sends  '}{row}" for at, row in enumerate([*sends, *held])),
        f"Size   {size}    {money if peak else 'its price is not known'}",
        *([one_line(leaving.why)] if leaving.why else []),
    ]


def _parcel(one: Parcel) -> str:
    size = f"{one.bytes:,} bytes"
    if one.kind == "history":
        return f"history: {one.turns} earlier question{'s' * (one.turns != 1)} with the answer{'s' * (one.turns != 1)}  {size}"
    if one.kind != "passage" or one.path is None:
        return f"{'your question' if one.kind == 'question' else one.kind}  {size}"
    where = f"page {one.page}" if one.page else f"lines {one.lines[0]}-{one.lines[-1]}" if one.lines else ""
    return f"{one.number}  {_name(one.path)}  {where}  {size}"


def _name(path: Path) -> str:
    return place(path, None, 1).rsplit(":", 1)[0]


def _next(consent: Consent, held: Leaving) -> Consent:
    """Consent to what was shown; where that was not enough, because it leaves in parts, to all of it."""
    if consent.sha256 == held.sha256:
        return replace(consent, sha256="", conversation=True, url=held.url)
    return replace(consent, sha256=held.sha256, url=held.url)


def _ask(held: Leaving, consent: Consent, cancel: Cancel, hear: Callable[[Cancel], str]) -> Consent | None:
    """What a person allows; None: nothing."""
    for row in gate_rows(held):
        say(row, to=sys.stderr)
    while True:
        _forget_typed()
        say(QUESTION, to=sys.stderr, end="", flush=True)
        told = hear(cancel).strip().lower()
        if told in ("y", "yes"):
            return _next(consent, held)
        if told in ("a", "all"):
            return replace(consent, sha256="", conversation=True, url=held.url)
        if told in ("b", "body"):
            say(held.body, to=sys.stderr)
        elif told[:1] == "d":
            numbers = tuple(int(number) for number in re.findall(r"\d{1,4}", told))
            without = tuple(dict.fromkeys((*consent.without, *numbers)))
            history = consent.history and not re.search(r"\bh(?:istory)?\b", told)
            if numbers or not history:
                return replace(consent, sha256="", without=without, history=history)
            say('Which? "d 2 3" leaves out passages 2 and 3, "d history" the earlier questions.', to=sys.stderr)
        elif told in ("", "n", "no"):
            return None
