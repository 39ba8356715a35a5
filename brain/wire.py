"""Values as JSON: what `--json` prints. Pure; text in it is data, and nothing here draws it."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from brain.events import Answered, Event, Retrieved
from brain.types import Citation, Evidence, Status


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
        "tags": list(evidence.tags),
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    """A citation as `ask --json` prints it."""
    body: dict[str, Any] = plain_json(citation)
    return body


def search_json(found: Retrieved) -> dict[str, Any]:
    """The object `search --json` prints."""
    return {
        "query": found.query,
        "hits": [hit_json(evidence) for evidence in found.evidence],
        "degraded": list(found.degraded),
        "documents": found.documents,
        "seconds": plain_json(found.seconds),
    }


def answer_json(answered: Answered) -> dict[str, Any]:
    """The object `ask --json` prints."""
    return {
        "question": answered.question,
        "answer": answered.answer,
        "abstained": answered.abstained,
        "stopped": answered.stopped,
        "model": answered.model,
        "stays_home": answered.stays_home,
        "sentences": plain_json(answered.sentences),
        "citations": [citation_json(citation) for citation in answered.citations],
        "evidence": [hit_json(evidence) for evidence in answered.evidence],
        "unread": plain_json(answered.unread),
        "degraded": list(answered.degraded),
        "usage": plain_json(answered.usage),
        "seconds": plain_json(answered.seconds),
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
        },
        "chunks": status.chunks,
        "vectors": {"done": status.vectors_done, "pending": status.vectors_pending},
        "models": {"chat": status.chat, "embed": status.embed, "rerank": status.rerank},
        "owner": plain_json(status.owner),
        "degraded": plain_json(status.degraded),
        "failures": plain_json(status.failures),
    }
