"""How results and progress look on a terminal. Every text passes `clean` here, whatever it went through before."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from brain.cleaning import clean, one_line
from brain.dating import ORIGINS, window_in_words
from brain.events import (
    Answered,
    Checked,
    Event,
    FellBack,
    FileFailed,
    FileIndexed,
    FolderSkipped,
    PartRead,
    Planned,
    Pulled,
    Pulling,
    Retrieved,
    SyncStarted,
    Token,
    VectorsAdded,
)
from brain.explaining import Explanation, explain
from brain.progress import Pace, in_words
from brain.snippets import snippet
from brain.types import Citation, Coverage, Evidence, Sentence, Verdict
from brain.wording import plain

if TYPE_CHECKING:
    from rich.progress import TaskID

WIDTH = 100
QUOTE_LENGTH = 220
SNIPPET_LENGTH = 400
QUIET_SECONDS = 5.0  # between two lines of progress where stderr is not a terminal


def say(text: str = "", *, to: TextIO | None = None, end: str = "\n", flush: bool = False) -> None:
    """Print text and nothing but text."""
    stream = to or sys.stdout
    safe = clean(text).encode(stream.encoding or "utf-8", "replace").decode(stream.encoding or "utf-8")
    print(safe, file=stream, end=end, flush=flush)


def print_json(value: Any) -> None:
    """One JSON object on one line. Escaped to ASCII, so that it holds nothing a terminal obeys and survives any locale."""
    print(json.dumps(value), flush=True)


def told(reason: str, hint: str) -> str:
    """What went wrong and what to do, as sentences on one line."""
    ended = reason if reason.endswith((".", "!", "?")) else f"{reason}."
    return one_line(f"{ended} {hint}")


def place(path: Path, page: int | None, line: int) -> str:
    """Where a passage stands, as `file p.3` or `file:12`; a path below the current folder or home is shortened."""
    for root, mark in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(root):
            shown = mark + str(path.relative_to(root))
            break
    else:
        shown = str(path)
    return one_line(f"{shown} p.{page}" if page is not None else f"{shown}:{line}")


def describe(evidence: Evidence, query: str, *, explained: bool = False) -> list[str]:
    """A passage as rows: rank, place, headings and scores, then the sentences that the query's words stand in.

    `explained` adds which words of the query were found where.
    """
    chunk = evidence.chunk
    scores = [
        f"{name} {value:.2f}"
        for name, value in (("words", evidence.scores.words), ("meaning", evidence.scores.vectors))
        if value is not None
    ]
    private = ["private"] if evidence.private else []
    path = " › ".join(dict.fromkeys([evidence.title, *chunk.headings]))
    shown = snippet(plain(chunk.text, chunk.format), query, length=SNIPPET_LENGTH)
    text = f"{'… ' if shown.is_cut_before else ''}{shown.text}{' …' if shown.is_cut_after else ''}"
    return [
        f"{evidence.number:>2}  {place(chunk.path, chunk.page, chunk.line)}   {'  '.join([*scores, *dated(evidence), *private])}",
        f"    {one_line(path)}",
        textwrap.fill(one_line(text), WIDTH, initial_indent="    ", subsequent_indent="    "),
        *([f"    {word_places(explain(evidence, query))}"] if explained else []),
        "",
    ]


def word_places(explanation: Explanation) -> str:
    """Which words of the query stand in a passage, as one line."""
    matched = (
        ", ".join(f"{word} ({', '.join(places)})" for word, places in explanation.matched) or "no word of the query"
    )
    return one_line(matched + (f"; not in it: {', '.join(explanation.missing)}" if explanation.missing else ""))


def dated(evidence: Evidence) -> list[str]:
    """The day of a passage's document and where it was found: "2024-03-01 (file name)"; none where it has none."""
    origin = f" ({ORIGINS[evidence.date_origin]})" if evidence.date_origin else ""
    return [one_line(evidence.date) + origin] if evidence.date else []


def mark(sentence: Sentence) -> str:
    """What stands behind a sentence: the numbers of its sources, or that it has none."""
    return "".join(f" [{number}]" for number in sentence.citations) if sentence.supported else " [unsupported]"


def answer_rows(answered: Answered) -> list[str]:
    """The answer where it was not streamed."""
    if answered.abstained:
        rows = ["Nothing in your notes answers this."]
        if answered.evidence:
            rows += ["", "Closest:"]
            rows += [
                f"  {place(item.chunk.path, item.chunk.page, item.chunk.line)}  {one_line(item.title)}"
                for item in answered.evidence[:3]
            ]
        return rows
    return [" ".join(one_line(sentence.text) + mark(sentence) for sentence in answered.sentences)]


def source_rows(answered: Answered) -> list[str]:
    """Numbered sources with place and quote, then how it came about."""
    rows = ["", f"Careful: {one_line(answered.doubt)}"] if answered.doubt and not answered.abstained else []
    rows += [""] if answered.citations else []
    verdicts = {verdict.number: verdict for verdict in answered.verdicts}
    rows += [row for citation in answered.citations for row in _source(citation, verdicts.get(citation.number))]
    if answered.coverage is not None:
        rows.append(_coverage(answered.coverage))
    for unread in answered.unread:
        many = f"{len(unread.pages)} page{'s' if len(unread.pages) > 1 else ''} without text"
        rows.append(f"Not read: {place(unread.path, None, 1).rsplit(':', 1)[0]}, {many}: {in_runs(unread.pages)}")
    rows += [f"Incomplete: {one_line(answered.broken)}"] if answered.broken else []
    where = "on this machine" if answered.stays_home else "on another machine"
    rows.append(f"({answered.model}, {where}; {answered.seconds.total:.1f} s)")
    return rows


def in_runs(pages: Sequence[int], *, most: int = 12) -> str:
    """Page numbers with runs drawn together: "2, 5–9, 14"; "…" where there are more than `most` of them."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs[:most]]
    return ", ".join(shown) + (" …" if len(runs) > most else "")


def plan_rows(plan: Planned) -> list[str]:
    """A plan as rows: how much there is to read, who reads it and how, how long that takes, and what it costs."""
    size = "" if plan.pages is None else f"{plan.pages} pages, "
    how = {
        "quotes": "its own sentences, no chat model",
        "prompt": f"{plan.model} reads it at once" + (", from what it has kept of it" if plan.kept else ""),
        "parts": f"{plan.model} reads it in {plan.parts} parts",
    }[plan.way]
    time_needed = in_words(plan.seconds) if plan.seconds >= 1 else "a second"
    where = "on this machine" if plan.stays_home else "on another machine"
    guess = "" if plan.measured else " (a guess)"
    name = place(plan.path, None, 1).rsplit(":", 1)[0]
    rows = [
        f"{name}: {size}about {plan.tokens:,} tokens",
        f"{how}, {where}; about {time_needed}{guess}, ${plan.cost_usd:.2f}",
    ]
    rows += [f"pages without text: {in_runs(plan.without_text)}"] if plan.without_text else []
    return [*rows, one_line(plan.why)] if plan.why else rows


def _coverage(coverage: Coverage) -> str:
    """The footer of an answer from a whole file: what was read of it, and what was not."""
    if coverage.pages is None:
        done = sum(span.end - span.start for span in coverage.spans)
        share = "all" if coverage.complete else f"{done:,}"
        return f"Read: {share} of {coverage.characters:,} characters."
    there = f"Read: {len(coverage.read)} of {coverage.pages} pages."
    if coverage.without_text:
        there += f" {len(coverage.without_text)} without text."
    return there + (f" Left out: {in_runs(coverage.not_read)}." if coverage.not_read else "")


def _source(citation: Citation, verdict: Verdict | None) -> list[str]:
    standing = verdict.standing if verdict else "ok"
    sign = "~" if standing in ("changed", "gone") else ""
    where = f"[{citation.number}]{sign} {place(citation.path, citation.page, citation.line)}"
    rows = [where, _row(f"“{_quote(citation.quote)}”")]
    if verdict is None or standing == "ok":
        return rows
    now = place(verdict.path, verdict.page, verdict.line)
    said = {
        "moved": f"It stands at {now} now.",
        "changed": f"The file has changed since. At {now} it says now: “{_quote(verdict.now)}”",
        "gone": "The file has changed since: this is no longer in it."
        if verdict.path.exists()
        else "The file is gone.",
    }[standing]
    return [*rows, _row(said)]


def _quote(text: str) -> str:
    return textwrap.shorten(one_line(text), QUOTE_LENGTH, placeholder=" …")


def _row(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


class Streamed:
    """An answer on its way to the terminal: words as they come, and behind each sentence where it stands in the notes."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._held = ""  # white space is held back, so that a mark stands right behind its sentence
        self._said = False
        self._sentence = ""  # what the model has said since the last sentence that was looked up
        self._checked = False  # the running answer shows its marks; one that ended in FellBack starts over

    def show(self, event: Event) -> None:
        """One event of the running answer."""
        match event:
            case Retrieved():
                say(f"{len(event.evidence)} passages from {event.documents} documents", to=sys.stderr)
                for part in event.impaired:
                    say(f"{part.part}: {told(part.why, part.next)}", to=sys.stderr)
                if event.window is not None:
                    say(f"dates: {window_in_words(event.window)}", to=sys.stderr)
            case Planned():
                for row in plan_rows(event):
                    say(row, to=sys.stderr)
            case PartRead(part, parts, page, pages) if parts > 1:
                pages_read = "" if page is None else f", page {page} of {pages}"
                say(f"read part {part} of {parts}{pages_read}", to=sys.stderr)
            case FellBack():
                self._end_line()
                self._checked = False
                say(told(event.reason, event.hint), to=sys.stderr)
            case Token(text):
                text = text if self._said else text.lstrip()
                self._sentence += text
                words = (self._held + text).rstrip()
                self._held = (self._held + text)[len(words) :]
                self._said = self._said or bool(words)
                say(words, to=self._to, end="", flush=True)
            case Checked(sentence):
                self._checked = True
                said, self._sentence = self._sentence, ""
                unsaid = tuple(number for number in sentence.citations if f"[{number}]" not in said)
                if unsaid or not sentence.supported:  # a model that was asked to has named its sources itself
                    say(mark(replace(sentence, citations=unsaid)), to=self._to, end="", flush=True)

    def rest(self, answered: Answered) -> list[str]:
        """What of the finished answer has not been said yet."""
        self._end_line()
        return [] if self._checked else answer_rows(answered)

    def _end_line(self) -> None:
        if self._said:
            say(to=self._to)
        self._said, self._held, self._sentence = False, "", ""


class Progress:
    """Progress of a pass or a download on stderr: one live line on a terminal, a line now and then elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live: Any = None
        self._task: TaskID | None = None
        self._steps = self._done = 0
        self._said = time.monotonic()
        self._kind, self._pace = "", Pace()

    def __enter__(self) -> Progress:
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Live

            self._live = Live(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=30),
                TextColumn("{task.percentage:>3.0f} %", markup=False),
                console=Console(file=self._stream),
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """One event: move the bar, or say it if it is worth a line of its own."""
        match event:
            case SyncStarted(steps):
                self._steps, self._done = steps, 0
            case FileIndexed(path):
                self._done += 1
                self.advance(f"reading {path.name}", self._done, self._steps)
            case VectorsAdded(done, pending):
                self.advance("embedding passages", done, done + pending)
            case Pulling(name, done, total, source):
                self.advance(f"{name} from {source}", done, total, is_bytes=True)
            case Pulled(name, path, fetched, verified):
                self.line(f"{name} is {'here' if fetched else 'here already'}: {path}")
                if fetched and not verified:
                    self.line(f"{name} was not verified against a known hash.")
            case FileFailed(path, reason, hint):
                self._done += 1
                self.line(f"! {place(path, None, 1).rsplit(':', 1)[0]}: {told(reason, hint)}")
            case FolderSkipped(_, reason, hint) | FellBack(_, reason, hint):
                self.line(f"! {told(reason, hint)}")

    def line(self, text: str) -> None:
        """A line that stays."""
        if self._live is not None:
            self._live.console.print(clean(text), markup=False, highlight=False, soft_wrap=True)
        else:
            say(text, to=self._stream)

    def advance(self, description: str, done: int, total: int, *, is_bytes: bool = False) -> None:
        """So much of something is done; of bytes also how many a second."""
        kind = description.partition(" ")[0]
        if kind != self._kind:
            self._kind, self._pace = kind, Pace()
        self._pace.at(time.monotonic(), done)
        seconds = self._pace.seconds_left(total - done) if done < total else None
        left = "" if seconds is None else f", about {in_words(seconds)} left"
        if is_bytes and self._pace.rate:
            left = f", {self._pace.rate / 1e6:.1f} MB/s{left}"
        description = textwrap.shorten(one_line(description), 60, placeholder="…")
        so_far = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if is_bytes else f"{done} of {total}"
        if self._live is None:
            if time.monotonic() - self._said >= QUIET_SECONDS:
                self._said = time.monotonic()
                say(f"{description}: {so_far}{left}", to=self._stream)
            return
        if self._task is None:
            self._task = self._live.add_task("")
        self._live.update(
            self._task,
            description=f"{description}{', ' + so_far if is_bytes else ''}{left}",
            total=total or None,
            completed=done,
        )
