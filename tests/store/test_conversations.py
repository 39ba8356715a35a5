"""Saved conversations: committed as they happen, found by their words, and forgotten where a person expects it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from brain.errors import StoreError
from brain.events import Answered
from brain.store.catalog import Catalog
from brain.store.cited import pack, unpack
from brain.types import Chunk, Citation, Evidence, Scope, Sentence, Unread, Verdict
from tests.store.making import ROOT, VAULT, document_of, put, stamp_of

HOSTILE = "\x1b[31mred\x1b]52;c;aGk=\x07 \u202eevil \x00 \udcff"


def source(number: int, path: Path, text: str) -> tuple[Citation, Evidence, Verdict]:
    return (
        Citation(number, path, path.stem, 0, len(text), text),
        Evidence(number, Chunk(path, 0, len(text), text), path.stem, 0.5),
        Verdict(number, "ok", path, 0, len(text)),
    )


def answer(question: str, *said: tuple[str, Path | None], more: str = "") -> Answered:
    """Sentences, each carried word for word by a file, or by none."""
    sources = [source(at, path, text) for at, (text, path) in enumerate(said, 1) if path]
    return Answered(
        question,
        " ".join(text for text, _ in said),
        not said,
        "m",
        True,
        tuple(Sentence(text, (at,) if path else (), bool(path)) for at, (text, path) in enumerate(said, 1)),
        tuple(citation for citation, _, _ in sources),
        tuple(evidence for _, evidence, _ in sources),
        unread=(Unread(Path(more), (2,)),) if more else (),
        verdicts=tuple(verdict for _, _, verdict in sources),
    )


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.db") as made:
        yield made


def test_an_answer_comes_back_as_it_was_with_the_hash_of_its_files(catalog):
    document = put(catalog, "well.md", "The pump comes in week 24.")
    first = answer("When?", ("The pump comes in week 24.", document.path), more="/vault/scan.pdf")
    number = catalog.add_turn(first, key="k", scope=Scope(within=("work/",), after="2025-01-01"))
    kept = catalog.conversation(number)
    assert kept.scope == Scope(within=("work/",), after="2025-01-01")
    assert kept.turns[0].answered == first
    assert {one.path: one.sha256 for one in kept.turns[0].sources} == {
        document.path: f"sha of {document.text}",
        Path("/vault/scan.pdf"): "",
    }
    assert kept.history()[0].text == "When?"


@given(some.text(some.characters(exclude_categories=()), max_size=60))
def test_any_path_survives_packing(name):
    path = Path(f"/v/{name}") if "\x00" not in name else Path("/v/x")
    made = answer("q", ("a", path), ("b", VAULT / "b.md"), ("c", path))
    assert unpack(*pack(made)) == made


def test_words_are_found_in_questions_answers_and_titles_whatever_their_case(catalog):
    garden = catalog.add_turn(answer("What about the Gärten?", ("They cost 900 €.", None)), key="1")
    pump = catalog.add_turn(answer("When comes the pump?", ("In week 24.", None)), key="2")
    catalog.add_turn(answer("And who orders it?", ("Tom signs.", None)), key="3", conversation=pump)
    catalog.rename_conversation(garden, "Money")
    for words, ids, shown in (
        ("garten", [garden], "What about the Gärten?"),
        ("GÄRTEN 900", [garden], "What about the Gärten?"),
        ("money", [garden], ""),
        ("tom", [pump], "And who orders it?"),
        ("tom 24", [pump], "When comes the pump?"),
        ("tom money", [], ""),
        ("%", [], ""),
    ):
        found = catalog.conversations(words)
        assert [one.id for one in found] == ids, words
        assert [one.found for one in found] == [shown for _ in ids], words
    assert [one.id for one in catalog.conversations()] == [pump, garden], "last used first"
    assert [one.id for one in catalog.conversations(limit=1)] == [pump]


def test_hostile_text_is_kept_and_its_title_is_one_clean_line(catalog):
    number = catalog.add_turn(answer(f"a\nb {HOSTILE}", (HOSTILE, VAULT / "x.md")), key="k")
    kept = catalog.conversation(number)
    assert kept.title == "a b red evil"
    assert kept.turns[0].answered.citations[0].path == VAULT / "x.md"
    catalog.rename_conversation(number, f"{HOSTILE} x")
    assert catalog.conversation(number).title == "red evil x"
    with pytest.raises(StoreError, match="title"):
        catalog.rename_conversation(number, "\x1b[31m \n")


def test_a_deleted_conversation_leaves_no_byte_after_a_compaction(catalog, tmp_path):
    for at in range(20):
        number = catalog.add_turn(
            answer(f"zqxquestion{at}?", (f"zqxanswer{at} " * 99, VAULT / f"zqxfile{at}.md")), key=str(at)
        )
        catalog.delete_conversation(number)
    assert catalog.erased()[0] == 20, "a compaction becomes due"
    assert catalog.compact(thorough=True)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"zqx" not in left.lower()


def test_a_file_that_moves_is_followed(catalog):
    document = put(catalog, "well.md", "The pump comes in week 24.")
    number = catalog.add_turn(answer("When?", ("The pump comes in week 24.", document.path)), key="k")
    catalog.move(document.path, VAULT / "work/well.md", stamp_of(2))
    (turn,) = catalog.conversation(number).turns
    assert turn.answered.citations[0].path == turn.sources[0].path == VAULT / "work/well.md"


def test_forgetting_a_folder_takes_what_came_from_it_and_nothing_else(catalog, tmp_path):
    secret, nested, other = VAULT / "zqxsecret.md", VAULT / "kept" / "shared.md", Path("/other/roof.md")
    for folder in (VAULT, VAULT / "kept", Path("/other")):
        catalog.add_folder(folder)
    both = answer(
        "What is planned?",
        ("zqxbody of the plan.", secret),
        ("The roof is old.", other),
        ("A model said zqxecho.", None),
        ("Shared words.", nested),
        more=str(secret),
    )
    number = catalog.add_turn(both, key="1")
    later = answer("And then?", ("It repeats zqxbody.", None), ("The roof is old.", other))
    catalog.add_turn(later, key="2", conversation=number)
    clean = catalog.add_turn(answer("Roof?", ("The roof is old.", other), ("My guess.", None)), key="3")
    untouched = catalog.conversation(clean)

    catalog.remove_folder(VAULT)

    first, second = catalog.conversation(number).turns
    assert first.answered.question == "What is planned?"
    assert first.answered.answer == "The roof is old. Shared words."
    assert [one.path for one in first.answered.citations] == [other, nested]
    assert [one.chunk.path for one in first.answered.evidence] == [other, nested]
    assert (first.answered.unread, first.forgotten) == ((), 1)
    assert {one.path for one in first.sources} == {other, nested}
    assert (second.answered.answer, second.forgotten) == ("The roof is old.", 1)
    assert catalog.conversation(clean) == untouched
    assert catalog.conversations("zqxecho") == []
    catalog.compact(thorough=True)
    assert b"zqx" not in b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()
    catalog.remove_folder(Path("/other"))
    assert catalog.conversation(number).turns[0].answered.answer == "Shared words."


def test_a_folder_is_forgotten_even_where_an_answer_is_damaged(catalog, tmp_path):
    catalog.add_folder(VAULT)
    number = catalog.add_turn(answer("Secret?", ("zqxbody", VAULT / "a.md")), key="k")
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as database, database:
        database.execute("UPDATE turns SET answered = '{ zqxbody'")
    catalog.remove_folder(VAULT)
    assert catalog.conversation(number).turns == ()
    catalog.compact(thorough=True)
    assert b"zqx" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_repairs_leave_conversations_alone(catalog):
    number = catalog.add_turn(answer("When?", ("In week 24.", VAULT / "gone.md")), key="k")
    kept = catalog.conversation(number)
    assert catalog.integrity(thorough=True) == []
    assert catalog.orphans() == []
    catalog.drop_orphans()
    catalog.drop_vectors()
    catalog.compact(thorough=True)
    assert catalog.conversation(number) == kept


def test_a_damaged_answer_is_said_and_names_what_to_do(catalog, tmp_path):
    number = catalog.add_turn(answer("When?", ("In week 24.", VAULT / "a.md")), key="k")
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as database, database:
        database.execute("UPDATE turns SET answered = '{'")
    with pytest.raises(StoreError, match="damaged"):
        catalog.conversation(number)
    assert [one.id for one in catalog.conversations()] == [number]


def test_a_machine_written_note_is_left_out_unless_asked_for(catalog):
    own = put(catalog, "own.md", "The pump comes in week 24.")
    assert catalog.scope(Scope()) is None
    note = document_of("saved.md", "The pump comes in week 24, it was said.")
    put(catalog, "saved.md", note.text, machine_written=True)
    assert catalog.document(VAULT / "saved.md").machine_written
    assert {chunk.path for chunk in catalog.chunks(catalog.scope(Scope()) or ()).values()} == {own.path}
    assert (catalog.documents(Scope()), catalog.documents(Scope(machine=True))) == (1, 2)
    assert catalog.scope(Scope(machine=True)) is None
    assert len(catalog.scope(Scope(formats=("text",), machine=True)) or ()) == 2
    put(catalog, "saved.md", note.text, stamp=2)
    assert catalog.scope(Scope()) is None, "the mark was taken out of it"


WRITER = """
import sys
from pathlib import Path
from brain.store.catalog import Catalog
from brain.store.files import Files
from tests.store.test_conversations import answer
catalog = Catalog(Path(sys.argv[1]))
number = None
for at in range(10_000):
    made = answer(f"question {at}", (f"answer {at} " * 50, Path(f"/v/{at}.md")))
    number = catalog.add_turn(made, key=str(at), conversation=number)
    print(at, flush=True)
"""


@pytest.mark.parametrize("turns", [1, 7, 40])
def test_a_kill_between_turns_or_in_one_loses_none_that_was_committed(tmp_path, turns):
    path = tmp_path / "catalog.db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for _ in range(turns):
            said = writer.stdout.readline()
        writer.kill()
        said = (writer.stdout.read().splitlines() or [said])[-1]  # what it said before it heard of its end
    with Catalog(path) as catalog:
        assert catalog.integrity(thorough=True) == []
        ((number, kept),) = [(one.id, one.questions) for one in catalog.conversations()]
        assert kept >= int(said) + 1 >= turns
        for at, turn in enumerate(catalog.conversation(number).turns):
            assert turn.answered == answer(f"question {at}", (f"answer {at} " * 50, Path(f"/v/{at}.md")))


def test_a_turn_that_is_said_again_after_a_restart_is_kept_once(tmp_path):
    made = answer("q", ("a", VAULT / "a.md"))
    with Catalog(tmp_path / "catalog.db") as catalog:
        number = catalog.add_turn(made, key="k")
    with Catalog(tmp_path / "catalog.db") as catalog:
        assert catalog.add_turn(replace(made, answer="other"), key="k") == number
        assert len(catalog.conversation(number).turns) == 1
