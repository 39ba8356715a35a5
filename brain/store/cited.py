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
    """The answer again. Raises StoreError for one that cannot be read.

    One that was kept before it was noted which earlier turns its model was told of may come from anything.
    """
    try:
        body = json.loads(packed)
        answered = decode({"tainted": True, **body} if isinstance(body, dict) else body)
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
    touched: set[int] = set()
    for turn, conversation in database.execute("SELECT id, conversation FROM turns ORDER BY id").fetchall():
        if turn in lost:
            touched.add(conversation)
        if conversation in touched:
            _forget(database, turn, lost.get(turn, set()))


def _forget(database: sqlite3.Connection, turn: int, lost: Collection[bytes]) -> None:
    rows = database.execute("SELECT number, path FROM sources WHERE turn = ? ORDER BY number", (turn,)).fetchall()
    gone = {Path(str(number)) for number, path in rows if path in lost}
    (packed,) = database.execute("SELECT answered FROM turns WHERE id = ?", (turn,)).fetchone()
    try:
        before = unpack(packed, [Path(str(number)) for number in range(1 + max((row[0] for row in rows), default=-1))])
    except StoreError:  # what cannot be read cannot be parted: all of it goes
        database.execute("DELETE FROM sources WHERE turn = ?", (turn,))
        database.execute("DELETE FROM turns WHERE id = ?", (turn,))
        return
    after = without(before, gone)
    if after == before:
        return
    text = sound(json.dumps(encode(after), ensure_ascii=False, separators=(",", ":")))
    query = "UPDATE turns SET answered = ?, said = ?, forgotten = forgotten + ? WHERE id = ?"
    database.execute(query, (text, said(after), max(1, len(gone)), turn))
    query = "DELETE FROM sources WHERE turn = ? AND number = ?"
    database.executemany(query, [(turn, int(str(number))) for number in gone])


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
        withheld=tuple(one for one in answered.withheld if one.path not in lost),
        earlier=tuple(path for path in answered.earlier if path not in lost),
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
        withheld=tuple(one if one.path is None else replace(one, path=change(one.path)) for one in answered.withheld),
        earlier=tuple(change(path) for path in answered.earlier),
        verdicts=tuple(replace(one, path=change(one.path)) for one in answered.verdicts),
    )
