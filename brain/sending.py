"""Who answers a question, and what of it that model may be told, made of the parts of a store."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brain.choosing import Chosen
from brain.documents import stamp_of
from brain.errors import ModelError, ReadError
from brain.events import Answered, Event, FellBack, Retrieved
from brain.exporting import sources_of
from brain.models.splits import bytes_of
from brain.outgoing import HERE, Outgoing
from brain.parts import Parts
from brain.privacy import Rules, is_marked
from brain.seams import ChatModel
from brain.types import Chunk, Consent, Document, Message
from brain.withholding import clear

TINY_BYTES = 600_000_000  # files up to this size hold models of well under a billion parameters
MOST = 32_000  # tokens of prompt and answer where passages are sent: a window of a million is not for them
FRONT = 64_000  # characters in which a saved answer says what it was made from
AROUND = 4000  # characters before and after a passage that may show it to be part of a secret


@dataclass(frozen=True, slots=True)
class Ready:
    """Who answers, and what it is told."""

    found: Retrieved
    history: Sequence[Message]
    chat: Callable[[], ChatModel] | None = None  # None: the notes' own sentences answer
    tiny: bool = False
    outgoing: Outgoing | None = None  # it is an endpoint

    def told(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events of its answer, and with it what left this machine and what did not."""
        for event in events:
            if self.outgoing is None or not isinstance(event, Answered):
                yield event
                continue
            held = sum(one.count for one in self.outgoing.withheld if one.what == "passage")
            if event.abstained and not event.stopped and not self.outgoing.sent and held:
                passages = "one passage is" if held == 1 else f"{held} passages are"
                yield FellBack("chat", f"Nothing that may leave answers this: {passages} withheld.", HERE)
            yield with_sent(event, self.outgoing)


def with_sent(answered: Answered, outgoing: Outgoing) -> Answered:
    """The answer with what left this machine for it, and what did not."""
    return replace(answered, withheld=outgoing.withheld, sent=outgoing.sent, broken=outgoing.broken)


def with_private(answered: Answered, why: str) -> Answered:
    """An answer from one document, with why that must not leave."""
    return (
        replace(answered, evidence=tuple(replace(one, private=why) for one in answered.evidence)) if why else answered
    )


def ready(
    parts: Parts,
    chosen: Chosen | None,
    question: str,
    found: Retrieved,
    *,
    history: Sequence[Message],
    consent: Consent,
) -> Ready:
    """Everything to whoever is on this machine; to a model elsewhere only what may leave."""
    if chosen is not None and (path := chosen.path) is not None:
        return Ready(found, history, lambda: parts.chat(path), tiny=is_tiny(path))
    endpoint = chosen.endpoint if chosen is not None else None
    if endpoint is None:
        return Ready(found, history)
    if endpoint.stays_home:
        near = Outgoing(endpoint, parts.gate, question=question)
        return Ready(found, history, lambda: near, outgoing=near)
    sources = [path for one in found.evidence for path in (one.chunk.path, *one.copies)]
    sources += [path for turn in history for path in turn.sources]
    cleared = clear(found.evidence, history, consent=consent, why=reasons(parts, sources), around=Around(parts))
    outgoing = Outgoing(
        endpoint,
        parts.gate_now(),
        consent=consent,
        question=question,
        withheld=cleared.withheld,
        private=cleared.private,
        masked=cleared.masked,
        most=MOST,
    )
    public = replace(found, evidence=cleared.evidence)
    return Ready(public, cleared.history, lambda: outgoing, outgoing=outgoing)


def shrunk(parts: Parts, path: Path, told_of: set[tuple[str, str]]) -> Iterator[FellBack]:
    """That a chat model has a shorter window than it should, where that is not in `told_of` yet."""
    try:
        chat = parts.chat(path)
    except ModelError:  # told where it is used
        return
    if chat.shrunk and (chat.name, chat.shrunk) not in told_of:
        told_of.add((chat.name, chat.shrunk))
        what = f"{chat.name}: {chat.shrunk} into memory"
        yield FellBack("chat", what, "Close other programs for a longer one, or choose a smaller model.")


def is_tiny(path: Path) -> bool:
    """Whether a file holds a model that needs the prompt for tiny ones."""
    return bytes_of(path) <= TINY_BYTES


def reasons(parts: Parts, paths: Collection[Path]) -> dict[Path, str]:
    """Why each of these notes must not leave, or "": by the rules, by what is stored, and by the file as it is on disk now.

    A path that is not in the store is missing.
    """
    found = _own_reasons(parts, paths)
    return {path: why or _as_answer(parts, parts.catalog.text(path, 0, FRONT)) for path, why in found.items()}


def _own_reasons(parts: Parts, paths: Collection[Path]) -> dict[Path, str]:
    rules = parts.rules
    marks = parts.catalog.marks(tuple(dict.fromkeys(paths)))
    return {
        path: rules.why(path, tags=mark.tags, marked=mark.marked) or _since(parts, rules, path)
        for path, mark in marks.items()
    }


def _as_answer(parts: Parts, text: str) -> str:
    """Why a note must not leave by what it was made from, where it is a saved answer."""
    sources = sources_of(text)
    if sources is None:
        return ""
    found = _own_reasons(parts, sources)
    if not sources or any(source not in found for source in sources):
        return "it is a saved answer, and not known what from"
    return next((f"it is a saved answer from a private note ({why})" for why in found.values() if why), "")


def why_private(parts: Parts, document: Document, asked_for: str) -> str:
    """Why a document that has just been read must not leave, or "". `asked_for`: its path or name as it was given.

    A link in a private place is private, wherever it leads.
    """
    stored = reasons(parts, (document.path,)).get(document.path, "")
    given = Path(os.path.abspath(Path(asked_for).expanduser()))  # noqa: PTH100 -- of text: no link is followed
    stored = stored or parts.rules.why(given, tags=(), marked=False)
    return stored or _why(parts.rules, document) or _as_answer(parts, document.text[:FRONT])


def _since(parts: Parts, rules: Rules, path: Path) -> str:
    """Why a note must not leave by what was written into it since it was stored."""
    try:
        stored = parts.catalog.stored().get(str(path))
        if stored is not None and stored.stamp == stamp_of(path):
            return ""
        return _why(rules, parts.readers.read(path, max_bytes=parts.settings.notes.max_mb * 1_000_000))
    except ReadError:
        return "its file cannot be read now"


def _why(rules: Rules, document: Document) -> str:
    marked = document.private or (document.format != "pdf" and is_marked(document.text, document.tags))
    return rules.why(document.path, tags=document.tags, marked=marked)


@dataclass(frozen=True, slots=True)
class Around:
    """A passage with some of its document before and after it."""

    parts: Parts

    def __call__(self, chunk: Chunk) -> str:
        return self.parts.catalog.text(chunk.path, max(0, chunk.start - AROUND), chunk.end + AROUND)
