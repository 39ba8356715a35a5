"""One question and its answer as one widget: the words, their marks, the sources under them, and how it ended.

It lays its lines out for the width it has, keeps them, and draws from them; it never decides what happens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import RenderResult
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.style import Style
from textual.widget import Widget

from brain.cleaning import clean, one_line
from tui import texts
from tui.messages import OpenCitation, Source

if TYPE_CHECKING:
    from brain.events import PartRead, Planned
    from tui.turns import Turn

LABEL = 9  # cells before the text of a turn: "  Brain  "
WIDEST = 100  # a line longer than this is hard to read
_NARROW = 60


@dataclass(frozen=True, slots=True)
class Look:
    """What a turn needs to know to draw itself: how to name a place, the key for the trace, and the clock."""

    place: Callable[[Path], str]
    why_key: Callable[[], str]
    again_key: Callable[[], str]
    now: Callable[[], float] = time.monotonic


def where(name: str, source: Source) -> str:
    """A place as people write it: "offer.pdf p.2", "plan.md:41"."""
    return f"{name} p.{source.page}" if source.page is not None else f"{name}:{source.line}"


def shorten(text: str, width: int) -> str:
    """The end of a path, with … where its start was cut."""
    if Content(text).cell_length <= width:
        return text
    while text and Content(text).cell_length > width - 1:
        text = text[1:]
    return "…" + text


class TurnView(Widget):
    """Draws one Turn."""

    DEFAULT_CSS = "TurnView { height: auto; width: 1fr; text-wrap: nowrap; margin-bottom: 1; }"

    def __init__(self, turn: Turn, look: Look) -> None:
        super().__init__()
        self.turn = turn
        self.focused_source: int | None = None
        self._look = look
        self._lines: list[Content] = []
        self._laid: int | None = None
        self._source_rows: dict[int, int] = {}

    def redraw(self) -> None:
        """The turn has changed."""
        self._laid = None
        self.refresh(layout=True)

    def focus_source(self, at: int | None) -> None:
        """Make one source the focused one; its marks and its row show it."""
        if at != self.focused_source:
            self.focused_source = at
            self._laid = None
            self.refresh(layout=True)

    def row_of(self, at: int) -> int | None:
        """The line of this widget on which a source is listed."""
        return self._source_rows.get(at)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are at this width."""
        self._lay(width)
        return len(self._lines)

    def render(self) -> RenderResult:
        """The lines."""
        self._lay(self.content_size.width)
        return Content("\n").join(self._lines)

    def on_click(self, event: Click) -> None:
        """A click on a mark or a source row opens it."""
        at = event.style.meta.get("source")
        if isinstance(at, int):
            event.stop()
            self.post_message(OpenCitation(self.turn.ticket, at))

    def _lay(self, width: int) -> None:
        if self._laid == width or width <= 0:
            return
        self._laid = width
        self._source_rows.clear()
        label = LABEL if width >= _NARROW else 2
        room = max(8, min(width - label - 1, WIDEST))
        question = prose_lines(self.turn.question, room)
        self._lines = _labelled(texts.YOU, question, label, "bold")
        self._lines.append(Content(""))
        body = self._body(room)
        start = len(self._lines)
        self._lines += _labelled(texts.APP, body, label, "bold $text-primary")
        moved = len(self._lines) - start - len(body)  # a narrow window puts the label on a line of its own
        self._source_rows = {at: row + start + moved for at, row in self._source_rows.items()}

    def _body(self, width: int) -> list[Content]:
        from tui.widgets import prose  # the first frame shows no answer

        turn = self.turn
        done: list[Content] = []
        if turn.answered and turn.answered.abstained:
            done += prose_lines(texts.NOTHING, width)
            if turn.sources:
                done += [Content(""), Content.styled(texts.CLOSEST, "dim")]
        elif turn.answered and turn.answered.sentences:
            text = prose.marked(turn.answered.answer, turn.answered.sentences)
            done += prose.lines(text, width, self._mark, Content.styled(texts.NO_SOURCE, "dim"))
        elif turn.pieces:
            done += prose.lines(turn.text, width, _no_mark, Content(""))
        progress = self._progress()
        if progress:
            done += Content.styled(progress, "dim").wrap(width)
        if turn.sources:
            if not (turn.answered and turn.answered.abstained):
                done.append(Content(""))
            done += self._rows(width, len(done))
        done += self._ending(width, bool(done))
        return done

    def _mark(self, number: int) -> Content:
        at = self.turn.numbered(number)
        if at is None:
            return Content(f"[{number}]")
        focused = self.focused_source is not None and self.turn.citations[self.focused_source].number == number
        text = f"⟦{number}⟧" if focused else f"[{number}]"
        text += "~" if self.turn.is_stale(number) else ""
        linked = Content.styled(text, Style.from_meta({"source": at}))
        return linked.stylize("bold $text-accent reverse" if focused else "bold $text-accent")

    def _progress(self) -> str:
        turn = self.turn
        match turn.state:
            case "waiting":
                return texts.WAITING
            case "searching":
                return texts.SEARCHING
            case "gated":
                return texts.AT_THE_GATE
            case "reading":
                text = texts.READING.format(passages=texts.counted(len(turn.evidence), "passage"))
                if turn.planned:
                    text = self._planned(turn.planned, turn.part)
                if turn.leaving and turn.leaving.allowed:
                    sent = texts.size(turn.sent)
                    text = texts.ON_ITS_WAY.format(size=sent, host=one_line(turn.leaving.host))
                if turn.reading and turn.reading.total:
                    text += f"  {min(100, 100 * turn.reading.done // turn.reading.total)} %"
                return text
            case "thinking":
                return texts.THINKING.format(seconds=int(self._look.now() - turn.thinking_since))
            case _:
                return ""

    def _planned(self, plan: Planned, part: PartRead | None) -> str:
        size = texts.counted(plan.tokens, "token") if plan.pages is None else texts.counted(plan.pages, "page")
        text = texts.READING_WHOLE.format(
            name=one_line(plan.path.name), size=size, time=texts.span(plan.seconds), model=one_line(plan.model)
        )
        return text + (f" · {part.part}/{part.parts}" if part is not None and part.parts > 1 else "")

    def _rows(self, width: int, first: int) -> list[Content]:
        sources = self.turn.sources
        names = [where(one_line(self._look.place(source.path)), source) for source in sources]
        widest = min(max(Content(name).cell_length for name in names), max(12, width // 2))
        done: list[Content] = []
        is_any_stale = any(self.turn.is_stale(citation.number) for citation in self.turn.citations)
        for at, (source, name) in enumerate(zip(sources, names, strict=True)):
            focused = at == self.focused_source
            number = self.turn.citations[at].number if self.turn.citations else at + 1
            shown = Content(shorten(name, widest))
            sign = ("~" if self.turn.is_stale(number) else " ") if is_any_stale else ""
            start = f"{'▸' if focused else ' '}{number}{sign} "
            quote = Content(f"“{one_line(source.quote)}”")
            room = width - len(start) - widest - 2
            if quote.cell_length > room:
                quote = Content(f"{quote.plain[:-1]}").truncate(max(1, room - 1), ellipsis=True).append("”")
            row = Content.assemble(
                (start, "bold $text-accent"),
                shown.stylize("bold" if focused else ""),
                " " * (widest - shown.cell_length + 2),
                quote.stylize("" if focused else "dim") if room > 6 else "",
            )
            self._source_rows[at] = first + len(done)
            done.append(row.stylize(Style.from_meta({"source": at})))
            if focused:
                done += self._difference(number, width)
        return done

    def _difference(self, number: int, width: int) -> list[Content]:
        """What has become of the words of a citation that was changed or deleted since."""
        verdict = self.turn.verdict(number)
        if verdict is None or not self.turn.is_stale(number):
            return []
        said = texts.STALE_NOW.format(now=one_line(verdict.now)) if verdict.now else texts.STALE_GONE
        return [Content.assemble("    ", line) for line in Content.styled(said, "$text-warning").wrap(width - 4)]

    def _ending(self, width: int, has_body: bool) -> list[Content]:
        turn = self.turn
        done: list[Content] = []
        if turn.fell_back:
            done += _failure_lines(turn.fell_back.reason, turn.fell_back.hint, width, "$text-warning")
        if turn.failed:
            again = f"{self._look.again_key()} {texts.AGAIN}" if self._look.again_key() else ""
            hint = " · ".join(part for part in (turn.failed.hint, again) if part)
            done += _failure_lines(turn.failed.reason, hint, width, "$text-error")
        if turn.answered and turn.answered.doubt and not turn.answered.abstained:
            done += Content.styled(one_line(turn.answered.doubt), "$text-warning").wrap(width)
        if turn.forgotten:
            from brain.conversations import lost_sources  # nor a saved one

            done += Content.styled(lost_sources(turn.forgotten), "dim").wrap(width)
        if any(turn.is_stale(citation.number) for citation in turn.citations):
            again = self._look.again_key()
            said = f"{texts.STALE} · {again} {texts.AGAIN}" if again else texts.STALE
            done.append(Content.styled(said, "$text-warning"))
        for unread in turn.answered.unread if turn.answered else ():
            pages = ", ".join(str(page) for page in unread.pages[:8]) + (" …" if len(unread.pages) > 8 else "")
            name = one_line(self._look.place(unread.path))
            count = texts.counted(len(unread.pages), "page")
            done += Content.styled(texts.UNREAD.format(name=name, count=count, pages=pages), "dim").wrap(width)
        if turn.state == "stopped":
            words = texts.counted(turn.words, "word")
            said = texts.STOPPED.format(words=words) if turn.words else texts.STOPPED_EARLY
            if turn.leaving and not turn.leaving.allowed:
                said = texts.NOT_SENT
            again = self._look.again_key()
            done.append(Content.styled(f"{said} · {again} {texts.AGAIN}" if again else said, "dim"))
        elif turn.is_settled:
            done += self._broken(width)
            done.append(self._footer(width))
        done += self._left(width)
        return [Content(""), *done] if done and has_body else done

    def _broken(self, width: int) -> list[Content]:
        """That the answer is incomplete, and why."""
        why = one_line(self.turn.answered.broken) if self.turn.answered else ""
        if not why:
            return []
        answer = self.turn.answered.answer if self.turn.answered else ""
        said = texts.BROKE_OFF.format(words=texts.counted(len(answer.split()), "word"))
        again = self._look.again_key()
        return _failure_lines(f"{why} {said}", f"{again} {texts.AGAIN}" if again else "", width, "$text-warning")

    def _left(self, width: int) -> list[Content]:
        """What left this machine for it, what it cost, and what did not leave."""
        turn = self.turn
        if not turn.sent and not (turn.answered and turn.answered.withheld):
            return []
        host = one_line(turn.leaving.host if turn.leaving else turn.answered.model if turn.answered else "")
        parts = [texts.SENT_TO.format(size=texts.size(turn.sent), host=host)] if turn.sent else []
        parts += [texts.dollars(turn.cost)] if turn.answered and turn.sent else []
        for what, noun in (("passage", "passage"), ("history", "earlier answer"), ("secret", "secret")):
            count = sum(one.count for one in turn.answered.withheld if one.what == what) if turn.answered else 0
            parts += [texts.STAYED_HERE.format(what=texts.counted(count, noun))] if count else []
        return Content.styled(" · ".join(parts), "dim").wrap(width)

    def _footer(self, width: int) -> Content:
        answer = self.turn.answered
        assert answer is not None
        cited = len({citation.number for citation in answer.citations})
        parts = [texts.counted(len(answer.evidence), "passage")]
        if answer.coverage is not None:
            parts = [texts.covered(answer.coverage)]
        if not answer.abstained:
            parts.append(texts.CITED.format(count=cited) if cited else texts.CITED_NONE)
            parts.append(texts.MODEL_QUOTES if answer.model == "quotes" else one_line(answer.model))
        parts.append(f"{answer.seconds.total:.1f} s")
        left = Content.styled(" · ".join(parts), "dim").truncate(max(8, width - 8), ellipsis=True)
        key = self._look.why_key()
        right = Content.styled(f"{key} why", "dim") if key else Content("")
        return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def prose_lines(text: str, width: int) -> list[Content]:
    """Plain text, cleaned and wrapped."""
    return [line.rstrip() for line in Content(clean(text).expandtabs(4)).wrap(width)]


def _no_mark(number: int) -> Content:
    return Content(f"[{number}]")


def _failure_lines(reason: str, hint: str, width: int, style: str) -> list[Content]:
    done = [line.stylize(style) for line in prose_lines(f"! {reason}", width)]
    return done + [line.stylize("dim") for line in prose_lines(hint, width)] if hint else done


def _labelled(name: str, body: list[Content], label: int, style: str) -> list[Content]:
    """The name before the first line; on a line of its own where there is no room beside the text."""
    margin = " " * label
    if label < LABEL:
        return [Content.styled(f" {name}", style), *(Content.assemble(margin, line) for line in body)]
    first = Content.assemble("  ", (name.ljust(label - 2), style))
    return [Content.assemble(margin if at else first, line) for at, line in enumerate(body or [Content("")])]
