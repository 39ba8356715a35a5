"""`brain eval fit`: the gate's marks fitted to a set of questions, told, and kept where that is wanted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from brain.cleaning import one_line
from brain.cli import CANCELLED, DONE
from brain.cli.figures import difference
from brain.cli.output import Progress, print_json, say
from brain.cli.stopping import cancelling
from brain.errors import SettingsError
from brain.evaluating.fitting import FIGURES, Figure, Fit
from brain.evaluating.frames import interval_json
from brain.evaluating.intervals import Interval
from brain.evaluating.measuring import Asked
from brain.evaluating.sets import read_set
from brain.evaluating.weighing import Fitted, fit_gate, forget, keep
from brain.gating import UNKNOWN, Marks
from brain.settings import Settings

SHOWN: Mapping[Figure, str] = {"refusals_right": "refusals right", "refusals_made": "of unanswerable", "lost": "lost"}
NAME, COLUMN = 18, 22


def fit(options: argparse.Namespace, settings: Settings) -> int:
    """Marks from a set; or back to those that Brain comes with."""
    if options.forget:
        return _forget(options, settings)
    if options.set is None:
        raise SettingsError("There is no set to fit to.", hint="Name one: brain eval make NOTES -n 100 makes it.")
    fitted: Fitted | None = None
    with cancelling() as cancel, Progress(sys.stderr) as progress:
        question_set = read_set(options.set, for_answers=True)
        for event in fit_gate(settings, question_set, sample=options.questions, most_lost=options.lost, cancel=cancel):
            match event:
                case Asked(done, total):
                    progress.advance("asking questions", done, total)
                case Fitted():
                    fitted = event
                case _:
                    progress.show(event)
    if fitted is None:
        say("Stopped. Nothing was fitted.", to=sys.stderr)
        return CANCELLED
    if options.keep:
        keep(settings, fitted)
    if options.json:
        print_json(_json(question_set.name, fitted, kept=options.keep))
        return DONE
    for row in _rows(question_set.name, fitted):
        say(row)
    say()
    if options.keep:
        say("Kept: questions are judged by these marks from now on. Back: brain eval fit --forget")
    else:
        say("Nothing is kept. Answer by these marks: the same command with --keep")
    return DONE


def _forget(options: argparse.Namespace, settings: Settings) -> int:
    if options.set is not None or options.keep:
        raise SettingsError("--forget goes back, and fits nothing.", hint="Leave the set and --keep out.")
    names = forget(settings)
    if options.json:
        print_json({"forgotten": list(names)})
    elif names:
        say(f"Forgotten: the marks for {', '.join(map(one_line, names))}. The gate goes by those it comes with.")
    else:
        say("There was nothing to forget: the gate goes by the marks it comes with.")
    return DONE


def _rows(name: str, fitted: Fitted) -> Iterator[str]:
    found = fitted.fit
    yield (
        f"{one_line(name)}: {found.answerable} questions with an answer, {found.unanswerable} without; "
        f"meaning by {one_line(fitted.embedder)}; 95 % intervals"
    )
    yield ""
    yield f"{'':<{NAME}}{'before':<{COLUMN}}{'fitted, held out':<{COLUMN}}change"
    for figure in FIGURES:
        change = found.difference.get(figure)
        told = "–" if change is None else _change(figure, change)
        cells = (_share(found.before.get(figure)), _share(found.after.get(figure)))
        yield f"{SHOWN[figure]:<{NAME}}" + "".join(f"{cell:<{COLUMN}}" for cell in cells) + told
    yield ""
    so_far = "by words alone, since nobody measured this embedder" if found.present == UNKNOWN else ""
    yield f"A question is refused below {found.marks.enough:.2f}; so far {so_far or f'below {found.present.enough:.2f}'}."
    if found.is_tie:
        yield "A tie: on these questions the marks in use do as well."


def _change(figure: Figure, change: Interval) -> str:
    """A change and which way it speaks: fewer lost are better."""
    told = difference(change)
    if figure != "lost" or change.holds_zero:
        return told
    figures, _, said = told.rpartition(" ")
    return f"{figures} {'worse' if said == 'better' else 'better'}"


def _share(found: Interval | None) -> str:
    return "–" if found is None else f"{found.mean:.3f} ({found.low:.2f}–{found.high:.2f})"


def _json(name: str, fitted: Fitted, *, kept: bool) -> dict[str, Any]:
    found: Fit = fitted.fit
    return {
        "set": name,
        "embedder": fitted.embedder,
        "questions": {"answerable": found.answerable, "unanswerable": found.unanswerable},
        "present": _marks(found.present),
        "fitted": _marks(found.marks),
        "before": _figures(found.before),
        "after": _figures(found.after),
        "change": _figures(found.difference, tie=True),
        "tie": found.is_tie,
        "kept": kept,
    }


def _marks(marks: Marks) -> dict[str, float]:
    return asdict(marks)


def _figures(found: Mapping[Figure, Interval], *, tie: bool = False) -> dict[str, dict[str, float | bool]]:
    return {figure: interval_json(interval, tie=tie) for figure, interval in found.items()}
