"""Values as JSON: what `--json` prints, and what crosses from one Brain to another and back. Pure; nothing here draws.

`event_json` and its neighbours print what people and scripts rely on. `encode` and `decode` are each other's inverse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from brain import errors
from brain.conversations import Conversation, Summary
from brain.errors import BrainError
from brain.events import Answered, Event, Retrieved
from brain.explaining import explain
from brain.types import Choice, Citation, Consent, Document, Evidence, Message, Scope, Status, Verdict, Window


def event_json(event: Event) -> dict[str, Any]:
    """One event as a JSON object: `event` is its name in snake case, the rest its fields."""
    match event:
        case Retrieved():
            body = search_json(event)
        case Answered():
            body = answer_json(event)
        case _:
            body = plain_json(event)
    return {"event": re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower(), **body}


def plain_json(value: Any) -> Any:
    """Dataclasses as objects, paths as strings, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [plain_json(item) for item in value]
    return value


def hit_json(evidence: Evidence) -> dict[str, Any]:
    """A passage as `search --json` prints it. `start` and `end` are offsets into the document's text."""
    chunk = evidence.chunk
    return {
        "rank": evidence.number,
        "score": evidence.score,
        "scores": plain_json(evidence.scores),
        "path": str(chunk.path),
        "title": evidence.title,
        "headings": list(chunk.headings),
        "page": chunk.page,
        "line": chunk.line,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "date": evidence.date,
        "date_origin": evidence.date_origin,
        "tags": list(evidence.tags),
        "copies": [str(path) for path in evidence.copies],
        "private": evidence.private,
    }


def window_json(window: Window) -> dict[str, Any]:
    """The days that were understood, `from` which words, and what was made of them: "only", "first" or "none" there."""
    return {"after": window.after, "before": window.before, "from": window.words, "use": window.use}


def citation_json(citation: Citation) -> dict[str, Any]:
    """A citation as `ask --json` prints it."""
    body: dict[str, Any] = plain_json(citation)
    return body


def explain_json(evidence: Evidence, query: str) -> dict[str, Any]:
    """What `search --explain` adds to a passage: words of the query with the places they stand in, and those that do not."""
    explained = explain(evidence, query)
    return {"matched": {word: list(places) for word, places in explained.matched}, "missing": list(explained.missing)}


def search_json(found: Retrieved, *, explained: bool = False) -> dict[str, Any]:
    """The object `search --json` prints."""
    return {
        "query": found.query,
        "hits": [
            hit_json(evidence) | ({"explain": explain_json(evidence, found.query)} if explained else {})
            for evidence in found.evidence
        ],
        "degraded": list(found.degraded),
        "documents": found.documents,
        "understood": None if found.window is None else window_json(found.window),
        "seconds": plain_json(found.seconds),
    }


def answer_json(answered: Answered) -> dict[str, Any]:
    """The object `ask --json` prints."""
    return {
        "question": answered.question,
        "answer": answered.answer,
        "abstained": answered.abstained,
        "doubt": answered.doubt,
        "stopped": answered.stopped,
        "model": answered.model,
        "stays_home": answered.stays_home,
        "sentences": plain_json(answered.sentences),
        "citations": [citation_json(citation) for citation in answered.citations],
        "verdicts": plain_json(answered.verdicts),
        "evidence": [hit_json(evidence) for evidence in answered.evidence],
        "unread": plain_json(answered.unread),
        "degraded": list(answered.degraded),
        "withheld": plain_json(answered.withheld),
        "sent": answered.sent,
        "broken": answered.broken,
        "usage": plain_json(answered.usage),
        "seconds": plain_json(answered.seconds),
        **({} if answered.coverage is None else {"coverage": plain_json(answered.coverage)}),
    }


def status_json(status: Status) -> dict[str, Any]:
    """The object `status --json` prints."""
    return {
        "version": status.version,
        "home": str(status.home),
        "folders": plain_json(status.folders),
        "files": {
            "indexed": status.indexed,
            "failed": status.failed,
            "unreadable_pages": status.unreadable_pages,
            "private": status.private,
        },
        "chunks": status.chunks,
        "vectors": {"done": status.vectors_done, "pending": status.vectors_pending},
        "models": {
            "chat": status.chat,
            "embed": status.embed,
            "embed_next": status.embed_next,
            "embed_next_left": status.embed_next_left,
            "rerank": status.rerank,
        },
        "owner": plain_json(status.owner),
        "paused": status.paused,
        "egress": {
            "stays_home": status.stays_home,
            "sent_today": status.sent_today,
            "spent_today": status.spent_today,
            "budget_day": status.budget_day,
        },
        "degraded": plain_json(status.degraded),
        "failures": plain_json(status.failures),
    }


_KINDS = (*get_args(Event), Document, Status, Scope, Message, Consent, Choice, Conversation, Summary, Verdict)
T = TypeVar("T")

KINDS: dict[str, type] = {kind.__name__: kind for kind in _KINDS}
ERRORS: dict[str, type[BrainError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, BrainError)
}


def to_bytes(body: dict[str, Any]) -> bytes:
    """A JSON object as bytes. Text that UTF-8 has no bytes for (odd file names) comes back as it was."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def from_bytes(frame: bytes) -> dict[str, Any]:
    """The JSON object in some bytes. Raises ValueError for anything else, however hostile."""
    try:
        body = json.loads(frame.decode("utf-8", "surrogatepass"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def encode(value: Any) -> dict[str, Any]:
    """An event or another of `KINDS` as an object that says in `is` what it is."""
    kind = type(value).__name__
    if KINDS.get(kind) is not type(value):
        raise ValueError(f"{kind} does not cross")
    body: dict[str, Any] = plain_json(value)
    return {"is": kind, **body}


def decode(body: Any) -> Any:
    """What `encode` was given; None for a kind that is not known here. Fields that are not known are left out.

    Raises ValueError where a known field is missing or of another type.
    """
    if not isinstance(body, dict) or not isinstance(body.get("is"), str):
        raise ValueError("an object that does not say what it is")
    kind = KINDS.get(body["is"])
    return None if kind is None else _reading(kind)(body)


def field_of(request: dict[str, Any], name: str, kind: type[T]) -> T:
    """A field of a request. Raises ValueError where it is missing or of another type."""
    value = request.get(name)
    if type(value) is not kind:
        raise ValueError(f"{name} is missing or of another type")
    return value


def value_of(body: Any, kind: type[T]) -> T:
    """What `encode` was given, of one kind. Raises ValueError for anything else."""
    value = decode(body)
    if not isinstance(value, kind):
        raise ValueError(f"not a {kind.__name__}")
    return value


def encode_error(error: BrainError) -> dict[str, str]:
    """An error as its name, reason and hint."""
    return {"error": type(error).__name__, "reason": error.reason, "hint": error.hint}


def decode_error(body: dict[str, Any]) -> BrainError:
    """The error again; a kind that is not known here is a plain BrainError."""
    kind = ERRORS.get(str(body.get("error")), BrainError)
    return kind(str(body.get("reason")), hint=str(body.get("hint", "")))


@cache
def _reading(kind: Any) -> Callable[[Any], Any]:
    """What turns JSON back into a value of this type."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _reading_object(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return lambda value: _checked(value, value in parts, kind)
    if origin in (UnionType, Union):  # every one of ours is "this or None"
        (inner,) = (_reading(part) for part in parts if part is not NoneType)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:  # every one of ours is "any number of these"
        each = _reading(parts[0])
        return lambda value: tuple(each(item) for item in _checked(value, type(value) is list, kind))
    if kind is Path:
        return lambda value: Path(_checked(value, type(value) is str, kind))
    if kind is float:
        return lambda value: float(_checked(value, type(value) in (int, float), kind))
    return lambda value: _checked(value, type(value) is kind, kind)


def _reading_object(kind: type) -> Callable[[Any], Any]:
    types = get_type_hints(kind)
    known = {item.name: _reading(types[item.name]) for item in fields(kind)}
    needed = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]

    def read(body: Any) -> Any:
        _checked(body, isinstance(body, dict), kind)
        for name in needed:
            _checked(body, name in body, f"{kind.__name__}.{name}")
        return kind(**{name: reading(body[name]) for name, reading in known.items() if name in body})

    return read


def _checked(value: Any, is_right: bool, what: Any) -> Any:
    if not is_right:
        raise ValueError(f"not a {getattr(what, '__name__', what)}")
    return value
