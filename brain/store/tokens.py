"""Texts and questions as the words index knows them: folded, stemmed by their language, unspaced scripts in pairs.

A passage is stemmed by the one language it seems to be in, a question by every language that the index holds, so that a
wrong guess costs little: the same word in the same language meets itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from brain.languages import UNSPACED, telling
from brain.store.rows import sound

_TOKEN = r"[\p{L}\p{N}\p{M}]+"
_HYPHENED = re.compile(r"\b[^\W_]{1,30}+(?:-[^\W_]{1,30}+){1,3}+")
_CAMEL = re.compile(r"\b[A-Z]?[a-z]{1,30}+(?:[A-Z][a-z]{1,30}+){1,5}+\b")
_HUMP = re.compile(r"[A-Z]?[a-z]+")


def tokens(text: str, language: str) -> list[str]:
    """The words of a text in order, as the index holds them."""
    return _stemmed(_spread(text), language)


def parts(text: str, language: str) -> list[str]:
    """What words that are put together also say: `e-mail` email, `TextAnalyzer` text analyzer."""
    joined = [word[0].replace("-", "") for word in _HYPHENED.finditer(text)] if "-" in text else ()
    parted = [part for word in _CAMEL.finditer(text) for part in _HUMP.findall(word[0])]
    return _stemmed(" ".join([*joined, *parted]), language) if joined or parted else []


def asked(question: str, languages: Sequence[str]) -> Counter[tuple[str, ...]]:
    """The words to look for, each as every one of the languages stems it, and how often the question says it."""
    text = telling(unicodedata.normalize("NFKC", sound(question)))
    ways = [[*tokens(text, language), *parts(text, language)] for language in languages]
    return Counter(zip(*ways, strict=True))


def is_gram(word: str) -> bool:
    """Whether it is a piece of a script without spaces rather than a word."""
    return UNSPACED.fullmatch(word) is not None


def _stemmed(text: str, language: str) -> list[str]:
    found: list[str] = _analyzer(language).analyze(text)
    return found


@cache
def _analyzer(language: str) -> Any:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.regex(_TOKEN)).filter(Filter.remove_long(64))
    return builder.filter(Filter.lowercase()).filter(Filter.ascii_fold()).filter(Filter.stemmer(language)).build()


def _spread(text: str) -> str:
    """The text with its unspaced runs written as characters and pairs, each a word: 日本語 → 日 日本 本 本語 語."""
    text = unicodedata.normalize("NFKC", sound(text))
    return UNSPACED.sub(lambda run: f" {' '.join(_grams(run[0]))} ", text)


def _grams(run: str) -> list[str]:
    return [gram for at in range(len(run)) for gram in (run[at], run[at : at + 2])][: 2 * len(run) - 1]
