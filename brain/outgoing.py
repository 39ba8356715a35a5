"""The one way out: the only place from which text is handed to an endpoint, and all that has to be true before it is.

A chat model to whoever asks. What would leave is built once, shown as `Leaving`, and sent only where a person allowed those
very bytes; the ledger holds them before the first one leaves. Whatever goes wrong before that sends nothing.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from brain.costs import Price, cost, estimate, over_budget
from brain.errors import EndpointError, StoreError
from brain.events import Leaving
from brain.hiding import hidden
from brain.log import log
from brain.seams import Cancel, Endpoint
from brain.types import Consent, Delta, Evidence, Message, Parcel, Usage, Withheld
from brain.withholding import Runs, is_cut, merged, runs

HERE = "Answer with a model on this machine, or with quotes."

Outcome = Literal["answered", "stopped", "broken", "refused"]


class Spent(Protocol):
    """What has left and what it cost, in the local day and month."""

    @property
    def bytes_today(self) -> int: ...
    @property
    def usd_today(self) -> float: ...
    @property
    def usd_month(self) -> float: ...


class Ledger(Protocol):
    """Where everything that leaves is written down; see `store.ledger`."""

    def begin(
        self,
        *,
        host: str,
        model: str,
        files: Sequence[Path],
        characters: int,
        bytes: int,
        tokens: int,
        estimate_usd: float,
        sha256: str,
    ) -> int: ...
    def finish(self, number: int, *, usage: Usage, cost_usd: float, outcome: str, bytes_sent: int) -> None: ...
    def spent(self, *, now: datetime) -> Spent: ...


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands at the way out of one store."""

    ledger: Ledger
    price: Callable[[str, str], Price | None]  # of a host's model; None: not known
    day: float = 0.0  # USD that may be spent; 0: no limit
    month: float = 0.0
    offline: bool = False
    always: bool = False  # every body is shown: consent to a conversation counts for nothing
    now: Callable[[], datetime] = datetime.now
    turn: threading.Lock = field(
        default_factory=threading.Lock
    )  # two questions at once cannot both spend the last cent

    def narrowed(self, *, day: float, month: float, offline: bool, always: bool) -> Gate:
        """The same gate, its lock included, where these settings are stricter than its own as strict as they are."""
        return replace(
            self,
            day=_lower(self.day, day),
            month=_lower(self.month, month),
            offline=self.offline or offline,
            always=self.always or always,
        )


@dataclass(frozen=True, slots=True)
class _Load:
    """One body and what is known of it."""

    body: bytes
    shown: Leaving
    price: Price | None
    over: tuple[str, str]  # why the budget forbids it, and what to do


class Outgoing:
    """An endpoint as a chat model for one question. Not thread-safe, and made anew for the next question.

    `withheld` is what was left out already. `private` are runs of words of private passages, none of which may stand in a
    body unless the `question` has it. `in_parts`, a sentence, forbids anything but consent to the conversation.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        gate: Gate,
        *,
        consent: Consent = Consent(),
        question: str = "",
        withheld: Sequence[Withheld] = (),
        private: Runs = frozenset(),
        masked: dict[int, Evidence] | None = None,
        most: int = 0,
    ) -> None:
        """`masked`: passages in which something is hidden, by number. `most`: tokens of prompt and answer, if not the window."""
        self.name = endpoint.name
        self.window = min(endpoint.window, most) if most else endpoint.window
        self.stays_home = endpoint.stays_home
        self.usage = Usage()
        self.sent = 0  # bytes that left this machine
        self.broken = ""
        self.asked, secrets = (question, ()) if endpoint.stays_home else hidden(question)  # as the model is told it
        self.withheld = merged((*withheld, *secrets))
        self.in_parts = ""
        self._endpoint, self._gate, self._consent = endpoint, gate, consent
        self._question, self._private = question, private
        self._masked = masked or {}
        self._parcels: tuple[Parcel, ...] = ()

    def count(self, text: str) -> int:
        """Tokens of a text, estimated."""
        return self._endpoint.count(text)

    def told(self, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """The passages as the model is told them: without what looks like a secret."""
        return tuple(self._masked.get(one.number, one) for one in evidence)

    def untold(self, evidence: Sequence[Evidence], shown: Sequence[Evidence]) -> list[Evidence]:
        """The passages `shown` to the model as they stand in the notes, to be cited from."""
        own = {one.number: one for one in evidence}
        return [own[one.number] if one.number in self._masked else one for one in shown]

    def load(self, parcels: Sequence[Parcel]) -> None:
        """Say what the next messages are made of."""
        self._parcels = tuple(parcels)

    def check_part(self, text: str, start: int, end: int) -> None:
        """That a part of a text can be told by itself. Raises EndpointError where a secret goes on beyond it."""
        if self.cuts(text, start, end):
            raise EndpointError("What looks like a secret stands across two parts, so they stay here.", hint=HERE)

    def cuts(self, text: str, start: int, end: int) -> bool:
        """Whether a part of a text must not be told by itself, because a secret goes on beyond it."""
        return not self.stays_home and is_cut(text, start, end)

    def cost(self, prompt: int, answer: int) -> float:
        """USD for so many tokens, estimated; 0 where no price is known or nothing leaves."""
        price = None if self.stays_home else self._gate.price(self._endpoint.host, self._endpoint.model)
        return 0.0 if price is None else estimate(price, prompt=prompt, answer=answer, at=self._gate.now())[0]

    def stream(self, messages: Sequence[Message], *, limit: int, cancel: Cancel) -> Iterator[Delta | Leaving]:
        """Leaving, then, if that is allowed, the answer piece by piece. An endpoint on this machine is asked at once.

        Raises EndpointError where nothing was sent, or no answer came.
        """
        self.usage, self.broken = Usage(), ""
        if self.stays_home:
            yield from self._endpoint.send(self._endpoint.body(messages, limit=limit), cancel=cancel)
            self.usage, self.broken = self._endpoint.usage, self._endpoint.broken
            return
        if self._gate.offline:
            raise EndpointError(
                "Brain is offline: nothing leaves this machine.", hint=f"{HERE} Or leave out --offline."
            )
        if self.in_parts and self._gate.always:
            raise EndpointError(f"{self.in_parts} The settings want to be asked for each.", hint=HERE)
        load = self._loaded(messages, limit)
        if load.shown.allowed and load.over[0]:
            raise EndpointError(load.over[0], hint=load.over[1])
        yield load.shown
        if load.shown.allowed and not cancel.is_set():
            yield from self._send(load, cancel)

    def _loaded(self, messages: Sequence[Message], limit: int) -> _Load:
        """The body, built once from messages without secrets, and what of it is allowed. Raises EndpointError."""
        endpoint, gate = self._endpoint, self._gate
        cleared, secrets = _without_secrets(messages)
        self._check(cleared)
        body = endpoint.body(cleared, limit=limit)
        sha256 = hashlib.sha256(body).hexdigest()
        tokens = sum(endpoint.count(message.text) for message in cleared)
        now = gate.now()
        price = gate.price(endpoint.host, endpoint.model)
        usd, dearest = (
            (0.0, 0.0) if price is None else estimate(price, prompt=tokens, answer=_longest(body, limit), at=now)
        )
        over = self._over(None if price is None else usd, now)
        allowed, why = self._allowed(sha256)
        self.withheld = merged((*self.withheld, *secrets))
        shown = Leaving(
            url=endpoint.url,
            host=endpoint.host,
            model=endpoint.model,
            key=endpoint.key,
            body=body.decode("utf-8"),
            sha256=sha256,
            tokens=tokens,
            cost_usd=usd,
            cost_peak_usd=dearest,
            parcels=self._parcels,
            withheld=self.withheld,
            allowed=allowed,
            why=" ".join(filter(None, (over[0] or why, endpoint.note))),
        )
        return _Load(body, shown, price, over)

    def _check(self, messages: Sequence[Message]) -> None:
        """That no run of words of a private passage found its way in. Raises EndpointError."""
        if not self._private:
            return
        said = frozenset().union(*(runs(message.text) for message in messages))
        if self._private & (said - runs(self._question)):
            raise EndpointError("Words of a private note were about to leave, so nothing was sent.", hint=HERE)

    def _over(self, usd: float | None, now: datetime) -> tuple[str, str]:
        gate = self._gate
        if not gate.day and not gate.month:
            return "", ""
        spent = self._spent(now)
        if gate.day and spent.usd_today >= gate.day:
            return f"Today's ${gate.day:.2f} is spent.", f"{HERE} The limit is `day` below [budget] in config.toml."
        return over_budget(usd, day=gate.day, month=gate.month, spent_day=spent.usd_today, spent_month=spent.usd_month)

    def _spent(self, now: datetime) -> Spent:
        try:
            return self._gate.ledger.spent(now=now)
        except StoreError as error:
            raise EndpointError(f"Nothing was sent: {error.reason}", hint=error.hint or HERE) from error

    def _allowed(self, sha256: str) -> tuple[bool, str]:
        consent, always = self._consent, self._gate.always
        if consent.url and consent.url != self._endpoint.url:
            return False, "It was allowed for another address."
        if consent.conversation and not always:
            return True, ""
        if self.in_parts:
            return False, self.in_parts
        if consent.sha256 == sha256:
            return True, ""
        if consent.sha256:
            return False, "What would leave is not what was shown before."
        if always:
            return False, "Every question that leaves is shown first."
        return False, "It is the first question of this conversation that leaves."

    def _send(self, load: _Load, cancel: Cancel) -> Iterator[Delta]:
        """Write it down, then send these bytes, and write down how it ended, however it ends."""
        endpoint, began = self._endpoint, self._gate.now()
        number = self._begin(load)
        outcome: Outcome = "broken"
        is_refused = False
        heard: list[str] = []
        try:
            for delta in endpoint.send(load.body, cancel=cancel):
                heard.append(delta.text)
                yield delta
            self.broken = endpoint.broken
            outcome = "stopped" if cancel.is_set() else "broken" if self.broken else "answered"
        except EndpointError:
            outcome, is_refused = "refused", True
            raise
        except GeneratorExit:
            outcome = "stopped"
            raise
        finally:
            left = len(load.body) * endpoint.tries
            self.sent += left
            usage = endpoint.usage
            if left and not usage.prompt_tokens and not is_refused:  # it ended before it was told: as it was estimated
                usage = Usage(prompt_tokens=load.shown.tokens, completion_tokens=endpoint.count("".join(heard)))
            usd = 0.0 if load.price is None else cost(load.price, usage, at=began)
            self.usage = replace(usage, cost_usd=usd)
            self._finish(number, usd, outcome, left)

    def _begin(self, load: _Load) -> int:
        """The number of the entry, which is on disk now. Raises EndpointError: then nothing may be sent."""
        shown = load.shown
        if hashlib.sha256(load.body).hexdigest() != shown.sha256 or load.body != shown.body.encode("utf-8"):
            raise EndpointError("What was about to leave is not what was shown, so nothing was sent.", hint=HERE)
        files = dict.fromkeys(parcel.path for parcel in shown.parcels if parcel.path is not None)
        with self._gate.turn:
            over, hint = self._over(None if load.price is None else shown.cost_usd, self._gate.now())
            if over:
                raise EndpointError(over, hint=hint)
            try:
                number = self._gate.ledger.begin(
                    host=shown.host,
                    model=shown.model,
                    files=tuple(files),
                    characters=len(shown.body),
                    bytes=len(load.body),
                    tokens=shown.tokens,
                    estimate_usd=shown.cost_usd,
                    sha256=shown.sha256,
                )
            except StoreError as error:
                raise EndpointError(f"Nothing was sent: {error.reason}", hint=error.hint or HERE) from error
            if self._is_overdrawn():
                self._finish(number, 0.0, "refused", 0)
                raise EndpointError("Another question has just taken what was left of the budget.", hint=HERE)
        return number

    def _is_overdrawn(self) -> bool:
        """Whether it is more than the budget with our own entry, since another process may have written one as well."""
        gate, spent = self._gate, self._spent(self._gate.now())
        return any(
            limit and usd > limit + 1e-9 for limit, usd in ((gate.day, spent.usd_today), (gate.month, spent.usd_month))
        )

    def _finish(self, number: int, usd: float, outcome: Outcome, left: int) -> None:
        try:
            self._gate.ledger.finish(number, usage=self.usage, cost_usd=usd, outcome=outcome, bytes_sent=left)
        except StoreError as error:  # what left is in the ledger, at its estimate: the answer is not lost over it
            log.warning("ledger entry without an end", extra={"kind": type(error).__name__})


def _lower(limit: float, other: float) -> float:
    """The lower one of two limits, of which 0 is none."""
    return min(filter(None, (limit, other)), default=0.0)


def _longest(body: bytes, limit: int) -> int:
    """Tokens that the body asks for at most, thoughts among them."""
    asked = json.loads(body).get("max_tokens")
    return max(limit, asked) if isinstance(asked, int) else limit


def _without_secrets(messages: Sequence[Message]) -> tuple[list[Message], list[Withheld]]:
    """Every message with what looks like a secret taken out, and what that was."""
    cleared: list[Message] = []
    found: list[Withheld] = []
    for message in messages:
        text, secrets = hidden(message.text)
        cleared.append(replace(message, text=text, sources=(), private=None))
        found.extend(secrets)
    return cleared, found


__all__ = ["Gate", "Ledger", "Outgoing", "Spent"]
