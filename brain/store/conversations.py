"""The part of the catalog that keeps conversations: each question with its answer and evidence, as soon as it is answered.

They are the person's own data: no pass, repair or rebuild touches them. What a forgotten folder takes out of them is in
`cited`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from brain.cleaning import one_line
from brain.conversations import TITLE_LENGTH, Conversation, Source, Summary, Turn
from brain.errors import StoreError
from brain.events import Answered
from brain.store.cited import pack, said, unpack
from brain.store.database import Database
from brain.store.rows import path_from_bytes, path_to_bytes, sound
from brain.store.writing import count_erasure
from brain.types import Scope
from brain.wire import decode, encode
from brain.wording import terms

_IN_TURN = "EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.id AND instr(t.said, ?))"


class Conversations:
    """Saved conversations. Every writing method is one transaction."""

    _database: Database

    def conversations(self, words: str = "", *, limit: int = 100) -> list[Summary]:
        """The conversations that hold all of these words, in the title, a question or an answer; last used first."""
        wanted = terms(words)
        if words.strip() and not wanted:
            return []
        conditions = " AND ".join([f"(instr(c.said, ?) OR {_IN_TURN})"] * len(wanted)) or "1"
        query = (
            "SELECT c.id, c.title, c.began, c.changed, (SELECT count(*) FROM turns t WHERE t.conversation = c.id) "
            f"FROM conversations c WHERE {conditions} ORDER BY c.changed DESC, c.id DESC LIMIT ?"
        )
        with self._database.reading() as database:
            rows = database.execute(query, [*(one for term in wanted for one in (term, term)), limit]).fetchall()
            return [replace(Summary(*row), found=_first_with(database, row[0], wanted)) for row in rows]

    def conversation(self, id: int) -> Conversation:
        """One conversation with all its turns. Raises StoreError for one that is not there."""
        with self._database.reading() as database:
            return _conversation(database, id)

    def add_turn(self, answered: Answered, *, key: str, conversation: int | None = None, scope: Scope = Scope()) -> int:
        """Keep one answer, at the end of a conversation or as a new one. Returns the conversation's number.

        It is on disk when this returns. A `key` that is there already changes nothing: whoever does not know whether it
        was kept may say it again. Raises StoreError for a conversation that is not there.
        """
        now = _now()
        with self._database.writing() as database:
            known = database.execute("SELECT conversation FROM turns WHERE key = ?", (key,)).fetchone()
            if known is not None:
                return int(known[0])
            if conversation is None:
                title = one_line(answered.question)[:TITLE_LENGTH]
                conversation = _insert_conversation(database, Conversation(0, title, scope, now, ()), now)
            else:
                _require(database, conversation)
                database.execute("UPDATE conversations SET changed = ? WHERE id = ?", (now, conversation))
            _insert_turn(database, conversation, key, Turn(now, answered, _sources(database, answered)))
        return conversation

    def rename_conversation(self, id: int, title: str) -> None:
        """Give a conversation another title, cleaned and on one line. Raises StoreError."""
        title = one_line(title)[:TITLE_LENGTH]
        if not title:
            raise StoreError("A title needs a word.", hint="Say what the conversation is about.")
        with self._database.writing() as database:
            _require(database, id)
            query = "UPDATE conversations SET title = ?, said = ? WHERE id = ?"
            database.execute(query, (sound(title), _folded(title), id))

    def delete_conversation(self, id: int) -> Conversation:
        """Delete a conversation and return it. After the next compaction no file of the store holds a byte of it."""
        with self._database.writing() as database:
            lost = _conversation(database, id)
            count_erasure(database)
            database.execute("DELETE FROM sources WHERE turn IN (SELECT id FROM turns WHERE conversation = ?)", (id,))
            database.execute("DELETE FROM turns WHERE conversation = ?", (id,))
            database.execute("DELETE FROM conversations WHERE id = ?", (id,))
        return lost

    def restore_conversation(self, lost: Conversation) -> None:
        """Put back what was deleted, under its number; one that is there changes nothing."""
        with self._database.writing() as database:
            if database.execute("SELECT 1 FROM conversations WHERE id = ?", (lost.id,)).fetchone():
                return
            _insert_conversation(database, lost, max((turn.asked for turn in lost.turns), default=lost.began))
            for at, turn in enumerate(lost.turns):
                _insert_turn(database, lost.id, f"restored {lost.id} {at}", turn)

    def sha_of(self, path: Path) -> str:
        """The SHA-256 of a document's bytes as it was read; empty for one that is not in the store."""
        query = "SELECT sha256 FROM files WHERE path = ? AND reason IS NULL"
        with self._database.reading() as database:
            row = database.execute(query, (path_to_bytes(path),)).fetchone()
        return str(row[0]) if row else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _folded(title: str) -> str:
    return " ".join(terms(title))


def _require(database: sqlite3.Connection, id: int) -> None:
    if database.execute("SELECT 1 FROM conversations WHERE id = ?", (id,)).fetchone() is None:
        raise StoreError(f"There is no conversation {id}.", hint="brain chats lists them.")


def _conversation(database: sqlite3.Connection, id: int) -> Conversation:
    _require(database, id)
    title, scope, began = database.execute(
        "SELECT title, scope, began FROM conversations WHERE id = ?", (id,)
    ).fetchone()
    query = "SELECT id, asked, answered, forgotten FROM turns WHERE conversation = ? ORDER BY id"
    turns = tuple(_turn(database, *row) for row in database.execute(query, (id,)).fetchall())
    return Conversation(id, title, _scope(scope), began, turns)


def _turn(database: sqlite3.Connection, id: int, asked: str, packed: str, forgotten: int) -> Turn:
    query = "SELECT number, path, sha256 FROM sources WHERE turn = ? ORDER BY number"
    rows = database.execute(query, (id,)).fetchall()
    sources = {number: Source(path_from_bytes(path), sha256) for number, path, sha256 in rows}
    gone = Source(Path(), "")  # forgotten: nothing in the answer names it any more
    paths = [sources.get(number, gone).path for number in range(1 + max(sources, default=-1))]
    return Turn(asked, unpack(packed, paths), tuple(sources.values()), forgotten)


def _sources(database: sqlite3.Connection, answered: Answered) -> tuple[Source, ...]:
    """The files of an answer as they are known now."""
    query = "SELECT sha256 FROM files WHERE path = ?"
    found = []
    for path in pack(answered)[1]:
        row = database.execute(query, (path_to_bytes(path),)).fetchone()
        found.append(Source(path, str(row[0]) if row else ""))
    return tuple(found)


def _pack_scope(scope: Scope) -> str:
    return sound(json.dumps(encode(scope), ensure_ascii=False))


def _scope(packed: str) -> Scope:
    try:
        scope = decode(json.loads(packed))
    except ValueError:
        return Scope()
    return scope if isinstance(scope, Scope) else Scope()


def _first_with(database: sqlite3.Connection, conversation: int, wanted: Sequence[str]) -> str:
    """The question of the first turn that holds the most of the words; empty without words, or where only the title does."""
    if not wanted:
        return ""
    score = " + ".join(["(instr(said, ?) > 0)"] * len(wanted))
    query = f"SELECT {score}, answered FROM turns WHERE conversation = ? ORDER BY 1 DESC, id LIMIT 1"
    row = database.execute(query, (*wanted, conversation)).fetchone()
    return str(json.loads(row[1])["question"]) if row and row[0] else ""


def _insert_conversation(database: sqlite3.Connection, made: Conversation, changed: str) -> int:
    """A conversation without its turns; the number 0 stands for the next one."""
    cursor = database.execute(
        "INSERT INTO conversations (id, title, said, scope, began, changed) VALUES (?, ?, ?, ?, ?, ?)",
        (made.id or None, sound(made.title), _folded(sound(made.title)), _pack_scope(made.scope), made.began, changed),
    )
    return int(cursor.lastrowid or 0)


def _insert_turn(database: sqlite3.Connection, conversation: int, key: str, turn: Turn) -> None:
    packed, paths = pack(turn.answered)
    hashes = {source.path: source.sha256 for source in turn.sources}
    cursor = database.execute(
        "INSERT INTO turns (conversation, key, asked, answered, said, forgotten) VALUES (?, ?, ?, ?, ?, ?)",
        (conversation, key, turn.asked, packed, said(turn.answered), turn.forgotten),
    )
    database.executemany(
        "INSERT INTO sources VALUES (?, ?, ?, ?)",
        [(cursor.lastrowid, at, path_to_bytes(path), hashes.get(path, "")) for at, path in enumerate(paths)],
    )
