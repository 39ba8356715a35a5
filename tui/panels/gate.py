"""The sheet before anything leaves this machine: where to, what, how much, and what never does.

It shows and asks; nothing is sent from here. No key but those that cancel does anything for a moment after it has come
up: whoever was typing the next question would send with a letter of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from brain.cleaning import one_line
from brain.withholding import TAKEN_OUT
from tui import keys, texts
from tui.widgets.turn_view import shorten

if TYPE_CHECKING:
    from brain.events import Leaving
    from brain.types import Parcel, Withheld
    from tui.parcels import Parcels
    from tui.sending_screen import SendingScreen
    from tui.turns import Turn

Decision = Literal["here", "once", "talk", "cancel"]
HOLD = 0.6  # seconds without a key until the keys do something
_LABEL = 8
_FRAME = 2  # rows


class Rows(OptionList):
    """What can be taken out; the keys of the gate work here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        *keys.bindings("sheet", "Leaving"),
    ]
    DEFAULT_CSS = """
    Rows { height: auto; background: transparent; border: none; padding: 0; scrollbar-size-vertical: 1; }
    Rows:focus { border: none; }
    """


class GateSheet(ModalScreen[Decision]):
    """A question that would leave. It is dismissed with what is to be done."""

    BINDINGS = keys.bindings("sheet", "Leaving")
    DEFAULT_CSS = """
    GateSheet { align: center middle; background: $background 60%; }
    GateSheet > Vertical { width: 100%; max-width: 100; height: auto; max-height: 100%; border: round $text-warning;
        background: $surface; padding: 0 1; }
    GateSheet Static { height: auto; }
    """

    def __init__(
        self, desk: SendingScreen, turn: Turn, parcels: Parcels, keymap: Mapping[str, str], *, changed: bool
    ) -> None:
        super().__init__()
        self.turn = turn
        self.is_armed = False  # the keys do something
        self._desk = desk
        self._parcels = parcels
        self._keymap = keymap
        self._changed = changed
        self._timer: Timer | None = None
        self._head = Static(id="gate-head")
        self._rows = Rows(id="gate-rows")
        self._withheld = Static(id="gate-withheld")
        self._foot = Static(id="gate-foot")

    def compose(self) -> ComposeResult:
        """Where to and how much; what; what not; what can be done."""
        with Vertical() as frame:
            frame.border_title = Content.styled(texts.GATE, "bold")
            yield self._head
            yield self._rows
            yield self._withheld
            yield self._foot

    def on_mount(self) -> None:
        """Show it, and wait until nothing is typed."""
        self._rows.focus()
        self._arm_later()

    def on_resize(self) -> None:
        """Draw for this width."""
        self.call_after_refresh(self.show)

    def on_key(self) -> None:
        """Someone is typing still."""
        self._is_held()

    @property
    def is_working(self) -> bool:
        """Something was ticked, and what leaves then is not known yet."""
        return self.turn.state != "gated"

    def show(self) -> None:
        """What would leave now."""
        width = max(20, self._head.content_size.width or self.app.size.width - 4)
        rows = self._parcels.rows
        leaving = self._parcels.leaving
        head = [*self._about(leaving, width), Content("")]
        withheld = _withheld(leaving.withheld, width)
        foot = [Content(""), *self._can(width)]
        self._head.update(Content("\n").join(head))
        self._withheld.update(Content("\n").join(withheld))
        self._withheld.display = bool(withheld)
        self._foot.update(Content("\n").join(foot))
        at = self._rows.highlighted
        self._rows.clear_options()
        self._rows.add_options(
            Option(self._row(parcel, is_in, number == (at or 0), width)) for number, (parcel, is_in) in enumerate(rows)
        )
        self._rows.highlighted = min(at or 0, len(rows) - 1) if rows else None
        taken = len(head) + len(withheld) + len(foot) + _FRAME
        self._rows.styles.max_height = max(3, self.app.size.height - taken)

    # What the keys do

    def action_here(self) -> None:
        """Answer on this machine."""
        self._decide("here")

    def action_once(self) -> None:
        """Send what is shown."""
        self._decide("once")

    def action_talk(self) -> None:
        """Send it, and whatever this conversation needs after it."""
        self._decide("talk")

    def action_cancel(self) -> None:
        """Leave it: nothing is sent."""
        self.dismiss("cancel")

    def action_bytes(self) -> None:
        """Show the request itself."""
        if self._is_held():
            return
        from tui.panels.request import RequestSheet

        self.app.push_screen(RequestSheet(self._parcels.leaving, self._parcels.bytes))

    def action_tick(self) -> None:
        """Take the marked row out, or put it back, and see what would leave then."""
        rows, at = self._parcels.rows, self._rows.highlighted
        if self._is_held() or at is None or at >= len(rows) or self.is_working:
            return
        self._parcels.tick(rows[at][0])
        self._changed = False
        self._desk.look_again(self.turn)
        self.show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A row was clicked."""
        event.stop()
        self.action_tick()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another row is marked."""
        event.stop()
        width = max(20, self._head.content_size.width)
        for at, (parcel, is_in) in enumerate(self._parcels.rows):
            if at < self._rows.option_count:
                row = self._row(parcel, is_in, at == event.option_index, width)
                self._rows.replace_option_prompt_at_index(at, row)

    # Steps that several of these share

    def _decide(self, decision: Decision) -> None:
        if not self._is_held() and not self.is_working:
            self.dismiss(decision)

    def _is_held(self) -> bool:
        """Keys do nothing yet; this one holds them for longer."""
        if not self.is_armed:
            self._arm_later()
        return not self.is_armed

    def _arm_later(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(HOLD, self._arm)

    def _arm(self) -> None:
        self.is_armed = True
        self.show()

    def _about(self, leaving: Leaving, width: int) -> list[Content]:
        key = texts.GATE_KEY.format(name=one_line(leaving.key)) if leaving.key else texts.GATE_NO_KEY
        to = [one_line(leaving.host), texts.GATE_MODEL.format(name=one_line(leaving.model)), key]
        parts = _flow([Content.styled(one, "bold") for one in to], width - _LABEL, gap=4)
        lines = _labelled(texts.GATE_TO, Content("\n").join(parts), width)
        if leaving.url.lower().startswith("http:"):
            plain = Content.styled(texts.GATE_PLAIN.format(url=one_line(leaving.url)), "bold $text-error")
            lines += _labelled("", plain, width)
        sends = (texts.GATE_TICKED if self._parcels.rows else texts.GATE_ALL).format(
            size=texts.counted(self._parcels.fixed, "byte")
        )
        lines += _labelled(texts.GATE_SENDS, Content(sends), width)
        tokens = texts.GATE_TOKENS.format(
            tokens=texts.counted(leaving.tokens, "token"), bytes=texts.counted(self._parcels.bytes, "byte")
        )
        now, peak = texts.dollars(leaving.cost_usd), texts.dollars(leaving.cost_peak_usd)
        cost = (texts.GATE_PEAK if peak != now else texts.GATE_COST).format(now=now, peak=peak)
        cost = cost if leaving.cost_peak_usd else texts.GATE_NO_PRICE
        lines += _labelled(texts.GATE_SIZE, Content(f"{tokens}    {cost}"), width)
        why = one_line(leaving.why) or (texts.GATE_CHANGED if self._changed else "")
        if self._changed and texts.GATE_CHANGED not in why:
            why = f"{texts.GATE_CHANGED} {why}" if "chang" not in why else why
        if self.is_working:
            why = texts.GATE_WORKING
        return lines + (_labelled(texts.GATE_WHY, Content.styled(why, "$text-warning"), width) if why else [])

    def _row(self, parcel: Parcel, is_in: bool, is_marked: bool, width: int) -> Content:
        start = f"{'▸' if is_marked else ' '} [{'x' if is_in else ' '}] "
        ending = f"{texts.number(parcel.bytes):>8} bytes  {'' if is_in else texts.GATE_OUT}".rstrip()
        if parcel.kind == "history":
            turns = texts.counted(parcel.turns, "earlier question and answer", "earlier questions and answers")
            row = Content.assemble(start, turns)
        else:
            row = Content(f"{start}{parcel.number} ")
            ending = f"{_place(parcel):>12}  {ending}"
            name = one_line(self._desk.place(parcel.path) if parcel.path else parcel.title)
            row = Content.assemble(row, shorten(name, max(8, width - row.cell_length - len(ending) - 2)))

        gap = width - row.cell_length - len(ending) - (len(texts.GATE_OUT) + 2) * is_in
        row = Content.assemble(row, " " * max(2, gap), ending).truncate(width, ellipsis=True)
        return row.stylize("" if is_in else "dim")

    def _can(self, width: int) -> list[Content]:
        def key(name: str, label: str) -> Content:
            shown = keys.keys(f"leaving.{name}", "sheet", self._keymap).split(" ", 1)[0]
            is_dead = name != "cancel" and (self.is_working or not self.is_armed)
            return Content.assemble((f"{shown} ", "bold $text-accent"), label).stylize("dim" if is_dead else "")

        local = self._desk.local
        here = f"{texts.GATE_HERE} ({one_line(texts.MODEL_QUOTES if local == 'quotes' else local)})"
        done = [
            key("here", here),
            key("once", texts.GATE_ONCE),
            key("talk", texts.GATE_TALK),
            key("bytes", texts.GATE_BYTES),
            *([key("tick", texts.GATE_TICK)] if self._parcels.rows else []),
            key("cancel", texts.GATE_CANCEL),
        ]
        return _flow(done, width)


def _place(parcel: Parcel) -> str:
    if parcel.page is not None:
        return texts.GATE_PAGE.format(page=parcel.page)
    if len(parcel.lines) == 2 and parcel.lines[0] != parcel.lines[1]:
        return texts.GATE_LINES.format(first=parcel.lines[0], last=parcel.lines[1])
    return texts.GATE_LINE.format(first=parcel.lines[0]) if parcel.lines else ""


def _withheld(all_of_it: tuple[Withheld, ...], width: int) -> list[Content]:
    """One row for each reason; what was unticked is listed as that already."""
    counts: dict[tuple[str, str], int] = {}
    for one in all_of_it:
        if one.why == TAKEN_OUT:
            continue
        counts[one.what, one.why] = counts.get((one.what, one.why), 0) + one.count
    rows = []
    for (what, why), count in counts.items():
        if what == "secret":
            said = texts.GATE_SECRET.format(what=one_line(why))
            said += f" {texts.GATE_PLACES.format(count=count)}" if count > 1 else ""
        else:
            noun = "passage" if what == "passage" else "earlier answer"
            verb = "is" if count == 1 else "are"
            said = texts.GATE_NEVER.format(what=f"{texts.counted(count, noun)} {verb}", why=one_line(why))
        rows.append(Content.styled(f"    {said}", "$text-warning").truncate(width, ellipsis=True))
    return rows


def _labelled(label: str, text: Content, width: int) -> list[Content]:
    wrapped = text.wrap(max(8, width - _LABEL))
    return [
        Content.assemble(("" if at else label).ljust(_LABEL), line.rstrip()) if at else
        Content.assemble((label.ljust(_LABEL), "dim"), line.rstrip())
        for at, line in enumerate(wrapped)
    ]  # fmt: skip


def _flow(parts: list[Content], width: int, gap: int = 3) -> list[Content]:
    """The parts in as many lines as they need."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + gap + part.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], " " * gap, part)
        else:
            lines.append(part)
    return lines
