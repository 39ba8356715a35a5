"""A chat model as a second judge, by choice: does an answer say what is right? Its verdicts stand beside those by rule.

It judges the answers that were given to questions whose right answer is known; refusals need no reading. It never judges
itself, and only a model on this machine judges, since it reads the notes that the answers quote. How far to trust it is
told by how often it agrees with the rules, less what chance alone would have it (Cohen's kappa, 1960).
"""

from __future__ import annotations

import filecmp
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brain.ask import QUOTES
from brain.errors import ModelError, SettingsError
from brain.evaluating.judging import Judged
from brain.evaluating.sets import Question
from brain.seams import Cancel, ChatModel
from brain.types import Delta, Message

LIMIT = 600  # tokens: a model that thinks before it speaks is let think
LONGEST = 2000  # characters of an answer
JUDGED, SILENT = "judged", "no_verdict"  # the values of a row: 1 for right; 1 where it gave no verdict

_WORD = re.compile(r"\b(not\s+)?(yes|no|correct|incorrect|right|wrong|true|false)\b", re.IGNORECASE)
_GOOD = frozenset(("yes", "correct", "right", "true"))
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge and the rules stand to each other on one system's answers."""

    verdicts: int
    silent: int  # answers that it gave no verdict on
    same: int  # verdicts that are the rules' own
    kappa: float | None  # None where one of them says the same of all, so that agreeing means nothing


def judge_path(name: str, find: Callable[[str], Path], systems: Sequence[str]) -> Path:
    """The file of the model that judges. `find` gives the file of a name, and raises ModelError.

    Raises SettingsError for the model under test, under whatever name, and for one that is not on this machine.
    """
    if name == QUOTES:
        raise SettingsError("The quotes are no model, and cannot judge.", hint="Name a chat model: brain models")
    try:
        path = find(name)
    except ModelError as error:
        raise SettingsError(
            f"{name} cannot judge: {error.reason}",
            hint="A judge reads what your notes say, so only a chat model on this machine can be one: brain models",
        ) from error
    for system in systems:
        if system != QUOTES and _same(find(system), path):
            raise SettingsError(
                f"{name} is under test, and no model judges itself.", hint="Name another judge, or leave --judge out."
            )
    return path


def is_for_judge(row: Judged) -> bool:
    """Whether there is something to judge: an answer, and words that are right."""
    return row.is_answerable and not row.is_refused and "contains" in row.values


def judged_by(chat: ChatModel, question: Question, row: Judged, *, cancel: Cancel) -> Judged:
    """The row with the judge's verdict beside the rules', or with that it gave none. Raises ModelError."""
    text = ""
    for piece in chat.stream([Message("user", prompt(question, row.answer))], limit=LIMIT, cancel=cancel):
        if isinstance(piece, Delta):
            text += "" if piece.thought else piece.text
    said = verdict(text)
    values = {name: value for name, value in row.values.items() if name != JUDGED}
    values[SILENT] = float(said is None)
    if said is not None:
        values[JUDGED] = float(said)
    return replace(row, values=values)


def prompt(question: Question, answer: str) -> str:
    """What the judge is asked."""
    right = "; ".join(" or ".join(part) for part in question.parts) or " or ".join(dict.fromkeys(question.answers))
    given = " ".join(answer.split())[:LONGEST]
    return (
        f"Question: {question.text}\nRight answer: {right}\nGiven answer: {given}\n\n"
        "Does the given answer say what the right answer says? It may say more, in other words. "
        "Answer with one word: yes or no."
    )


def verdict(text: str) -> bool | None:
    """What one word says; None where it says neither, or both."""
    spoken = _THOUGHTS.sub(" ", text).rpartition("</think>")[2]
    found = {(word[2].lower() in _GOOD) is not bool(word[1]) for word in _WORD.finditer(spoken)}
    if len(found) == 1:
        return found.pop()
    first = _WORD.match(spoken.lstrip(" \n*\"'`"))
    return None if first is None else (first[2].lower() in _GOOD) is not bool(first[1])


def agreement(rows: Sequence[Judged]) -> Agreement:
    """How often the judge says what the rules say, that the right answer stands whole in what was said."""
    both = [(row.values["contains"] >= 1, row.values[JUDGED] >= 1) for row in rows if JUDGED in row.values]
    silent = sum(row.values.get(SILENT, 0.0) > 0 for row in rows)
    same = sum(rule == model for rule, model in both)
    count = len(both)
    by_rule, by_model = sum(rule for rule, _ in both), sum(model for _, model in both)
    if not count or by_rule in (0, count) or by_model in (0, count):
        return Agreement(count, silent, same, None)
    chance = (by_rule * by_model + (count - by_rule) * (count - by_model)) / count**2
    return Agreement(count, silent, same, (same / count - chance) / (1 - chance))


def _same(one: Path, other: Path) -> bool:
    """Whether both files are the same model, be one a copy under another name."""
    return one.samefile(other) or (
        one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)
    )
