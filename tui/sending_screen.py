"""Any model, and what leaves for it: the half of the Ask screen that knows which model answers this conversation, and
that shows what would leave this machine before anything does.

What a person allowed lives here, in memory, and ends with the conversation or with its model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from brain.cleaning import one_line
from tui import messages, texts
from tui.talking_screen import TalkingScreen
from tui.widgets.line import Part

if TYPE_CHECKING:
    from brain.events import Event, Leaving
    from brain.types import Choice, Consent
    from tui.app import BrainApp
    from tui.bridge import Asked
    from tui.panels.gate import Decision, GateSheet
    from tui.panels.models import ModelSheet
    from tui.turns import Turn

QUOTES = "quotes"
_SHORT_HOST = 20  # cells


class SendingScreen(TalkingScreen):
    """A conversation with a model, and perhaps with a leave to send."""

    def __init__(self, house: BrainApp, today: Callable[[], date]) -> None:
        super().__init__(house, today)
        self.choices: tuple[Choice, ...] = ()
        self.being_loaded = ""  # the model that is being loaded
        self._choice: Choice | None = None  # for this conversation
        self._usual: Choice | None = None  # written into the settings since this window was opened
        self._to_load = ""
        self._talk: Consent | None = None  # to whatever this conversation needs
        self._elsewhere = ""  # who answered last from elsewhere
        self._gate: GateSheet | None = None
        self._sheet: ModelSheet | None = None

    def stop(self, turn: Turn) -> None:
        """Stop a turn that runs."""
        raise NotImplementedError

    def ask_waiting(self) -> None:
        """Ask what waits, if nothing runs."""
        raise NotImplementedError

    # Which model, and where it is

    @property
    def chosen(self) -> Choice | None:
        """The model of this conversation, where the list of models is known."""
        used = next((one for one in self.choices if one.used), None)
        return self._choice or self._usual or used

    @property
    def model(self) -> str | None:
        """What is asked: a name; None: the model of the settings."""
        chosen = self._choice or self._usual
        return chosen.name if chosen else None

    @property
    def model_shown(self) -> str | None:
        """Its name on the screen; None where there is none."""
        status = self._house.status
        name = self.model or (status.chat if status else None)
        return texts.MODEL_QUOTES if name == QUOTES else name

    @property
    def host(self) -> str:
        """Where what is asked next would go; empty: it stays here."""
        chosen, status = self.chosen, self._house.status
        if chosen is not None and self.model:
            return "" if chosen.stays_home else chosen.host or chosen.name
        if status is not None and not status.stays_home:
            return (chosen.host if chosen else "") or self._elsewhere or status.chat or ""
        return self._elsewhere

    @property
    def local(self) -> str:
        """The model of this machine that answers instead: the usual one, else the largest that fits, else quotes."""
        status = self._house.status
        if not self.choices:
            return status.chat if status and status.stays_home and status.chat else QUOTES
        here = [one for one in self.choices if one.stays_home and one.kind != "quotes" and one.fits and one.has_key]
        return max(here, key=lambda one: (one.used, one.bytes)).name if here else QUOTES

    def place(self, path: Path) -> str:
        """A path as people know it."""
        return self._house.place(path)

    @property
    def traffic(self) -> tuple[int, float]:
        """Bytes and USD of this conversation."""
        turns = self._conversation.turns
        return sum(turn.sent for turn in turns), sum(turn.cost for turn in turns)

    def badge(self) -> Part:
        """Whether what is asked stays here, in words."""
        if self.host:
            host = Content(one_line(self.host))
            long, short = (
                Content.styled(f" {texts.BADGE_REMOTE.format(host=shown.plain)} ", "reverse $text-warning")
                for shown in (host, host.truncate(_SHORT_HOST, ellipsis=True))
            )
            return Part(long, keep=10, short=short if len(host) > _SHORT_HOST else None)
        badge = Content.assemble(
            (texts.BADGE_LOCAL, "bold $text-success"), (texts.BADGE_LOCAL_LONG.removeprefix(texts.BADGE_LOCAL), "dim")
        )
        return Part(badge, keep=10, short=Content.styled(texts.BADGE_LOCAL, "bold $text-success"))

    # What comes in

    def on_models(self, message: messages.Models) -> None:
        """What can answer."""
        self.choices = message.choices
        for sheet in (self._gate, self._sheet):
            if sheet is not None and sheet.is_attached:
                sheet.show()
        self.draw()

    def on_warmed(self, message: messages.Warmed) -> None:
        """A model is loaded; what was meant for one that was left since is dropped."""
        if message.name != self.being_loaded:
            return
        self.being_loaded = ""
        if message.failed:
            self._house.say(f"{message.failed.reason} {message.failed.hint}", "error")
        else:
            self._house.say(texts.MODEL_LOADED.format(name=message.name))
        self.draw()

    def on_preferred(self, message: messages.Preferred) -> None:
        """The settings name another model, or why not."""
        if message.failed:
            self._house.say(f"{message.failed.reason} {message.failed.hint}", "error")
            return
        self._usual = message.choice
        self.choices = tuple(replace(one, used=one.name == message.choice.name) for one in self.choices)
        self.switch(message.choice, quietly=True)
        self._house.say(texts.MODEL_PREFERRED.format(name=message.choice.name))

    def mind(self, turn: Turn, event: Event) -> None:
        """Look at an event of a question for what it says of leaving."""
        from brain.events import Answered, Leaving

        if isinstance(event, Answered):
            self._elsewhere = "" if event.stays_home else self._elsewhere or event.model
        elif isinstance(event, Leaving):
            turn.goes_out = True
            self._elsewhere = event.host
            if turn.state == "gated":
                self._hold(turn, event)
            self.draw()
        if turn.state in ("answered", "failed", "writing"):
            self.leave_gate(turn)  # nothing is left to decide

    # What the keys do

    def action_models(self) -> None:
        """Show what can answer."""
        from tui.panels.models import ModelSheet

        if self._house.bridge.is_open:
            self._house.bridge.models()
            self._sheet = ModelSheet(self, self._house.live_keys)
            self.app.push_screen(self._sheet)

    def action_preview(self) -> None:
        """Show the focused source; of a question that got nothing from elsewhere there is none, so answer it here."""
        turn = self._conversation.current
        if turn is not None and turn.could_stay and not turn.sources:
            self.answer_here(turn)
        else:
            super().action_preview()

    def action_stay_home(self) -> None:
        """Let this machine answer from here on."""
        from brain.types import Choice

        name = self.local
        found = next((one for one in self.choices if one.name == name), None)
        self.switch(found or Choice(name, "quotes" if name == QUOTES else "file", stays_home=True))

    # Steps that several of these share

    def asked(self, turn: Turn) -> Asked:
        """A question as the bridge takes it, with its model and what may leave."""
        from brain.types import Consent

        consent = turn.consent or self._talk or Consent()
        turn.goes_out = bool(self.host) and turn.model is None
        return replace(super().asked(turn), model=turn.model or self.model, consent=consent)

    def switch(self, choice: Choice, *, quietly: bool = False) -> None:
        """Another model for this conversation: what runs is stopped, what was allowed is not allowed to the new one."""
        if choice.name == self.model or (self.model is None and choice.used and not self._elsewhere):
            if not quietly:
                self._house.say(texts.MODEL_SAME.format(name=self._named(choice)))
            return
        if running := self._conversation.running:
            self.stop(running)
        for turn in self._conversation.turns:
            if turn.state == "waiting":
                turn.consent = None
        self._choice, self._talk, self._elsewhere, self.being_loaded = choice, None, "", ""
        self._to_load = choice.name if choice.kind == "file" else ""
        self.load()
        if not quietly:
            said = texts.MODEL_SWITCHED if choice.stays_home else texts.MODEL_SWITCHED_REMOTE
            self._house.say(said.format(name=self._named(choice)))
        self.draw()

    def switch_to(self, name: str) -> None:
        """The same, by name."""
        if found := next((one for one in self.choices if one.name == name), None):
            self.switch(found)
        else:
            known = ", ".join(one.name for one in self.choices)
            self._house.say(texts.MODEL_UNKNOWN.format(name=name, known=known), "warning")

    def prefer(self, choice: Choice) -> None:
        """Make it the model of the settings."""
        if choice.kind == "quotes":
            self._house.say(texts.MODEL_QUOTES_USUAL)
        else:
            self._house.bridge.prefer(choice)

    def load(self) -> None:
        """Load the model that was switched to, once nothing else runs in the one before it."""
        if self._to_load and not self._house.bridge.is_asking:
            self.being_loaded, self._to_load = self._to_load, ""
            self._house.bridge.warm(self.being_loaded)

    def begin_anew(self) -> None:
        """A new conversation has the usual model and no leave to send."""
        super().begin_anew()
        if self._gate is not None:
            self.leave_gate(self._gate.turn)
        self._choice = self._talk = None
        self._elsewhere = self._to_load = ""

    def lost_talk(self, number: int) -> None:
        """What was allowed ends with the conversation."""
        if number == self._number:
            self._talk = None
        super().lost_talk(number)

    def answer_here(self, turn: Turn) -> None:
        """Ask a turn again, of this machine; nothing of it leaves."""
        turn.ask_again(model=self.local)
        self._conversation.changed(turn)
        self.ask_waiting()

    def _hold(self, turn: Turn, leaving: Leaving) -> None:
        """The question stands at the gate: show what would leave."""
        from tui.panels.gate import GateSheet
        from tui.parcels import Parcels

        if not self.choices:
            self._house.bridge.models()  # they say who would answer here
        if turn.parcels is None:
            turn.parcels = Parcels(leaving)
        elif not turn.parcels.take(leaving):
            self.look_again(turn)
            return
        if self._gate is not None:
            self._gate.show()
            return
        gate = GateSheet(self, turn, turn.parcels, self._house.live_keys, changed=bool(turn.consent))
        self._gate = gate
        self.app.push_screen(gate, lambda decision: self._decided(turn, decision))

    def look_again(self, turn: Turn) -> None:
        """Rows were taken out or put back: see what would leave now."""
        if turn.parcels is not None:
            turn.ask_again(turn.parcels.consent())
            self.ask_waiting()

    def _decided(self, turn: Turn, decision: Decision | None) -> None:
        """The sheet is closed."""
        self._gate = None
        parcels = turn.parcels
        if self._conversation.turn(turn.ticket) is None:
            return
        if parcels is None or turn.state != "gated":
            if turn.state == "waiting":
                turn.state = "stopped"
            elif turn.is_running:
                self.stop(turn)
            self._conversation.changed(turn)
        elif decision == "here":
            self.answer_here(turn)
        elif decision in ("once", "talk"):
            consent = parcels.consent(once=True, always=decision == "talk")
            if decision == "talk":
                self._talk = replace(consent, sha256="", without=())
            turn.ask_again(consent)
            self._conversation.changed(turn)
            self.ask_waiting()
        else:
            self.stop(turn)
        self.draw()

    def leave_gate(self, turn: Turn) -> None:
        """Close the sheet of a turn: nothing is decided with it any more."""
        gate = self._gate
        if gate is not None and gate.turn is turn and gate.is_current:
            self._gate = None
            gate.dismiss("cancel")

    def _named(self, choice: Choice) -> str:
        return texts.MODEL_QUOTES if choice.kind == "quotes" else choice.name
