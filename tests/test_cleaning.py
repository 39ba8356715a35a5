import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.cleaning import clean, defuse, one_line

NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b[]0;m\x07\x9b\x9c\r\n\x00\u202e\u200b\u2028\ufeffa中\U000e0041"), st.characters()
    )
)


def hostile(text: str) -> list[str]:
    """Characters that a terminal obeys or nobody sees."""
    return [
        letter
        for letter in text
        if (unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") and letter not in "\t\n")
        or "\u202a" <= letter <= "\u202e"
        or "\u2066" <= letter <= "\u2069"
        or "\U000e0000" <= letter <= "\U000e007f"
    ]


@given(NASTY)
def test_defuse_keeps_every_offset(text: str) -> None:
    newlines = text.replace("\r\n", "\n").replace("\r", "\n")
    calm = defuse(text)
    assert len(calm) == len(newlines)
    assert all(now == was or now in " \ufffd" for now, was in zip(calm, newlines, strict=True))
    assert defuse(calm) == calm
    assert not hostile(calm)


@given(NASTY)
def test_clean_leaves_nothing_hostile(text: str) -> None:
    calm = clean(text)
    assert not hostile(calm)
    assert clean(calm) == calm


@given(NASTY)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert "\n" not in line and line == line.strip() and "  " not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("\x1b]52;c;ZXZpbA==\x07after", "after"),
        ("\x1b]0;title\x1b\\after", "after"),
        ("\x9b2Jgone", "gone"),
        ("abc\u202edef", "abcdef"),
        ("honest שלום 👩‍👩‍👧 中文 café", "honest שלום 👩‍👩‍👧 中文 café"),
        ("line\r\nline", "line\nline"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize("piece", ["\x1b[", "\x1b]", "\x1b]a", "\x9b0;", "\x1b\x1b", "\x90", "\u202e", "\r"])
def test_a_megabyte_of_anything_is_quick(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    clean(text)
    defuse(text)
    assert time.process_time() - began < 2
