"""Saved conversations and answers as Markdown, with their sources as footnotes. Pure: values in, text out.

What is written says of itself that a machine wrote it, so that it never becomes the evidence of another answer. Words of
models and notes are hostile here too: they are cleaned, kept on their line, and can neither open a picture nor bring HTML.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from brain.cleaning import clean, one_line
from brain.conversations import Conversation, Turn, lost_sources
from brain.events import Answered
from brain.types import Citation, Sentence, Verdict

Place = Callable[[Path], str]

_MARKS = re.compile(r"([\\`*_\[\]<>])")
_ACTIVE = re.compile(r"<(?=[A-Za-z/!?])|(?<=!)\[|(?m:^[ \t]*(?=\[\^))")
_ENDING = re.compile(r"[\s.!?…。！？|]*$")
_MACHINE = re.compile(r"^brain[ \t]*:[ \t]*[\"']?machine-written", re.IGNORECASE | re.MULTILINE)
_SOURCE = re.compile(r"^ *- (\{.*\})[ \t]*$", re.MULTILINE)
_SAID = {"moved": "now at {place}", "changed": "changed since, it says now: “{now}”", "gone": "no longer there"}


def as_markdown(
    conversation: Conversation, verdicts: Sequence[Sequence[Verdict]] = (), *, place: Place = os.fspath
) -> str:
    """A whole conversation: front matter, a heading a question, the answers, and one footnote a source.

    `verdicts` are as `Conversations.verdicts` returns them; `place` names a file for people.
    """
    front = {"title": conversation.title, "date": conversation.began[:10]}
    rows = _front(front, private=any(map(_is_private, conversation.turns)))
    rows += [f"# {_inline(conversation.title)}", ""]
    notes: list[str] = []
    for at, turn in enumerate(conversation.turns):
        found = verdicts[at] if at < len(verdicts) else turn.answered.verdicts
        rows += [f"## {_inline(turn.answered.question)}", "", *_turn(turn, found, notes, place), ""]
    return clean("\n".join([*rows, *notes])).rstrip() + "\n"


def as_note(turn: Turn, *, place: Place = os.fspath) -> str:
    """One answer as a note of its own, its sources in the front matter as well."""
    answered = turn.answered
    hashes = {source.path: source.sha256 for source in turn.sources}
    front = {
        "title": one_line(answered.question),
        "date": turn.asked[:10],
        "model": answered.model,
        "sources": [_source(citation, hashes.get(citation.path, "")) for citation in answered.citations],
    }
    notes: list[str] = []
    rows = [
        *_front(front, private=_is_private(turn)),
        f"# {_inline(answered.question)}",
        "",
        *_turn(turn, answered.verdicts, notes, place),
        "",
    ]
    return clean("\n".join([*rows, *notes])).rstrip() + "\n"


def sources_of(text: str) -> tuple[Path, ...] | None:
    """The files that a saved answer was made from; empty where it does not say, None for a note that is none."""
    if _MACHINE.search(text) is None:
        return None
    found = []
    for row in _SOURCE.findall(text):
        try:
            found.append(Path(str(json.loads(row)["path"])))
        except (ValueError, KeyError, TypeError):
            return ()
    return tuple(found)


def _turn(turn: Turn, verdicts: Sequence[Verdict], notes: list[str], place: Place) -> list[str]:
    """The answer; its footnotes go to the end of `notes`."""
    answered, first = turn.answered, len(notes)
    numbers = {citation.number: first + at for at, citation in enumerate(answered.citations, 1)}
    found = {verdict.number: verdict for verdict in verdicts}
    notes += [_footnote(numbers[one.number], one, found.get(one.number), place) for one in answered.citations]
    rows = ["Nothing in the notes answered this."] if answered.abstained and not turn.forgotten else []
    rows += [_marked(answered, numbers)] if answered.answer and not answered.abstained else []
    rows += ["", "(stopped)"] if answered.stopped else []
    return [*rows, *(["", f"({lost_sources(turn.forgotten)})"] if turn.forgotten else [])]


def _marked(answered: Answered, numbers: dict[int, int]) -> str:
    """The answer with the numbers of its footnotes; its own layout is kept where its sentences are found in it."""
    pieces: list[str] = []
    at = 0
    for sentence in answered.sentences:
        found = answered.answer.find(sentence.text, at)
        if found < 0:
            return " ".join(_with_mark(one.text.strip(), one, numbers) for one in answered.sentences)
        pieces += [_harmless(answered.answer[at:found]), _with_mark(sentence.text, sentence, numbers)]
        at = found + len(sentence.text)
    return "".join([*pieces, _harmless(answered.answer[at:])]).strip()


def _with_mark(text: str, sentence: Sentence, numbers: dict[int, int]) -> str:
    if not sentence.citations:
        says = sentence.supported or text.endswith(":") or not any(letter.isalnum() for letter in text)
        return _harmless(text) + ("" if says else " (no source)")
    marks = "".join(f"[^{numbers[one]}]" for one in sentence.citations if one in numbers)
    ending = _ENDING.search(text)
    cut = ending.start() if ending and text.endswith("|") else len(text.rstrip())
    return f"{_harmless(text[:cut])}{marks}{text[cut:]}"


def _footnote(number: int, citation: Citation, verdict: Verdict | None, place: Place) -> str:
    row = f"[^{number}]: {_inline(_where(place, citation))} “{_inline(citation.quote)}”"
    if verdict is None or verdict.standing == "ok":
        return row
    said = _SAID[verdict.standing].format(place=_inline(_where(place, verdict)), now=_inline(verdict.now))
    return f"{row} ({said})"


def _where(place: Place, spot: Citation | Verdict) -> str:
    return f"{place(spot.path)} p.{spot.page}" if spot.page is not None else f"{place(spot.path)}:{spot.line}"


def _source(citation: Citation, sha256: str) -> dict[str, object]:
    spot = {"line": citation.line} if citation.page is None else {"page": citation.page}
    return {"path": str(citation.path), **spot, "quote": one_line(citation.quote), "sha256": sha256}


def _is_private(turn: Turn) -> bool:
    """Whether an answer comes from private notes, or may: then so is what is written of it."""
    answered = turn.answered
    return answered.tainted or bool(turn.forgotten) or any(evidence.private for evidence in answered.evidence)


def _front(values: Mapping[str, object], *, private: bool) -> list[str]:
    """Front matter. Every value is JSON, which is YAML as well, whatever stands in it."""
    rows = ["---", "brain: machine-written", *(["private: true"] if private else [])]
    for name, value in values.items():
        if isinstance(value, list):
            rows += [f"{name}:" if value else f"{name}: []", *(f"  - {_json(one)}" for one in value)]
        else:
            rows.append(f"{name}: {_json(value)}")
    return [*rows, "---", ""]


def _json(value: object) -> str:
    return clean(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode())


def _inline(text: str) -> str:
    """Text on one line in which no character is a mark of Markdown."""
    return _MARKS.sub(r"\\\1", one_line(text))


def _harmless(text: str) -> str:
    """A model's Markdown that can show nothing but text."""
    return _ACTIVE.sub(lambda found: "\\" + found[0].lstrip() if found[0].strip() else "\\", clean(text))
