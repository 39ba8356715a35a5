"""Answers as people would read them: the five best and the five worst by the rules, in full, beside the quotes.

    python -m tests.bench.answers_in_full SET --model NAME [--models DIR] [--keep DIR] [--questions 40] [--each 5]

SET is a folder as `brain eval run --answers` takes it; of one that has a `sample-*.txt` only the questions named there
are drawn from. Best is what holds the right answer, then what cites it, then what says little beside it (token F1) and
nothing that no source carries. An answer that the quotes gave in the model's place counts, and says so. A refusal is
right where the set knows no answer, and wrong where it does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from brain.ask import QUOTES
from brain.cleaning import clean, one_line
from brain.cli.output import say
from brain.evaluating.homes import Answering, answering_corpus, index, open_corpus
from brain.evaluating.judging import Judged, judge
from brain.evaluating.sets import Question
from brain.events import Answered
from brain.settings import load
from tests.bench.answers import chosen


@dataclass(frozen=True, slots=True)
class Pair:
    """One question, answered by the model and by the quotes."""

    question: Question
    model: Answered
    judged: Judged
    quotes: Answered

    def goodness(self) -> tuple[float, ...]:
        """What the rules say, so that the best come last."""
        values = self.judged.values
        if not self.judged.is_answerable:
            return (float(self.judged.is_refused), 0.0, 0.0, 0.0)
        said = values.get("sentences", 0.0) or 1.0
        return (
            values.get("contains", 0.0),
            values.get("cites_whole", 0.0),
            values.get("f1", 0.0),
            -values.get("unsupported", 0.0) / said,
        )


def answered(home: Answering, question: str, model: str | None) -> Answered:
    """The end of one answer."""
    events = home.brain.ask(question, quotes=model is None, model=model, cancel=threading.Event())
    return [event for event in events if isinstance(event, Answered)][-1]


def pairs(home: Answering, questions: list[Question], model: str) -> list[Pair]:
    """Every question, asked twice."""
    found = []
    for at, question in enumerate(questions, 1):
        said = answered(home, question.text, model)
        judged = judge(question, said, home.unit, by_model=True)
        found.append(Pair(question, said, judged, answered(home, question.text, None)))
        print(f"{at} of {len(questions)}", end="\r", file=sys.stderr, flush=True)
    return found


def told(one: Pair) -> list[str]:
    """A question with both answers, as a person would read it."""
    right = " / ".join(dict.fromkeys(one.question.answers)) or "(nothing: the set has no answer to it)"
    values = one.judged.values
    marks = [
        f"{name} {values[name]:.2f}" for name in ("contains", "f1", "cites_right", "cites_whole") if name in values
    ]
    rows = [f"**Q: {one_line(one.question.text)}**", f"Right: {one_line(right)}", ""]
    shown = [(one.model.model, one.model)]
    if one.judged.fell_back:
        shown = [(f"{QUOTES}, in the model's place", one.model)]
    elif not one.judged.is_refused:
        shown.append((QUOTES, one.quotes))
    for name, said in shown:
        rows += [f"*{name}*: " + (_text(said) if not said.abstained else "refused"), ""]
        if said.doubt:
            rows += [f"  ! {one_line(said.doubt)}", ""]
        rows += [f"  [{each.number}] {one_line(each.quote)}" for each in said.citations]
        rows += [""] * bool(said.citations)
    wrongly = "answered, though there is no answer" if not one.judged.is_refused else "rightly refused"
    rows += [f"By rule: {', '.join(marks) or wrongly}", ""]
    return rows


def _text(said: Answered) -> str:
    parts = []
    for sentence in said.sentences:
        sources = "".join(f"[{number}]" for number in sentence.citations)
        parts.append(f"{clean(sentence.text)} {sources if sentence.supported else '[unsupported]'}".strip())
    return " ".join(" ".join(parts).split())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("set", type=Path, metavar="SET")
    options.add_argument("--model", required=True, help="the chat model")
    options.add_argument("--models", type=Path, default=load().shelf, help="where the models are")
    options.add_argument("--keep", type=Path, metavar="DIR", help="where the indexed documents are kept")
    options.add_argument("--questions", type=int, default=40, help="how many are asked, always the same ones")
    options.add_argument("--each", type=int, default=5, help="how many good ones and bad ones are shown")
    given = options.parse_args()
    with ExitStack() as scratch:
        kept = given.keep or Path(scratch.enter_context(tempfile.TemporaryDirectory()))
        settings = replace(load(kept), models_folder=str(given.models.absolute()))
        asked = chosen(given.set).sample(given.questions)
        with open_corpus(settings, asked) as corpus:
            for _ in index(corpus, asked.documents, cancel=threading.Event()):
                pass
        with answering_corpus(settings, asked) as home:
            found = sorted(pairs(home, list(asked.questions), given.model), key=Pair.goodness)
    worst, best = found[: given.each], found[::-1][: given.each]
    refused = sum(one.judged.is_refused for one in found)
    own = sum(not one.judged.is_refused and not one.judged.fell_back for one in found)
    say(f"{asked.name}: {len(found)} questions, {refused} refused, {own} answered in the model's own words")
    for title, some in (("The best", best), ("The worst", worst)):
        say()
        say(f"## {title} by the rules")
        say()
        for one in some:
            for row in told(one):
                say(row)


if __name__ == "__main__":
    main()
