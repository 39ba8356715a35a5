import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.wording import embedded, key_terms, plain, sentences, terms


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("See [the market](https://e.org/a(1)) now", "See the market now"),
        ("[[Ana Costa|Ana]] met [[Ben]]", "Ana met Ben"),
        ("**bold** and *it* and _it_ and ~~gone~~ ==marked== `code`", "bold and it and it and gone marked code"),
        ("# Heading\n- [ ] task\n> quote", "Heading\ntask\nquote"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n\n| 1 | 2 |"),
        ("```python\nx = 1\n```", "\nx = 1\n"),
        ("![[picture.png]] ![alt](a.png)", "picture.png alt"),
        ("``a `` b", "a  b"),
        ("<td>one</td><td>two</td> three<br/>four", "one  two  three four"),
        ("<b>bo</b>ld H<sub>2</sub>O <picture>", "bold H2O "),
    ],
)
def test_plain_reads_markdown_without_its_marks(written: str, said: str) -> None:
    assert plain(written, "markdown") == said


def test_plain_leaves_other_formats_alone() -> None:
    assert plain("**a** [b](c)", "text") == "**a** [b](c)"


def test_embedded_puts_title_and_headings_first_and_repeats_nothing() -> None:
    assert embedded("Trip", ("Trip", "Food"), "*Fish*", "markdown") == "Trip › Food\nFish"
    assert embedded(None, (), "x", "text") == "x"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. Costa met Mr. Blum at 3.5 degrees today. Then left.",
            ["Dr. Costa met Mr. Blum at 3.5 degrees today.", "Then left."],
        ),
        ("日本語です。次の文。", ["日本語です。", "次の文。"]),
        ("- one\n- two\n\nthree", ["- one", "- two", "three"]),
        ("1. first\n2. second", ["1. first", "2. second"]),
        ("He said “go.” She went...", ["He said “go.”", "She went..."]),
        ("Built in 1999. Sold later.", ["Built in 1999.", "Sold later."]),
        ("", []),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == found


@given(st.text(alphabet="aB1.!?。 \n\t-*|>#()\"'…", max_size=200))
def test_sentences_are_exact_ordered_and_lose_nothing(text: str) -> None:
    before = 0
    kept = ""
    for start, end in sentences(text):
        assert before <= start < end <= len(text)
        assert not text[before:start].strip()
        assert text[start:end] == text[start:end].strip()
        kept += text[start:end]
        before = end
    assert "".join(kept.split()) == "".join(text.split())


@given(st.text())
def test_terms_are_folded(text: str) -> None:
    assert all(term and term == term.lower() for term in terms(text) if term.isascii())


def test_terms_meet_across_forms() -> None:
    assert terms("Cafés") == terms("cafe") and terms("parties") == terms("party")
    assert key_terms("what is the fee") == ["fee"] and key_terms("the who") == ["the", "who"]


N = 1_000_000
PIECES = [".", "`", "*a ", "_a ", "~~a ", "==a", "<!--", "[[", "[a", "[](", " ", "> ", "1. ", "a. ", "Mr. ", "\n", " \n", "-", "|",
          "a", '."', "<a", "。", "a.b", "**", "(", "| -", "9. ", "Hello there. "]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_of_anything_is_quick(piece: str) -> None:
    text = piece * (N // len(piece)) + "x"
    began = time.process_time()
    sentences(text)
    assert time.process_time() - began < 6
    began = time.process_time()
    plain(text[: N // 5], "markdown")
    assert time.process_time() - began < 6
