"""A search over a real catalog and real indexes: what is found, what is shown, and that nothing fails in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.errors import ModelError, QueryError, StoreError
from brain.search import STRANGE_LANGUAGE, Judging, Searcher
from brain.store.catalog import Catalog
from brain.store.vectors import ExactVectors
from brain.store.words import Words
from brain.types import Chunk, Message, Scope
from tests.fakes import HashingEmbedder
from tests.store.making import VAULT, embed_all, put

LETTER = (
    "Dear Anna, the boiler in the cellar was repaired on Tuesday by the company from Leeds, the bill is in the blue "
    "folder, and they will come again in spring to look at the valve that still drips a little."
)


class House:
    """A store with everything that a search stands on; parts may be broken on purpose."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(folder / "catalog.db")
        self.words = Words(folder / "words")
        self.embedder = HashingEmbedder()
        self.searcher = Searcher(
            self.catalog,
            lambda: self.words,
            lambda: ExactVectors(self.catalog, self.embedder.name),
            lambda: self.embedder,
        )

    def put(self, name: str, *paragraphs: str, **more: Any) -> None:
        put(self.catalog, name, *paragraphs, **more)

    def index(self) -> None:
        rows = self.catalog.words_todo(1000)
        self.words.write(rows, [])
        self.catalog.words_done([row.id for row in rows], [])
        embed_all(self.catalog, self.embedder)

    def found(self, question: str, limit: int = 10, **more: Any) -> list[str]:
        return [one.chunk.path.name for one in self.searcher.search(question, limit=limit, **more).evidence]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.put("board.md", "The board agreed on 4,200 for the garden pump.", title="Board meeting")
    house.put("pump.md", "The pump in the garden stands still since the frost.", tags=("tax",))
    house.put("tea.md", "Earl Grey is drawn for three minutes, green tea for two.")
    house.index()
    yield house
    house.words.close()
    house.catalog.close()


def test_words_and_meaning_find_and_say_so(house: House) -> None:
    found = house.searcher.search("what did the board agree for the garden?", limit=2)
    assert [one.number for one in found.evidence] == [1, 2]
    best = found.evidence[0]
    assert (best.chunk.path.name, best.title) == ("board.md", "Board meeting")
    assert best.scores.words is not None and 0 < best.scores.words <= 1
    assert best.scores.vectors is not None and 0 < best.scores.vectors <= 1
    assert found.degraded == ()
    assert found.documents == 3


def test_rankings_show_both_sides_and_what_becomes_of_them(house: House) -> None:
    rankings = house.searcher.rankings("garden pump")
    assert {hit.chunk_id for hit in rankings.words} < {hit.chunk_id for hit in rankings.vectors}
    assert len(rankings.fused) == 3
    for side in (rankings.words, rankings.vectors, rankings.fused):
        scores = [hit.score for hit in side]
        assert scores == sorted(scores, reverse=True)
    cosines = {hit.chunk_id: hit.score for hit in rankings.vectors}
    assert {one.chunk_id: one.vectors for one in rankings.fused} == pytest.approx(cosines, abs=1e-5)
    assert rankings.degraded == ()


def test_rankings_go_as_deep_and_as_narrow_as_asked(house: House) -> None:
    assert len(house.searcher.rankings("garden pump", depth=1).vectors) == 1
    narrow = house.searcher.rankings("garden pump", scope=Scope(tags=("tax",)))
    assert len(narrow.fused) == len(narrow.words) == len(narrow.vectors) == 1
    with pytest.raises(QueryError):
        house.searcher.rankings("")


def test_near_copies_are_shown_once_and_the_others_named(house: House) -> None:
    for name in ("letter.md", "copy of letter.md", "letter (2).md"):
        house.put(name, LETTER if name != "letter (2).md" else LETTER + " Bye!")
    house.index()
    shown = [
        one
        for one in house.searcher.search("who repaired the boiler?", limit=10).evidence
        if "boiler" in one.chunk.text
    ]
    assert len(shown) == 1
    named = {shown[0].chunk.path, *shown[0].copies}
    assert named == {VAULT / name for name in ("letter.md", "copy of letter.md", "letter (2).md")}
    assert len(shown[0].copies) == 2


def test_the_same_paragraph_twice_in_a_file_names_no_copy(house: House) -> None:
    house.put("letter.md", LETTER, LETTER)
    house.index()
    best = house.searcher.search("who repaired the boiler?", limit=3).evidence[0]
    assert (best.chunk.path.name, best.copies) == ("letter.md", ())


def test_one_file_takes_no_more_than_its_share_of_equals(house: House) -> None:
    house.put("log.md", *(f"The weather on day {day} was fine." for day in range(20)))
    for day in range(8):
        house.put(f"day-{day}.md", f"The weather on day {day + 30} was fine.")
    house.index()
    first = house.found("weather on fine days", 10)
    assert first.count("log.md") < 6
    assert len([name for name in first if name.startswith("day-")]) >= 5


def test_a_file_that_deserves_it_takes_all(house: House) -> None:
    house.put("log.md", *(f"Weather report {day}: rain and storm." for day in range(6)))
    house.index()
    assert house.found("weather report with rain and storm", 6) == ["log.md"] * 6


@pytest.mark.parametrize(
    ("question", "first", "never"),
    [
        ('"garden pump"', "board.md", "pump.md"),
        ("garden -board", "pump.md", "board.md"),
        ("garden #tax", "pump.md", "board.md"),
        ("garden @board.md", "board.md", "pump.md"),
    ],
)
def test_filters_hold_for_words_and_meaning(house: House, question: str, first: str, never: str) -> None:
    found = house.found(question)
    assert found[0] == first
    assert never not in found


def test_a_short_question_keeps_the_subject_of_the_one_before(house: House) -> None:
    history = (Message("user", "how long is green tea drawn?"), Message("assistant", "Two minutes."))
    assert house.found("and since when?", 1, history=history) == ["tea.md"]


def test_a_language_the_embedder_does_not_know_is_left_to_words(house: House) -> None:
    house.put("ru.md", "Защита уступила всего 308 очков в этом году.")
    house.index()
    question = "сколько очков уступила защита"
    known = house.searcher.rankings(question).fused
    assert house.searcher.search(question, limit=3).impaired == ()
    house.embedder.count = lambda texts: [2 + len(text) for text in texts]  # type: ignore[method-assign]
    strange = house.searcher.rankings(question).fused
    assert known[0].chunk_id == strange[0].chunk_id
    assert any(one.score for one in known[1:])
    assert not any(one.score for one in strange[1:])
    (told,) = house.searcher.search(question, limit=3).impaired
    assert told.part == "vectors"
    assert "language" in told.why


def broken(error: Exception) -> Callable[[], Any]:
    def part() -> Any:
        raise error

    return part


class Failing:
    """A part of which one thing fails."""

    def __init__(self, part: object, name: str, error: Exception) -> None:
        self._part, self._name, self._error = part, name, error

    def __getattr__(self, name: str) -> Any:
        if name != self._name:
            return getattr(self._part, name)
        error = self._error

        def fail(*_: object, **__: object) -> None:
            raise error

        return fail


LOST = StoreError("It is gone.", hint="Look for it.")
DEAD = ModelError("The model died.", hint="Start it.")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda h: {"words": broken(LOST)}, ("words",)),
        (lambda h: {"words": lambda: Failing(h.words, "search", LOST)}, ("words",)),
        (lambda h: {"words": lambda: Failing(h.words, "together", LOST)}, ("words",)),
        (lambda h: {"embedder": broken(DEAD)}, ("vectors",)),
        (lambda h: {"embedder": lambda: Failing(h.embedder, "embed", DEAD)}, ("vectors",)),
        (lambda h: {"embedder": lambda: Failing(h.embedder, "count", DEAD)}, ("vectors",)),
        (lambda h: {"vectors": broken(LOST)}, ("vectors",)),
        (lambda h: {"words": broken(LOST), "vectors": broken(LOST)}, ("words", "vectors")),
    ],
)
def test_a_part_that_is_off_is_named_and_the_other_goes_on(
    house: House, change: Callable[[House], dict[str, Any]], named: Sequence[str]
) -> None:
    searcher = replace(house.searcher, **change(house))
    found = searcher.search("garden pump", limit=3)
    assert found.degraded == named
    assert bool(found.evidence) is (named != ("words", "vectors"))
    assert [part.part for part in searcher.rankings("garden pump").degraded] == list(named)


def test_what_waits_to_be_indexed_is_named(house: House) -> None:
    house.put("new.md", "A pump for the pond.")
    assert set(house.searcher.search("pump", limit=3).degraded) == {"words", "vectors"}
    rows = house.catalog.words_todo(10)
    house.words.write(rows, [])
    house.catalog.words_done([row.id for row in rows], [])
    found = house.searcher.search("pump for the pond", limit=3)
    assert found.degraded == ("vectors",)
    assert found.evidence[0].chunk.path.name == "new.md", "a note without a vector yet is not left behind"


ODD = (
    "a" * 100_000,
    "garden " * 15_000,
    "what is the and of it",
    "?!… --- ***",
    "AND",
    "garden AND NOT (pump OR",
    "title:garden text:pump",
    "id:1 language:english",
    '"garden',
    "garden* pu?p ~2 ^3 /reg[ex/ [a TO b] {x}",
    "'; DROP TABLE chunks; -- garden",
    "🪴🚿 garden 🎉",
    "🎉",
    "garden\0pump",
    "\0",
    "سعر pump 東京 garden насос",
    "\ud800 garden",
    "\u202egarden\u2066",
    "e\u0301" * 500,
    "日" * 30_000,
    "\n\n\t",
    "-",
    '""',
)


@pytest.mark.parametrize("question", ODD, ids=[ascii(one[:12]) for one in ODD])
def test_odd_questions_are_answered_or_politely_refused(house: House, question: str) -> None:
    try:
        found = house.searcher.search(question, limit=5)
    except QueryError as error:
        assert error.reason and error.hint
        return
    assert set(found.impaired) <= {STRANGE_LANGUAGE}
    if "garden" in question and "NOT" not in question:
        assert {one.chunk.path.name for one in found.evidence} >= {"board.md", "pump.md"}


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(['"', "garden", "-", "@", "#", ":", "pump", "*", "\0"])).map("".join)
)
def test_any_string_is_answered_or_politely_refused(house: House, question: str) -> None:
    try:
        assert set(house.searcher.search(question, limit=5).impaired) <= {STRANGE_LANGUAGE}
    except QueryError as error:
        assert error.reason and error.hint


class Backwards:
    """A reranker that finds the best worst; in `slowly` it judges only the first."""

    def __init__(self, *, slowly: bool = False) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._slowly = slowly

    def score(self, question: str, texts: Sequence[str], *, seconds: float) -> list[float]:
        self.asked.append((question, *texts))
        return [(1 + at) / (1 + len(texts)) for at, _ in enumerate(texts)][: 1 if self._slowly else None]


def judged_by(house: House, open: Callable[[], Any], **more: Any) -> Searcher:
    return replace(house.searcher, judging=Judging(open, **more))


def test_reranker_orders_what_was_found_and_its_scores_are_shown(house: House) -> None:
    before = house.found("garden pump")
    reranker = Backwards()
    found = judged_by(house, lambda: reranker, passages=2).search("garden pump", limit=10)
    names = [one.chunk.path.name for one in found.evidence]
    assert names == [before[1], before[0], before[2]]
    assert [one.scores.rerank for one in found.evidence] == [pytest.approx(2 / 3), pytest.approx(1 / 3), None]
    assert [one.score for one in found.evidence] == sorted((one.score for one in found.evidence), reverse=True)
    assert found.degraded == ()
    assert [len(texts) for _, *texts in reranker.asked] == [2]


def test_search_while_typing_asks_no_reranker(house: House) -> None:
    reranker = Backwards()
    list(judged_by(house, lambda: reranker).find("garden pump", limit=10, words_first=True))
    assert reranker.asked == []


def test_reranker_that_is_late_or_broken_is_named_and_the_search_goes_on(house: House) -> None:
    def broken() -> Any:
        raise ModelError("The reranker is gone.")

    for searcher in (judged_by(house, lambda: Backwards(slowly=True)), judged_by(house, broken)):
        found = searcher.search("garden pump", limit=10)
        assert found.degraded == ("rerank",)
        assert len(found.evidence) == 3


def test_follow_up_keeps_the_subject_of_the_question_before_it(house: House) -> None:
    history = [Message("user", "When was the boiler in the cellar repaired?"), Message("assistant", "On Tuesday.")]
    house.put("letter.md", LETTER)
    house.put("valve.md", "The valve of the bicycle tyre is the narrow one, and who sells them is written above.")
    house.index()
    alone, follow_up = house.found("and who came for it?", 1), house.found("and who came for it?", 1, history=history)
    assert follow_up == ["letter.md"]
    assert alone != follow_up
    assert house.found("how long is green tea drawn, in minutes, for two?", 1, history=history) == ["tea.md"]


def test_quotes_in_a_question_ask_for_words_and_elsewhere_for_the_phrase(house: House) -> None:
    assert house.found('"garden pump"') == ["board.md"]
    assert {"board.md", "pump.md"} <= set(house.found('is the "garden pump" frozen?'))


def test_a_note_that_goes_while_its_neighbours_are_read_is_left_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbours = Catalog.neighbours

    def after_it_went(catalog: Catalog, chunk_id: int, reach: int = 1) -> list[Chunk]:
        catalog.forget(VAULT / "pump.md")
        return neighbours(catalog, chunk_id, reach)

    monkeypatch.setattr(Catalog, "neighbours", after_it_went)
    assert sorted(house.found("garden pump", join_neighbours=True)) == ["board.md", "tea.md"]
