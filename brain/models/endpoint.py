"""A chat model behind an address: DeepSeek, or any server that speaks as OpenAI's does, here or elsewhere.

`body` gives the exact bytes of a request, `send` sends exactly those. Whether they may be sent is not decided here. How the
network is used is in `wires.py`, what comes back in `answering.py`, what went wrong in `refusals.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from brain import __version__
from brain.cleaning import one_line
from brain.errors import Cancelled, SettingsError
from brain.models import refusals
from brain.models.addresses import Address, address_of
from brain.models.answering import Answering, Garbled, Refused
from brain.models.dialogue import merged, neutralised
from brain.models.keys import check_name, find_key, where
from brain.models.providers import Provider, providers
from brain.models.refusals import Asked
from brain.models.sse import Events, TooLong
from brain.models.wires import BEFORE, Exchange, Fault, Patience, Reply, Stopped
from brain.seams import Cancel
from brain.settings import EndpointSettings
from brain.types import Delta, Message, Usage

PATIENCE = Patience()
THOUGHTS = 4096  # tokens a model may think ahead of an answer: thoughts count against what is asked for
TOKENS_A_TURN = 6  # of the template
HEADERS = {"Accept-Encoding": "identity", "User-Agent": f"brain/{__version__}"}
STREAMING = HEADERS | {"Accept": "text/event-stream", "Content-Type": "application/json"}
LONGEST_ANSWER = 8_000_000  # characters; more than any model can say
LONGEST_PAGE = 4 << 20  # bytes of a list of models
LONGEST_REFUSAL = 16 << 10
LONGEST_CHECK = 30.0  # seconds without a byte: nothing is thought over

# What turns are made of in the templates of most models: in notes it must stay text, whoever renders the prompt.
_CONTROL = re.compile(r"<[|｜][^<>|｜\s]{1,40}[|｜]>|</?(?:start|end)_of_turn>|\[/?INST\]|</?s>|\[/?SYSTEM_PROMPT\]")
_WORDS = re.compile(r"[A-Za-z]+|[0-9]{1,2}|[^\sA-Za-z0-9]|\n+|[ \t]{2,}")


@dataclass(frozen=True, slots=True)
class Found:
    """What an endpoint says of itself when it is checked."""

    models: tuple[str, ...]
    window: int  # of the chosen model; 0: not said
    money: str  # "4.20 USD"; "": not said


def open_endpoint(
    name: str, endpoints: Mapping[str, EndpointSettings], *, patience: Patience = PATIENCE
) -> HttpEndpoint:
    """The endpoint NAME or NAME/MODEL, out of the settings and what is known. Raises SettingsError; contacts nothing."""
    head, _, wanted = name.partition("/")
    given, known = endpoints.get(head), providers().get(head)
    if given is None and known is None:
        near = get_close_matches(head, endpoint_names(endpoints), n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise SettingsError(
            f"There is no endpoint {one_line(head)!r}.", hint=f"{hint}Known: {', '.join(endpoint_names(endpoints))}."
        )
    given = given or EndpointSettings()
    url = given.url or (known.url if known else "")
    if not url:
        hint = f'In config.toml: [endpoints.{head}] url = "https://api.example.com/v1"'
        raise SettingsError(f"The endpoint {head} has no address.", hint=hint)
    address = address_of(url, owner=head)
    known = known or _at(address) or Provider()
    # A key goes to the host it was made for: another address under a known name has to name its key itself.
    key = given.key or (known.key if not given.url or _same_host(address, known.url) else "")
    if key:
        check_name(key, owner=head)
    return HttpEndpoint(name, given, known, address, key, model=wanted or given.model or known.model, patience=patience)


def endpoint_names(endpoints: Mapping[str, EndpointSettings]) -> tuple[str, ...]:
    """The endpoints of the settings, then those that are known."""
    return tuple(dict.fromkeys((*endpoints, *providers())))


def is_endpoint(name: str, endpoints: Mapping[str, EndpointSettings]) -> bool:
    """Whether a model's name means an endpoint: NAME, or NAME/MODEL."""
    head = name.partition("/")[0]
    return head in endpoints or head in providers()


class HttpEndpoint:
    """One endpoint with one of its models. Not for two threads at once."""

    def __init__(
        self,
        name: str,
        given: EndpointSettings,
        known: Provider,
        address: Address,
        key: str,
        *,
        model: str,
        patience: Patience,
    ) -> None:
        replaced = known.retired.get(model, "")
        self.name = name
        self.model = replaced or model
        self.note = f"{model} is retired: {replaced} answers in its place." if replaced else ""
        self.url = address.url
        self.host = address.host
        self.key = key
        self.window = given.window or known.window
        self.sees_images = self.model in known.sees
        self.is_near = address.is_home  # the server itself is on this machine, whoever computes
        spelt = self.model.strip().casefold()  # as such a server reads it
        goes_on = any(fnmatchcase(spelt, pattern) for pattern in known.away)
        self.stays_home = address.is_home and not goes_on
        if address.is_home and goes_on:
            self.note = f"The server on this machine hands what {self.model} is asked on to another machine."
        self.thoughts = THOUGHTS if given.thinking else 0  # tokens that are asked for beyond the limit
        self.usage = Usage()
        self.broken = ""
        self.tries = 0  # how often the body, or a part of it, left for the last answer: a busy server is asked again
        self._owner = name.partition("/")[0]
        self._address = address
        self._known = known
        self._extra = known.thinking_on if given.thinking else known.thinking_off
        self._patience = patience

    def __repr__(self) -> str:
        return f"HttpEndpoint({self.name!r}, {self.url!r}, {self.model!r})"

    @property
    def has_key(self) -> bool:
        """Whether it needs no key, or the key is there."""
        return not self.key or bool(where(self.key))

    def count(self, text: str) -> int:
        """Tokens of a text, estimated; rather too many than too few.

        Measured with a small English vocabulary: 1.0 to 1.6 times the true number for English, Japanese and code, 0.8 for German.
        """
        tenths = sum(
            12 * max(1, (len(word) + 1) // 4) if word.isascii() else 6 * len(word.encode("utf-8", "replace"))
            for word in _WORDS.findall(text)
        )
        return -(-tenths // 10)

    def body(self, messages: Sequence[Message], *, limit: int) -> bytes:
        """The exact bytes of the request for an answer of at most `limit` tokens. Raises SettingsError without a model."""
        if not self.model:
            hint = f"Say {self._owner}/MODEL, or set it: [endpoints.{self._owner}] model = …  "
            hint += f"brain endpoints check {self._owner} lists its models."
            raise SettingsError(f"Which model of {self._owner}?", hint=hint)
        turns = merged([{"role": turn.role, "content": neutralised(turn.text, _CONTROL)} for turn in messages])
        asked: dict[str, Any] = {
            "model": self.model,
            "messages": turns,
            "max_tokens": limit + self.thoughts,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._known.temperature:
            asked["temperature"] = 0
        return json.dumps(asked | dict(self._extra), ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )

    def send(self, body: bytes, *, cancel: Cancel) -> Iterator[Delta]:
        """Send these bytes, and the answer piece by piece. Ends early, without error, once `cancel` is set.

        Raises EndpointError before the first piece; an answer that breaks off later ends, and `broken` says why. Where the
        server has not counted, `usage` is estimated from what was sent and what was said.
        """
        self.usage, self.broken, self.tries = Usage(), "", 0
        if cancel.is_set():
            return
        asked = self._asked()
        for pause in (*self._patience.pauses, None):
            with closing(Exchange(self._address, cancel=cancel, patience=self._patience)) as exchange:
                self.tries += 1
                try:
                    reply = exchange.open("POST", "/chat/completions", STREAMING, body, key=asked.secret)
                    if reply.status == 200:
                        yield from self._heard(exchange, reply, body, asked, cancel)
                        return
                    refusal = refusals.of_reply(reply, _what_it_says(exchange), asked)
                except Stopped:
                    self._account(exchange, body)
                    return
                except Fault as fault:
                    self._account(exchange, body, is_before=fault.trouble in BEFORE)
                    raise refusals.of_fault(fault, asked, self._patience) from fault
            wait = self._pause(reply, pause)
            if wait is None:
                raise refusal
            if cancel.wait(wait):
                return

    def _account(self, exchange: Exchange, body: bytes, *, is_before: bool = False) -> None:
        """What came of a request without an answer. `is_before`: no connection was made."""
        if is_before or not exchange.sent:
            self.tries -= 1
        elif exchange.sent >= len(body) and self.usage == Usage():
            self.usage = self._estimated(body, "")  # it has arrived, so it may be charged

    def check(self, *, cancel: Cancel) -> Found:
        """What models there are, and what money is left where that is told: costs nothing. Raises EndpointError, Cancelled."""
        asked = self._asked()
        listed = self._asked_for("/models", asked, cancel).get("data")
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        names = [(one_line(str(entry.get("id", "")))[:200], entry) for entry in entries[:10_000]]
        window = next((_window_in(entry) for name, entry in names if name == self.model), 0)
        money = _money(self._asked_for(self._known.balance, asked, cancel)) if self._known.balance else ""
        return Found(tuple(name for name, _ in names if name), window, money)

    def _heard(self, exchange: Exchange, reply: Reply, body: bytes, asked: Asked, cancel: Cancel) -> Iterator[Delta]:
        """The answer; what stops it becomes `broken` once a piece of it is out, and an error before."""
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise refusals.packed(asked)
        if reply.headers.get("content-type", "").lower().startswith(("text/html", "application/json")):
            raise refusals.of_page(reply, _what_it_says(exchange), asked)
        answering, said, length, fault = Answering(), [], 0, None
        try:
            try:
                for delta in _deltas(exchange, answering):
                    if cancel.is_set():
                        return
                    said.append(delta.text)
                    length += len(delta.text)
                    yield delta
                    if length > LONGEST_ANSWER:
                        raise Garbled
                self.broken = refusals.ended((answering.finish or "stop") if answering.is_done else "", asked)
            except Fault as trouble:
                fault = refusals.of_fault(trouble, asked, self._patience, within=bool(said))
            except Garbled:
                fault = refusals.of_fault(Fault("garbled"), asked, self._patience, within=bool(said))
            except TooLong:
                fault = refusals.of_fault(Fault("endless"), asked, self._patience)
            except Refused as refused:
                fault = refusals.of_stream(str(refused), asked)
            if self.broken and not said and not answering.finish:
                fault = refusals.of_fault(Fault("cut"), asked, self._patience)
            if fault is not None:
                if not said:
                    raise fault
                self.broken = fault.reason
                yield from answering.rest()
        finally:
            self.usage = answering.usage or self._estimated(body, "".join(said))

    def _estimated(self, body: bytes, said: str) -> Usage:
        try:
            prompt = sum(self.count(turn["content"]) + TOKENS_A_TURN for turn in json.loads(body)["messages"])
        except (ValueError, TypeError, KeyError):  # no body of ours
            prompt = self.count(body.decode("utf-8", "replace"))
        return Usage(prompt_tokens=prompt, completion_tokens=self.count(said))

    def _pause(self, reply: Reply, pause: float | None) -> float | None:
        """Seconds before another try; None: there is none."""
        if pause is None or reply.status not in refusals.BUSY:
            return None
        told = refusals.seconds_asked_for(reply)
        if told is None:
            return pause
        return told if told <= self._patience.longest_pause else None

    def _asked(self) -> Asked:
        """Who is asked, with the key. Raises EndpointError where it is missing."""
        secret = find_key(self.key) if self.key else None
        asked = Asked(self._owner, self.host, self.model, self.key, self.is_near, secret)
        if self.key and secret is None:
            raise refusals.no_key(asked)
        return asked

    def _asked_for(self, path: str, asked: Asked, cancel: Cancel) -> Mapping[str, Any]:
        """A page of the endpoint. Raises EndpointError, and Cancelled once `cancel` is set."""
        patience = replace(self._patience, idle=min(self._patience.idle, LONGEST_CHECK))
        with closing(Exchange(self._address, cancel=cancel, patience=patience)) as exchange:
            try:
                reply = exchange.open("GET", path, HEADERS | {"Accept": "application/json"}, key=asked.secret)
                page = _read(exchange, LONGEST_PAGE) if reply.status == 200 else _what_it_says(exchange)
            except Stopped:
                raise Cancelled(f"The check of {asked.who} was stopped.") from None
            except Fault as fault:
                raise refusals.of_fault(fault, asked, patience) from fault
        if reply.status != 200:
            raise refusals.of_reply(reply, page, asked)
        try:
            found = json.loads(page)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise refusals.of_fault(Fault("garbled"), asked, self._patience)
        return found


def _deltas(exchange: Exchange, answering: Answering) -> Iterator[Delta]:
    """What the events of a stream say, until it says that it is done."""
    events = Events()
    for piece in exchange.pieces():
        for data in events.hear(piece):
            yield from answering.hear(data)
        if answering.is_done:
            break
    else:
        for data in events.finish():
            yield from answering.hear(data)
    yield from answering.rest()


def _read(exchange: Exchange, most: int) -> bytes:
    """The body up to so many bytes."""
    found = bytearray()
    for piece in exchange.pieces():
        found += piece
        if len(found) >= most:
            break
    return bytes(found[:most])


def _what_it_says(exchange: Exchange) -> bytes:
    """The body of a refusal, as far as it comes: its status says enough."""
    try:
        return _read(exchange, LONGEST_REFUSAL)
    except Fault:
        return b""


def _at(address: Address) -> Provider | None:
    """What is known of a host under another name. Servers of this machine are known by their name only."""
    return next(
        (known for known in providers().values() if not address.is_home and _same_host(address, known.url)), None
    )


def _same_host(address: Address, url: str) -> bool:
    return bool(url) and address_of(url, owner="").host == address.host


def _window_in(entry: Mapping[str, Any]) -> int:
    """The window that a list of models tells: vLLM's word for it, OpenRouter's, or llama-server's."""
    meta = entry.get("meta")
    told = [entry.get("max_model_len"), entry.get("context_length"), meta.get("n_ctx") if isinstance(meta, dict) else 0]
    return next((size for size in told if isinstance(size, int) and 0 < size < 1 << 31), 0)


def _money(page: Mapping[str, Any]) -> str:
    """What is left, as DeepSeek and OpenRouter tell it."""
    infos, data = page.get("balance_infos"), page.get("data")
    if isinstance(infos, list):
        each = [f"{info.get('total_balance')} {info.get('currency')}" for info in infos if isinstance(info, dict)]
        return one_line(", ".join(each))[:100]
    left = data.get("limit_remaining") if isinstance(data, dict) else None
    return f"{left:.2f} USD" if isinstance(left, int | float) else ""
