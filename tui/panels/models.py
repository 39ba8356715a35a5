"""What can answer: models on this machine, endpoints elsewhere, and the notes' own sentences; one of them for this
conversation, or for all from now on.

It shows and asks; switching is the screen's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from brain.cleaning import one_line
from tui import keys, texts

if TYPE_CHECKING:
    from brain.types import Choice
    from tui.sending_screen import SendingScreen


class ModelList(OptionList):
    """The list; letters act on the model that is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        *keys.bindings("sheet", "Models"),
    ]


class ModelSheet(ModalScreen[None]):
    """All of them, by where what is asked would go."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+g,f3,q", "dismiss", show=False)]
    DEFAULT_CSS = """
    ModelSheet { align: center middle; background: $background 60%; }
    ModelSheet > Vertical { width: 96%; max-width: 100; height: auto; max-height: 96%; border: round $border;
        background: $surface; padding: 0 1; }
    ModelSheet ModelList { height: auto; background: transparent; border: none; padding: 0; scrollbar-size-vertical: 1; }
    ModelSheet ModelList:focus { border: none; }
    ModelSheet #models-said { height: auto; margin-top: 1; }
    """

    def __init__(self, desk: SendingScreen, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._desk = desk
        self._keymap = keymap
        self._shown: list[Choice | None] = []  # what stands in each row; None: a heading
        self._warned = ""  # a model that does not fit was chosen once
        self._rows = ModelList(id="models-list")
        self._said = Static(id="models-said")

    def compose(self) -> ComposeResult:
        """What can answer, and what can be done."""
        with Vertical() as frame:
            frame.border_title = Content.styled(texts.MODELS, "bold")
            frame.border_subtitle = Content.styled(texts.CLOSE_HINT, "dim")
            yield self._rows
            yield self._said

    def on_mount(self) -> None:
        """Show what is known already; the rest comes."""
        self._rows.focus()

    def on_resize(self) -> None:
        """Draw for this width."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """What can answer now."""
        choices = self._desk.choices
        if not choices:
            self._say(texts.MODELS_LOOKING)
            return
        width = max(20, self._said.content_size.width)
        marked = self._marked
        here = [one for one in choices if one.stays_home]
        elsewhere = [one for one in choices if not one.stays_home]
        self._shown = [None, *here, *([None, *elsewhere] if elsewhere else [])]
        widest = min(max(len(one_line(one.name)) for one in choices), max(12, width // 3))
        self._rows.clear_options()
        for at, one in enumerate(self._shown):
            if one is None:
                title = Content.styled(texts.MODELS_REMOTE if at else texts.MODELS_HERE, "dim")
                lines = [Content(""), title] if at else [title]
                self._rows.add_option(Option(Content("\n").join(lines), disabled=True))
            else:
                self._rows.add_option(Option(self._row(one, widest, width)))
        name = marked.name if marked else self._current
        at = next((at for at, one in enumerate(self._shown) if one is not None and one.name == name), 1)
        self._rows.highlighted = at
        self._rows.styles.max_height = max(3, self.app.size.height * 96 // 100 - 6)
        if not self._warned:
            self._hint()

    # What the keys do

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it for this conversation."""
        event.stop()
        if (marked := self._marked) is not None and self._is_fit(marked):
            self.dismiss()
            self._desk.switch(marked)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another one is marked: what was said of the one before is over."""
        event.stop()
        marked = self._marked
        if self._warned and marked is not None and marked.name != self._warned:
            self._warned = ""
            self._hint()

    def action_prefer(self) -> None:
        """Take it for every conversation."""
        if (marked := self._marked) is not None and self._is_fit(marked):
            if marked.kind != "quotes":
                self.dismiss()
            self._desk.prefer(marked)

    # Steps that several of these share

    @property
    def _marked(self) -> Choice | None:
        at = self._rows.highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    @property
    def _current(self) -> str:
        chosen = self._desk.chosen
        return chosen.name if chosen else ""

    def _is_fit(self, choice: Choice) -> bool:
        """Whether it can answer. Where not, it is said what to do; what may not fit in memory can be tried."""
        name = one_line(choice.name)
        if not choice.has_key:
            next_step = texts.MODEL_NEEDS_KEY_HINT.format(name=name.partition("/")[0])
            self._say(f"! {texts.MODEL_NEEDS_KEY.format(name=name)} {next_step}", "$text-warning")
            self._warned = choice.name
            return False
        if not choice.fits and self._warned != choice.name:
            said = texts.MODEL_NO_FIT.format(name=name, size=texts.size(choice.memory))
            self._say(f"! {said}" if choice.memory else f"! {one_line(choice.note)}", "$text-warning")
            self._warned = choice.name
            return False
        return True

    def _hint(self) -> None:
        prefer = keys.keys("models.prefer", "sheet", self._keymap)
        self._say(texts.MODELS_HINT.format(prefer=prefer), "$foreground 60%")

    def _say(self, text: str, style: str = "dim") -> None:
        self._said.update(Content.styled(text, style))

    def _row(self, choice: Choice, widest: int, width: int) -> Content:
        is_now = choice.name == self._current
        sign = "●" if is_now else "▲" if not choice.stays_home else " "
        name = Content(one_line(choice.name)).truncate(widest, ellipsis=True)
        marks = [texts.MODEL_NOW] * is_now + [texts.MODEL_USUAL] * choice.used
        ending = ", ".join(marks)
        if self._desk.being_loaded == choice.name:
            ending = texts.LOADING.format(name="").strip()
        head = Content.assemble(
            (f"{sign} ", "$text-warning" if sign == "▲" else "$text-success"),
            (name.plain, "bold"),
            " " * (widest - name.cell_length + 2),
        )
        room = width - head.cell_length - len(ending) - (2 if ending else 0)
        facts = _facts(choice)
        said = Content("  ").join(facts)
        while len(facts) > 1 and said.cell_length > room:
            facts.pop(-2 if choice.kind == "file" else -1)  # whether it fits, and where it is, are said last
            said = Content("  ").join(facts)
        said = said.truncate(max(1, room), ellipsis=True)
        row = Content.assemble(head, said, " " * max(0, room - said.cell_length), ("  " if ending else "") + ending)
        note = Content.styled(f"{' ' * (widest + 4)}{one_line(choice.note)}", "dim").truncate(width, ellipsis=True)
        return Content("\n").join([row, note]) if choice.note else row


def _facts(choice: Choice) -> list[Content]:
    if choice.kind == "quotes":
        return [Content(texts.MODELS_QUOTES)]
    window = [Content(texts.MODEL_WINDOW.format(tokens=texts.number(choice.window)))] if choice.window else []
    if choice.kind == "endpoint":
        key = Content(texts.MODEL_KEY) if choice.has_key else Content.styled(texts.MODEL_NO_KEY, "$text-warning")
        return [Content(one_line(choice.host)), *([] if choice.stays_home and choice.has_key else [key]), *window]
    facts = [Content(texts.size(choice.bytes))] if choice.bytes else []
    facts += window
    if choice.memory:
        facts.append(Content(texts.MODEL_MEMORY.format(size=texts.size(choice.memory))))
    if not choice.fits:
        facts.append(Content.styled(f"! {texts.MODEL_TOO_BIG}", "$text-warning"))
    return facts
