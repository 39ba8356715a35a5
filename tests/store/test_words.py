"""The words index, through real tantivy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.errors import StoreBusy, StoreError
from brain.store.words import FEW, Words, WordsRow
from tests.store.making import in_child


def row(chunk: int, text: str, title: str = "", headings: str = "") -> WordsRow:
    return WordsRow(chunk, title, headings, text, "text")


@pytest.fixture
def words(tmp_path: Path) -> Iterator[Words]:
    with Words(tmp_path / "words") as opened:
        yield opened


def found(words: Words, query: str, **more: object) -> list[int]:
    return [hit.chunk_id for hit in words.search(query, 20, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The library opens at nine.", "libraries opening"),
        ("Résumé und Café", "resume cafe"),
        ("re\u0301sume\u0301 typed in two parts", "résumé"),
        ("STRASSE", "straße"),
        ("ﬁnal ﬁgures", "final"),
        ("日本語の本を読みました", "日本"),
        ("日本語の本を読みました", "本"),
        ("我昨天去了图书馆", "图书馆在哪里"),
        ("서울에서 만나요", "서울"),
        ("ภาษาไทยง่ายมาก", "ไทย"),
        ("हिन्दी में लिखा", "हिन्दी"),
        ("Привет, мир", "мир"),
        ("node.js and C++", "node"),
        ("It was what it was", "what was it"),
        ("Las bibliotecas de la ciudad abren a las nueve", "biblioteca"),
        ("Библиотеки открываются в девять часов, и это хорошо", "библиотека"),
        ("Die Häuser sind alt und nicht für uns gebaut", "haus"),
        ("an e-mail from the bank", "email"),
        ("an email from the bank", "e-mail"),
        ("class TextAnalyzer in the parser", "analyzer"),
        ("서울에서 만나요", "서울은"),
    ],
)
def test_words_are_found_however_they_are_written(words: Words, text: str, query: str) -> None:
    words.write([row(1, text), row(2, "nothing of the kind")], [])
    assert found(words, query)[0] == 1


def test_stop_words_do_not_count_beside_others(words: Words) -> None:
    words.write([row(1, "what is the where of the"), row(2, "penguins")], [])
    assert found(words, "what is the penguin?") == [2]


def test_titles_and_headings_weigh_more_than_text(words: Words) -> None:
    rows = [row(1, "taxes and other things"), row(2, "x", headings="taxes and other things")]
    words.write([*rows, row(3, "x", title="taxes and other things")], [])
    assert set(found(words, "taxes")[:2]) == {2, 3}


def test_a_score_says_how_much_of_the_question_a_chunk_holds(words: Words) -> None:
    words.write([row(1, "apple pear"), row(2, "apple"), *(row(at, f"filler{at}") for at in range(3, 40))], [])
    whole, half = words.search("apple pear", 9)
    assert 1 >= whole.score > half.score > 0
    (weak,) = words.search("apple quince plum cherry damson", 1)
    assert weak.score < half.score


def test_words_that_stand_together_are_told_from_words_that_do_not(words: Words) -> None:
    texts = [
        "the capital of the country",
        "the country without a plan for more than some of its capital",
        "capital",
        "else",
    ]
    words.write([row(at, text) for at, text in enumerate(texts, 1)], [])
    assert list(words.together("which capital of the country", [1, 2, 3, 4])) == [1]
    assert list(words.together("which capital of the country", [2, 3])) == []
    assert words.together("capital", [1, 2]) == {}
    assert words.together("capital country", []) == {}
    assert words.together("日本語の本", [1]) == {}


def test_a_name_and_the_text_make_no_phrase(words: Words) -> None:
    words.write([row(1, "garden pump", title="Tax plan")], [])
    assert found(words, "", phrases=["tax plan"]) == [1]
    assert found(words, "", phrases=["plan tax"]) == []
    assert found(words, "", phrases=["pump tax"]) == []


def test_each_language_is_stemmed_as_its_own(words: Words) -> None:
    words.write(
        [
            row(1, "The runners are running in the morning, and they will be running again"),
            row(2, "Los corredores corrieron por la mañana y los niños también corrían en la calle"),
        ],
        [],
    )
    assert found(words, "run runner") == [1]
    assert found(words, "corredor") == [2]
    assert found(words, "niña en la calle")[0] == 2


def test_a_chunk_written_again_is_replaced_and_gone_ones_are_not_found(words: Words) -> None:
    words.write([row(1, "apple"), row(2, "apple")], [])
    words.write([row(1, "pear")], [2, 99])
    assert found(words, "apple") == []
    assert found(words, "pear") == [1]
    assert words.count() == 1


def test_phrases_must_be_there_and_excluded_words_must_not(words: Words) -> None:
    words.write([row(1, "the quick brown fox"), row(2, "the brown quick fox"), row(3, "a fox, 日本語の本")], [])
    assert found(words, "", phrases=["quick brown"]) == [1]
    assert found(words, "fox", phrases=["Quick  BROWN!"]) == [1]
    assert found(words, "", phrases=["日本語"]) == [3]
    assert found(words, "", phrases=["本日"]) == []
    assert set(found(words, "fox", excluded=["quick brown"])) == {2, 3}
    assert set(found(words, "fox", excluded=["日本", "!"])) == {1, 2}
    assert found(words, "", excluded=["fox"]) == []
    assert found(words, "", phrases=["fox"], excluded=["quick"]) == [3]


@pytest.mark.parametrize("extra", [0, FEW + 1])
def test_within_gives_the_best_among_those(words: Words, extra: int) -> None:
    words.write([row(chunk, f"apple {'pear ' * chunk}") for chunk in range(1, 101)], [])
    within = frozenset([*range(90, 100), *range(1000, 1000 + extra)])
    assert sorted(found(words, "apple", within=within)) == list(range(90, 100))
    assert [hit.chunk_id for hit in words.search("apple", 3, within)] == [90, 91, 92]
    assert found(words, "apple", within=frozenset()) == []


def test_a_question_of_two_megabytes_is_answered_soon(words: Words) -> None:
    words.write([row(1, "needle")], [])
    assert found(words, "needle " + "hay stack " * 200_000) == [1]
    many = " ".join(f"word{number}" for number in range(900))
    assert found(words, f"{many} needle") == [1]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(), max_size=40)
    | st.sampled_from(
        ['"', "a AND", "title:x", "*", "a~2^3", "[a TO b]", "\0", "🎉", "a\ud800", "(", "日", "x" * 100_000]
    ),
    phrase=st.text(max_size=12),
)
def test_any_string_can_be_written_and_asked(words: Words, text: str, phrase: str) -> None:
    words.write([row(1, text, text, text)], [])
    for hit in words.search(text, 5, phrases=[phrase] if phrase else [], excluded=[text[:3]] if phrase else []):
        assert hit.chunk_id == 1
    if any(letter.isalnum() and letter.isascii() for letter in text) and len(text) < 50:
        assert found(words, text) == [1]
    assert set(words.together(text, [1])) <= {1}


def test_a_reader_sees_later_commits_and_needs_no_lock(words: Words, tmp_path: Path) -> None:
    reader = Words(tmp_path / "words", read_only=True)
    with pytest.raises(StoreError, match="not indexed yet"):
        reader.search("x", 1)
    words.write([row(1, "apple")], [])
    assert found(reader, "apple") == [1]
    words.write([row(2, "apple")], [1])
    assert found(reader, "apple") == [2]
    words.clear()
    words.write([row(3, "apple")], [])
    assert found(reader, "apple") == [3]
    with pytest.raises(StoreError, match="reading only"):
        reader.write([row(4, "x")], [])
    reader.close()


def test_an_index_is_fresh_until_it_was_written_to(tmp_path: Path) -> None:
    for expected in (True, True):
        with Words(tmp_path / "words") as words:
            assert words.fresh is expected
    with Words(tmp_path / "words") as words:
        words.write([row(1, "apple")], [])
        assert not words.fresh
    with Words(tmp_path / "words") as words:
        assert not words.fresh
        assert found(words, "apple") == [1]
        words.clear()
        assert words.fresh
        assert found(words, "apple") == []


@pytest.mark.parametrize("damage", ["other recipe", "no meta", "garbled meta", "no mark", "a file"])
def test_an_index_that_cannot_be_used_is_started_over(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "words"
    with Words(folder) as words:
        words.write([row(1, "apple")], [])
    if damage == "other recipe":
        (folder / "brain.json").write_text(json.dumps({"recipe": 0, "tantivy": "0.1"}))
    elif damage == "no meta":
        (folder / "meta.json").unlink()
    elif damage == "garbled meta":
        (folder / "meta.json").write_bytes(b"{" * 100)
    elif damage == "no mark":
        (folder / "brain.json").unlink()
    else:
        for path in folder.glob("*.term"):
            path.unlink()
    with Words(folder) as words:
        assert words.fresh
        words.write([row(2, "apple")], [])
        assert found(words, "apple") == [2]


def test_a_second_writer_is_told_that_it_is_busy(words: Words, tmp_path: Path) -> None:
    words.write([row(1, "apple")], [])
    code = """
import sys
from pathlib import Path
from brain.errors import StoreBusy
from brain.store.words import Words, WordsRow
try:
    Words(Path(sys.argv[1])).write([WordsRow(2, "", "", "pear", "text")], [])
except StoreBusy:
    print("busy")
"""
    assert in_child(code, tmp_path / "words").stdout == "busy\n"
    assert issubclass(StoreBusy, StoreError)
    assert found(words, "apple") == [1]


def test_a_kill_before_the_commit_leaves_the_last_one(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from brain.store.words import Words, WordsRow
words = Words(Path(sys.argv[1]))
words.write([WordsRow(1, "", "", "apple", "text")], [])
words._writer.delete_all_documents()
os.kill(os.getpid(), 9)
"""
    assert in_child(code, tmp_path / "words").returncode == -9
    with Words(tmp_path / "words") as words:
        assert found(words, "apple") == [1]


def test_a_closed_index_says_so(tmp_path: Path) -> None:
    words = Words(tmp_path / "words")
    words.close()
    words.close()
    with pytest.raises(StoreError, match="closed"):
        words.search("x", 1)
