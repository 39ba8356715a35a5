"""Whole-file answers: how much of what was planted they find, and how soon the second question on a file is answered.

    python -m tests.bench.whole quotes --models DIR              40 things in a 200-page PDF, found by its own sentences
           [--background CORPUS.jsonl]                           the same among the texts of a set ({"text"} a line), two a page
    python -m tests.bench.whole model --models DIR [--pages N --items N --sentences N]    the same, read by the chat model
    python -m tests.bench.whole prefix --models DIR [--runs N]   seconds to the first word: first question, second, after a restart

DIR holds the starter models. The load of the machine is printed with the figures; ratios hold, seconds do not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from brain.engine import open_brain
from brain.events import Answered, PartRead, Planned, Token
from brain.settings import Settings, load
from tests.bench.planted import ITEMS, KINDS, PAGES, Planted, planted, write_pdf

TOKENS = 6000
QUESTIONS = ("Who approved the drainage plan?", "What did the museum measure?", "Which maps were compared?")


def answered(brain: Any, question: str, file: Path, **options: Any) -> tuple[Answered, Planned, float]:
    """The answer, its plan, and the seconds to its first word."""
    began, first = time.monotonic(), 0.0
    answer = plan = None
    for event in brain.ask_whole(question, str(file), cancel=threading.Event(), **options):
        if isinstance(event, Planned):
            plan = event
        elif isinstance(event, Token):
            first = first or time.monotonic() - began
        elif isinstance(event, PartRead) and event.parts > 1:
            print(f"  part {event.part} of {event.parts}, {time.monotonic() - began:.0f} s", flush=True)
        elif isinstance(event, Answered):
            answer = event
    assert answer is not None and plan is not None
    return answer, plan, first


def recall(answer: Answered, sown: Planted) -> str:
    """How many of the planted sentences were cited on their page, and how many of the citations are such."""
    cited = [(" ".join(one.quote.split()), one.page) for one in answer.citations]
    hit = sum(any(item in quote and page == where for quote, where in cited) for item, page in sown.items)
    right = sum(any(item in quote for item, _ in sown.items) for quote, _ in cited)
    return f"recall {hit / len(sown.items):.2f}   precision {right / max(1, len(cited)):.2f}"


def coverage(answer: Answered) -> str:
    """The log in a few words."""
    log = answer.coverage
    assert log is not None and log.pages is not None
    logged = sorted((*log.read, *log.without_text, *log.not_read))
    once = logged == list(range(1, log.pages + 1))
    return f"pages read {len(log.read)}/{log.pages}, every page logged once: {once}, complete: {log.complete}"


def quotes(settings: Settings, folder: Path, background: Path | None) -> None:
    """Recall of the document's own sentences, from a file that is not stored and from a watched one."""
    texts: list[str] = []
    if background is not None:
        lines = background.read_text(encoding="utf-8").splitlines()
        texts = random.Random(1).sample([json.loads(line)["text"] for line in lines], 2 * PAGES)
    pages = [f"{first} {second}" for first, second in zip(texts[::2], texts[1::2], strict=True)]
    sown = {kind: planted(kind, background=pages) for kind in KINDS}
    for number, kind in enumerate(KINDS):
        write_pdf(folder / f"minutes {number}.pdf", sown[kind].pages)
    with open_brain(settings, own=True) as brain:
        for stored in (False, True):
            if stored:
                brain.add(folder, soon=False)
                for _ in brain.sync(cancel=threading.Event()):
                    pass
            for number, kind in enumerate(KINDS):
                file = folder / f"minutes {number}.pdf"
                answer, plan, _ = answered(brain, sown[kind].question, file, quotes=True)
                how = "by words and meaning" if "vectors" not in answer.degraded else "by words"
                took = f"{answer.seconds.total:.1f} s, planned {plan.seconds:.1f}"
                print(f"{kind:12} {how:21} {recall(answer, sown[kind])}   {coverage(answer)}   {took}", flush=True)


def model(settings: Settings, folder: Path, options: argparse.Namespace) -> None:
    """Recall of the chat model, reading part by part."""
    sown = planted(options.kind, pages=options.pages, items=options.items, sentences=options.sentences)
    file = write_pdf(folder / "minutes.pdf", sown.pages)
    with open_brain(settings, own=True) as brain:
        answer, plan, _ = answered(brain, sown.question, file, model=settings.chat.model)
        own, _, _ = answered(brain, sown.question, file, quotes=True)
    print(f"{plan.pages} pages, {plan.tokens:,} tokens, {plan.way}, {plan.parts} parts")
    print(f"{answer.model}: {recall(answer, sown)}   {coverage(answer)}")
    print(f"quotes: {recall(own, sown)}")
    print(f"{answer.seconds.total:.0f} s, planned {plan.seconds:.0f} s; {answer.usage}")


def prefix(settings: Settings, folder: Path, runs: int) -> None:
    """Seconds to the first word of the first question on a document, of the second, and of one after a restart."""
    file = write_pdf(folder / "minutes.pdf", planted(pages=27, items=5).pages)
    took: dict[str, list[float]] = {"first": [], "second, the same process": [], "after a restart": []}
    named = settings.chat.model
    for run in range(runs):
        for kept in (settings.home / "prefixes").glob("*"):
            kept.unlink()
        with open_brain(settings, own=True) as brain:
            _, plan, first = answered(brain, QUESTIONS[0], file, model=named)
            _, _, second = answered(brain, QUESTIONS[1], file, model=named)
        with open_brain(settings, own=True) as brain:
            answer, _, again = answered(brain, QUESTIONS[2], file, model=named)
        for name, seconds in zip(took, (first, second, again), strict=True):
            took[name].append(seconds)
        print(f"run {run + 1}: {first:.1f} s, {second:.2f} s, {again:.2f} s; of {answer.usage}", flush=True)
    kept_bytes = sum(file.stat().st_size for file in (settings.home / "prefixes").glob("*.kv"))
    print(f"{plan.tokens:,} tokens in the document, {kept_bytes / 1e6:.0f} MB kept")
    base = statistics.median(took["first"])
    for name, seconds in took.items():
        print(
            f"{name:26} median {statistics.median(seconds):7.2f} s   {statistics.median(seconds) / base:6.1%} of the first"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=("quotes", "model", "prefix"))
    options.add_argument("--models", type=Path, required=True)
    options.add_argument("--background", type=Path, metavar="CORPUS.jsonl")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--kind", choices=tuple(KINDS), default="same words")
    options.add_argument("--pages", type=int, default=PAGES)
    options.add_argument("--items", type=int, default=ITEMS)
    options.add_argument("--sentences", type=int, default=17)
    chosen = options.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        home, folder = Path(scratch) / "home", Path(scratch) / "notes"
        home.mkdir()
        folder.mkdir()
        (home / "config.toml").write_text(f"models_folder = {str(chosen.models.resolve())!r}\n")
        settings = load(home)
        if chosen.what == "quotes":
            quotes(settings, folder, chosen.background)
        elif chosen.what == "model":
            model(settings, folder, chosen)
        else:
            prefix(settings, folder, chosen.runs)
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
