import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain import readers
from brain.chunking import EstimatedTokenizer, cut
from brain.readers import markdown
from brain.types import Block, BlockKind, Chunk, Document
from brain.wording import embedded

TOKENIZER = EstimatedTokenizer(256)


def note(text: str) -> Document:
    return markdown.parse(Path("note.md"), text.encode())


def one_block(text: str, kind: BlockKind = "prose") -> Document:
    return Document(Path("a.txt"), "a", text, (Block(kind, 0, len(text)),))


def check(document: Document, chunks: list[Chunk], tokenizer: EstimatedTokenizer = TOKENIZER) -> None:
    """Exact, ordered, apart, complete, within the window."""
    covered = bytearray(len(document.text))
    before = 0
    title = document.title if document.titled else None
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.text.strip() and chunk.start >= before
        assert chunk.line == document.text.count("\n", 0, chunk.start) + 1
        assert (chunk.path, chunk.format) == (document.path, document.format)
        tokens = tokenizer.count([embedded(title, chunk.headings, chunk.text, chunk.format)])[0]
        assert tokens <= tokenizer.window or len(chunk.text) == 1
        covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
        before = chunk.end
    for block in document.blocks:
        lost = [at for at in range(block.start, block.end) if not covered[at] and not document.text[at].isspace()]
        assert not lost, document.text[lost[0] : lost[0] + 40]


WORDS = st.sampled_from(
    "garden water bed (x) [[link]] `code` 中文 été 12.5 a.b https://x.y/zzzzzzzzzzzzzz 👩‍👧 end. So".split()
)
LINES = st.lists(WORDS, max_size=60).map(" ".join)
PARAGRAPHS = st.one_of(
    LINES,
    LINES.map(lambda line: f"# {line}"),
    LINES.map(lambda line: f"### {line}"),
    st.lists(LINES, max_size=12).map(lambda lines: "\n".join(f"- {line}" for line in lines)),
    st.lists(LINES, max_size=30).map(lambda lines: "```\n" + "\n".join(lines) + "\n```"),
    st.integers(1, 60).map(lambda rows: "| a | b |\n|---|---|\n" + "| some cell | 12 |\n" * rows),
    st.integers(1, 3000).map("x".__mul__),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PARAGRAPHS, max_size=12).map("\n\n".join), st.sampled_from([24, 64, 256, 512]), st.sampled_from([20, 200])
)
def test_chunks_are_exact_complete_and_fit(text: str, window: int, target: int) -> None:
    document = note(text)
    tokenizer = EstimatedTokenizer(window)
    check(document, cut(document, tokenizer, target=target), tokenizer)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=1500), st.sampled_from(["prose", "list", "table", "code", "heading"]))
def test_any_text_of_any_kind_is_cut(text: str, kind: BlockKind) -> None:
    document = one_block("x" + text, kind)
    tokenizer = EstimatedTokenizer(40)
    check(document, cut(document, tokenizer, target=20), tokenizer)


def test_empty_note_has_no_chunks() -> None:
    assert cut(note(""), TOKENIZER) == []


def test_small_note_is_one_chunk() -> None:
    text = "# Plan\n\nCall the bank.\n\n- one\n- two\n"
    assert [(chunk.text, chunk.headings) for chunk in cut(note(text), TOKENIZER)] == [(text.strip(), ("Plan",))]


def test_chunks_come_near_the_target_and_end_with_sentences() -> None:
    text = " ".join(f"This is sentence number {number} about the garden and its water." for number in range(200))
    chunks = cut(note(text), TOKENIZER, target=150)
    assert all(chunk.text.endswith(".") and chunk.text.startswith("This") for chunk in chunks)
    sizes = TOKENIZER.count([chunk.text for chunk in chunks[:-1]])
    assert min(sizes) >= 50 and max(sizes) <= 200  # a rest of less than a third goes with the chunk before it
    assert sum(sizes) / len(sizes) > 100


def test_sections_of_size_are_kept_apart_and_their_heading_stays_with_them() -> None:
    body = "The pump gives twelve litres a minute and must be cleaned. " * 8
    chunks = cut(note(f"# A\n\n{body}\n\n# B\n\n{body}"), TOKENIZER)
    assert [chunk.headings for chunk in chunks] == [("A",), ("B",)]
    assert chunks[1].text.startswith("# B\n")


def test_tiny_siblings_share_a_chunk_under_their_parent() -> None:
    chunks = cut(note("# Log\n\n## Mon\n\nRain.\n\n## Tue\n\nSun.\n\n## Wed\n\nWind.\n"), TOKENIZER)
    assert [chunk.headings for chunk in chunks] == [("Log",)]


def test_heading_goes_with_the_section_below_it() -> None:
    body = "The pump gives twelve litres a minute and must be cleaned. " * 8
    chunks = cut(note(f"# Top\n\n## Part\n\n{body}"), TOKENIZER)
    assert [chunk.headings for chunk in chunks] == [("Top", "Part")]


@pytest.mark.parametrize(
    "inside",
    ["```python\n" + "total = price * amount\n\n" * 20 + "```", "| a | b |\n|---|---|\n" + "| tea | 12 |\n" * 24],
    ids=["code", "table"],
)
def test_code_and_tables_stay_whole_where_they_fit(inside: str) -> None:
    text = "Some words before it. " * 20 + "\n\n" + inside + "\n\n" + "And some words after it. " * 20
    assert any(inside.strip() in chunk.text for chunk in cut(note(text), TOKENIZER, target=100))


def test_large_table_is_cut_between_rows_and_large_list_between_items() -> None:
    table = "| a | b |\n|---|---|\n" + "".join(f"| row {row} | value {row} |\n" for row in range(300))
    assert all(chunk.text.startswith("|") and chunk.text.endswith("|") for chunk in cut(note(table), TOKENIZER))
    items = "".join(f"- item {item} is here\n  and goes on\n" for item in range(200))
    chunks = cut(note(items), TOKENIZER)
    assert len(chunks) > 5
    assert all(chunk.text.startswith("- item") and chunk.text.endswith("goes on") for chunk in chunks)


def test_chunk_never_crosses_a_page() -> None:
    text = "One.\n\nTwo."
    blocks = (Block("prose", 0, 4, (), 1), Block("prose", 6, 10, (), 2))
    chunks = cut(Document(Path("a.pdf"), "a", text, blocks, "pdf", pages=2), TOKENIZER)
    assert [(chunk.text, chunk.page) for chunk in chunks] == [("One.", 1), ("Two.", 2)]


def test_endless_headings_leave_room_for_the_text() -> None:
    text = (
        "".join("#" * level + " " + "heading words " * 40 + "\n\n" for level in range(1, 7)) + "The text itself. " * 50
    )
    document = note(text)
    check(document, cut(document, TOKENIZER))


class CountingTokenizer(EstimatedTokenizer):
    calls = 0

    def count(self, texts):  # type: ignore[no-untyped-def]
        self.calls += 1
        return super().count(texts)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("a" * 3_000_000, "prose"), ("a " * 300_000, "prose"), ("Hello there. " * 60_000, "prose"), ("aa bb\n" * 60_000, "code"),
     ("- item\n" * 40_000, "list"), ("".join("  " * depth + "- item\n" for depth in range(500)), "list"),
     ("中文笔记北京。" * 40_000, "prose"), ("." * 500_000 + "x", "prose"), ("*a " * 100_000, "prose")],
    ids=["a", "words", "sentences", "code", "items", "nested", "cjk", "dots", "stars"],
)  # fmt: skip
def test_enormous_notes_are_cut_in_time_that_grows_with_their_length(text: str, kind: BlockKind) -> None:
    tokenizer = CountingTokenizer()
    document = one_block(text, kind)
    began = time.process_time()
    chunks = cut(document, tokenizer)
    assert time.process_time() - began < 8
    assert tokenizer.calls < 12 + len(text) / 5_000
    assert "".join(chunk.text for chunk in chunks[:3]) in text or len(chunks) > 3


@pytest.mark.parametrize(
    ("text", "least"), [("", 2), ("The quick brown fox", 6), ("日本語の文章", 8), ("12,345.67", 5), ("Привет", 8)]
)
def test_estimate_is_not_below_what_a_model_counts(text: str, least: int) -> None:
    assert EstimatedTokenizer().count([text])[0] >= least


def paragraphs(fewest: int, most: int, count: int) -> list[str]:
    """A long text without any headings, the same every time."""
    chance = random.Random(fewest * 1000 + most)
    words = [f"word{at}" for at in range(300)]
    return [
        " ".join(chance.choice(words) for _ in range(chance.randint(fewest, most))).capitalize() + "."
        for _ in range(count)
    ]


@pytest.mark.parametrize("suffix", ["md", "txt"])
@pytest.mark.parametrize(("fewest", "most"), [(12, 12), (20, 20), (30, 30), (10, 20), (5, 60)])
def test_a_paragraph_of_a_long_text_changes_no_more_than_three_chunks(fewest, most, suffix):
    parts = paragraphs(fewest, most, 150)

    def texts(parts: list[str]) -> list[str]:
        document = readers.parse(Path(f"long.{suffix}"), "\n\n".join(parts).encode())
        return [chunk.text for chunk in cut(document, TOKENIZER)]

    known = set(texts(parts))
    assert len(known) > 20
    for at in (0, 75, 149):
        for changed in (
            [*parts[:at], parts[at] + " And more.", *parts[at + 1 :]],
            [*parts[:at], "A paragraph that is put in between two others.", *parts[at:]],
            [*parts[:at], *parts[at + 1 :]],
        ):
            assert sum(text not in known for text in texts(changed)) <= 3
