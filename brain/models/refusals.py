"""What goes wrong with an endpoint as one plain sentence and a next step: the one place that knows the words. Pure.

What a server says is cleaned, shortened, and rid of the key before it is repeated.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from urllib.parse import urlsplit

from brain.cleaning import one_line
from brain.errors import EndpointError
from brain.models.answering import message_in
from brain.models.keys import Secret
from brain.models.wires import Fault, Patience, Reply

LONGEST = 200  # characters of a server's own words
BUSY = (429, 500, 502, 503)  # worth another try

_LATER = "Ask again in a while, or ask a model on this machine."


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked, for the sentences."""

    name: str  # of the endpoint
    host: str
    model: str
    key: str  # its name
    is_home: bool
    secret: Secret | None = None

    def quoted(self, text: str) -> str:
        """A server's words, fit to be repeated: ' It says: "…"', or nothing."""
        words = one_line(self._without_key(text))  # twice: what is cleaned away may have parted the key
        words = textwrap.shorten(self._without_key(words), LONGEST, placeholder=" …")[:LONGEST]
        return f' It says: "{words}"' if words else ""

    def _without_key(self, text: str) -> str:
        return self.secret.taken_out_of(text) if self.secret else text

    @property
    def who(self) -> str:
        return self.name if self.name == self.host else f"{self.name} ({self.host})"


def of_fault(fault: Fault, asked: Asked, patience: Patience, *, within: bool = False) -> EndpointError:
    """What a fault of the network means; `within`: a part of the answer is there already."""
    start = "Is the server running? Start it, or correct its url in config.toml."
    online = "Check the connection to the internet, and the url in config.toml."
    retry = "Ask again, or ask another model."
    reach = start if asked.is_home else online
    certificates = "Where a proxy of your company signs certificates, name its file in SSL_CERT_FILE. Nothing was sent."
    detail = f": {one_line(fault.detail)}" if fault.detail else ""
    proxy = "The proxy in HTTPS_PROXY cannot be used: its address should look like http://HOST:PORT."
    if fault.detail != "address":
        proxy = f"The proxy in HTTPS_PROXY does not let {asked.who} be reached" + (
            f" ({detail[2:]})." if detail else "."
        )
    reason, hint = {
        "lookup": (f"The address of {asked.who} cannot be found.", online),
        "barred": (f"{asked.who} may not be contacted{detail}.", "Ask a model on this machine, or allow it."),
        "refused": (f"Nothing answers at {asked.who}.", reach),
        "unreachable": (f"{asked.who} cannot be reached{detail}.", reach),
        "slow": (f"{asked.who} did not take the connection within {patience.connect:g} seconds.", reach),
        "certificate": (f"The certificate of {asked.who} is not to be trusted{detail}.", certificates),
        "tls": (
            f"No encrypted connection to {asked.who} could be made{detail}.",
            "Check the url: does it speak https?",
        ),
        "proxy": (proxy, "Correct HTTPS_PROXY, or name the host in NO_PROXY."),
        "silent": (f"{asked.who} said nothing for {patience.idle:g} seconds.", retry),
        "endless": (f"{asked.who} sent a line that does not end.", "Is its url right? It often ends in /v1."),
        "cut": (
            f"{asked.who} broke off the connection.",
            f"{retry} Each time? Then the question may be too long for it.",
        ),
        "garbled": (
            f"What {asked.who} sent {'next cannot be read' if within else 'is no answer'}.",
            "Is its url right? It often ends in /v1.",
        ),
    }[fault.trouble]
    return EndpointError(reason, hint=hint)


def of_reply(reply: Reply, body: bytes, asked: Asked) -> EndpointError:
    """What an answer that is none means: any status but 200."""
    who, status = asked.who, reply.status
    said = asked.quoted(_words(reply, body))
    stored = f"Put the right one into {asked.key}, or store it: brain endpoints key {asked.name}"
    listed = f"brain endpoints check {asked.name} lists its models; the url often ends in /v1."
    if 300 <= status < 400:
        other = one_line(urlsplit(reply.headers.get("location", "")).netloc.rpartition("@")[2])[:LONGEST]
        where = f"to {other}" if other and other != asked.host else "to another address"
        return EndpointError(
            f"{who} wants the request sent on {where}; nothing was sent there.",
            hint="Where you trust that host, write its address as the url in config.toml.",
        )
    # What comes with 401 is not repeated: it is there that servers repeat the key, or the part of it they show.
    known = {
        401: (
            f"{who} does not accept the key{f' in {asked.key}' if asked.key else ''}.",
            stored if asked.key else _no_key(asked),
        ),
        402: (f"There is no money left at {who}.", "Top the account up there, or ask a model on this machine."),
        403: (f"{who} does not allow this.{said}", "The key may lack a right, or the model may be closed to you."),
        404: (f"{who} has no model {asked.model!r}, or nothing at this address.{said}", listed),
        413: (
            f"The question with its passages is too long for {who}.{said}",
            "Ask more narrowly, or set a smaller window.",
        ),
        429: (f"{who} is asked too much at the moment.{said}", _pause(reply) or _LATER),
    }
    if status in known:
        return EndpointError(known[status][0], hint=known[status][1])
    if status >= 500:
        return EndpointError(f"{who} has a fault of its own ({status}).{said}", hint=_LATER)
    return EndpointError(f"{who} refuses the request ({status}).{said}", hint=f"Is the model right? {listed}")


def of_stream(words: str, asked: Asked) -> EndpointError:
    """What the server says in a stream instead of going on."""
    return EndpointError(f"{asked.who} did not go on.{asked.quoted(words)}", hint=_LATER)


def of_page(reply: Reply, body: bytes, asked: Asked) -> EndpointError:
    """A page in place of a stream: what it says is wrong, or that it is none."""
    words = _words(reply, body)
    return of_stream(words, asked) if words else of_fault(Fault("garbled"), asked, Patience())


def no_key(asked: Asked) -> EndpointError:
    """The key is nowhere."""
    hint = f"Set the environment variable, or store it in the system's keyring: brain endpoints key {asked.name}"
    return EndpointError(f"There is no key for {asked.who}: {asked.key} is not set.", hint=hint)


def packed(asked: Asked) -> EndpointError:
    """The answer is compressed."""
    reason = f"{asked.who} sent a compressed answer, which was not asked for and is not unpacked."
    return EndpointError(reason, hint="A proxy on the way may do that; name the host in NO_PROXY.")


def ended(finish: str, asked: Asked) -> str:
    """Why an answer that the server ended is incomplete; "": it is whole."""
    return {
        "": f"{asked.who} broke off before the end of the answer.",
        "stop": "",
        "eos": "",
        "length": "The answer was cut at the most tokens it may have.",
        "content_filter": f"{asked.who} stopped the answer: its filter does not let it through.",
        "insufficient_system_resource": f"{asked.who} ran out of resources before the end of the answer.",
    }.get(finish, f"{asked.who} ended the answer early ({one_line(finish)[:40]}).")


def seconds_asked_for(reply: Reply) -> float | None:
    """How long the server asks to wait, where it says so in seconds."""
    given = reply.headers.get("retry-after", "").strip()
    return float(given) if given.isascii() and given.isdecimal() and len(given) < 7 else None


def _pause(reply: Reply) -> str:
    seconds = seconds_asked_for(reply)
    return f"It asks to wait {seconds:g} seconds; ask again then." if seconds else ""


def _no_key(asked: Asked) -> str:
    return f"Name the variable that holds its key in config.toml: [endpoints.{asked.name}] key = …"


def _words(reply: Reply, body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    try:
        return message_in(json.loads(text)) or ""
    except (ValueError, RecursionError):
        return text if reply.headers.get("content-type", "").startswith("text/plain") else ""
