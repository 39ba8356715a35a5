"""Answers as the catalog keeps them: packed with the numbers of their files in place of paths, followed when a file moves,
and emptied of what came from a folder that is forgotten. Each function works inside a transaction of its caller.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from brain.errors import StoreError
from brain.events import Answered
from brain.store.rows import path_to_bytes, sound
from brain.wire import decode, encode
from brain.wording import terms


def pack(answered: Answered) -> tuple[str, list[Path]]:
    """An answer as JSON, and the files that the numbers in it stand for."""
    numbers: dict[Path, int] = {}
    numbered = _with_paths(answered, lambda path: Path(str(numbers.setdefault(path, len(numbers)))))
    return sound(json.dumps(encode(numbered), ensure_ascii=False, separators=(",", ":"))), list(numbers)


def unpack(packed: str, paths: Sequence[Path]) -> Answered:
    """The answer again. Raises StoreError for one that cannot be read."""
    try:
        answered = decode(json.loads(packed))
        if not isinstance(answered, Answered):
            raise ValueError("not an answer")
        return _with_paths(answered, lambda number: paths[int(str(number))])
    except (ValueError, IndexError) as error:
        raise StoreError("A saved answer is damaged.", hint="Run: brain doctor") from error


def said(answered: Answered) -> str:
    """The words of question and answer, folded, to be searched."""
    return " ".join(terms(sound(f"{answered.question} {answered.answer}")))


def follow_move(database: sqlite3.Connection, old: Path, new: Path) -> None:
    """A file stands at another path: saved answers know it by that one."""
    database.execute("UPDATE sources SET path = ? WHERE path = ?", (path_to_bytes(new), path_to_bytes(old)))


def forget_below(
    database: sqlite3.Connection, span: tuple[bytes, bytes], others: Collection[tuple[bytes, bytes]]
) -> None:
    """Take what came from files of this span of paths, but of none of `others`, out of every saved answer.

    What goes is every passage, quote and name of those files, and every sentence that no other file carries: of these
    answers, and of the later ones of the same conversations, which may repeat them. The questions stay.
    """
    query = "SELECT turn, path FROM sources WHERE path >= ? AND path < ?"
    lost: dict[int, set[bytes]] = {}
    for turn, path in database.execute(query, span).fetchall():
        if not any(first <= path < last for first, last in others):
            lost.setdefault(turn, set()).add(path)
    if not lost:
        return
    marks = ",".join("?" * len(lost))
    query = (
        "SELECT t.id, t.answered FROM turns t JOIN "
        f"(SELECT conversation, min(id) AS first FROM turns WHERE id IN ({marks}) GROUP BY conversation) f "
        "ON t.conversation = f.conversation AND t.id >= f.first"
    )
    for turn, packed in database.execute(query, tuple(lost)).fetchall():
        rows = database.execute("SELECT number, path FROM sources WHERE turn = ? ORDER BY number", (turn,)).fetchall()
        gone = {str(number) for number, path in rows if path in lost.get(turn, ())}
        numbers = [Path(str(number)) for number in range(1 + max((number for number, _ in rows), default=-1))]
        before = unpack(packed, numbers)  # its paths are the numbers still
        after = without(before, {Path(number) for number in gone})
        if after == before:
            continue
        text = sound(json.dumps(encode(after), ensure_ascii=False, separators=(",", ":")))
        change = "UPDATE turns SET answered = ?, said = ?, forgotten = forgotten + ? WHERE id = ?"
        database.execute(change, (text, said(after), max(1, len(gone)), turn))
        forget = "DELETE FROM sources WHERE turn = ? AND number = ?"
        database.executemany(forget, [(turn, int(number)) for number in gone])


def without(answered: Answered, lost: Collection[Path]) -> Answered:
    """The answer with nothing in it of these files, and no sentence that no other file carries."""
    citations = tuple(one for one in answered.citations if one.path not in lost)
    kept = {one.number for one in citations}
    sentences = tuple(one for one in answered.sentences if one.citations and kept.issuperset(one.citations))
    return replace(
        answered,
        answer=answered.answer if sentences == answered.sentences else " ".join(one.text for one in sentences),
        sentences=sentences,
        citations=citations,
        evidence=tuple(one for one in answered.evidence if one.chunk.path not in lost),
        unread=tuple(one for one in answered.unread if one.path not in lost),
        verdicts=tuple(one for one in answered.verdicts if one.number in kept and one.path not in lost),
    )


def _with_paths(answered: Answered, change: Callable[[Path], Path]) -> Answered:
    return replace(
        answered,
        citations=tuple(replace(one, path=change(one.path)) for one in answered.citations),
        evidence=tuple(
            replace(one, chunk=replace(one.chunk, path=change(one.chunk.path))) for one in answered.evidence
        ),
        unread=tuple(replace(one, path=change(one.path)) for one in answered.unread),
        verdicts=tuple(replace(one, path=change(one.path)) for one in answered.verdicts),
    )
