"""Words and sentences of plain text, and Markdown read without its marks. Pure; used by everything that compares texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_WIKILINK = re.compile(r"!?\[\[([^\[\]|\n]+?)(?:\|([^\[\]\n]+))?\]\]")
_REFERENCE = re.compile(r"\[([^\[\]\n]+)\]\[[^\[\]\n]*\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
# Every repetition below is bounded or has one place to start from: a hostile line must not cost the square of its length.
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<!--.{0,2000}?-->", re.DOTALL)
# What stands on both sides of one of these is never one word.
_BREAK = re.compile(
    r"</?(?:address|article|aside|blockquote|br|dd|details|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|img|li"
    r"|main|nav|ol|option|p|pre|script|section|style|summary|table|tbody|td|tfoot|th|thead|title|tr|ul|video)\b[^<>\n]*>",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(
    r"(?<![\w*])(\*{1,3})(?=\S)(.{1,500}?)(?<=\S)\1(?![\w*])|(?<!\w)(_{1,3})(?=\S)(.{1,500}?)(?<=\S)\3(?!\w)"
)
_STRIKE = re.compile(r"~~(?=\S)(.{1,500}?)(?<=\S)~~|==(?=\S)(.{1,500}?)(?<=\S)==")
_CODE = re.compile(r"(?<!`)`{1,9}([^`\n]+)`{1,9}")
_MARKS = re.compile(r"^[ \t]*+(?:(?:>|[-*+](?=[ \t])|#{1,6}(?=[ \t])|\[[ xX]\](?=[ \t]))[ \t]*+)*+", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:\|[ \t]*)?:?---[-:| \t]*+$", re.MULTILINE)


def plain(text: str, format: str) -> str:
    """The text as a reader would say it: links as their words, no emphasis, list or heading marks.

    Only Markdown has marks; any other format comes back unchanged. Offsets are not kept: quotes are cut from the original.
    """
    if format != "markdown":
        return text
    # Each mark is looked for before its pattern runs: most sentences have none, and this is called for every one.
    if "---" in text:
        text = _RULE.sub("", text)
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("", text)
    if "[" in text:
        text = _WIKILINK.sub(lambda m: m[2] or m[1], text)
        text = _REFERENCE.sub(r"\1", _LINK.sub(r"\1", text))
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub(" ", _AUTOLINK.sub(r"\1", text)))
    if "`" in text:
        text = _CODE.sub(r"\1", text)
    if "*" in text or "_" in text:
        text = _EMPHASIS.sub(lambda m: m[2] or m[4], text)
    if "~~" in text or "==" in text:
        text = _STRIKE.sub(lambda m: m[1] or m[2], text)
    return _MARKS.sub("", text)


def embedded(title: str | None, headings: tuple[str, ...], text: str, format: str) -> str:
    """What a chunk is embedded as: `title › headings`, then its plain text.

    Pass a title only where it is written in the document: a file's name is left out, so that a rename embeds nothing.
    """
    path = [part for part in (title, *headings) if part]
    path = [part for at, part in enumerate(path) if at == 0 or part != path[at - 1]]
    body = plain(text, format).strip()
    return " › ".join(path) + "\n" + body if path else body


_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st no nr vs etc e.g i.e eg ie cf al fig figs eq eqs sec ca approx dept inc ltd co corp jr sr "
    "jan feb mar apr jun jul aug sep sept oct nov dec z.b d.h bzw usw u.a vol pp p ed eds".split()
)
_STOP = re.compile(
    r"(?:(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s|$)|[。！？｡]+[」』”’）]*|\n[ \t]*\n|\n(?=[ \t]*(?:[-*+•|>#]|\d+[.)])[ \t]?))"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences as (start, end) offsets, white space around them left out, in order and never overlapping.

    Full stops after abbreviations, initials and numbers do not end one; a blank line, a list item and a table row do.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for stop in _STOP.finditer(text):
        if stop[0].startswith(".") and _is_abbreviation(text, start, stop.start(), stop.end()):
            continue
        _append(spans, text, start, stop.end())
        start = stop.end()
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))


def _is_abbreviation(text: str, start: int, stop: int, end: int) -> bool:
    at = stop
    while at > max(start, stop - 24) and not text[at - 1].isspace():
        at -= 1
    word = text[at:stop].lower().lstrip("(\"'“‘[")
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word.isascii()):
        rest = text[end : end + 40].lstrip()
        return bool(rest) and (word in _ABBREVIATIONS or rest[0].isupper() or rest[0].islower())
    if not word.isdigit():
        return False
    while at > start and text[at - 1] in " \t>":
        at -= 1
    return at == 0 or text[at - 1] == "\n"  # "1." opens a list item


# One run of letters and digits; characters of scripts without spaces each stand alone.
_TERM = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|\d+(?:[.,:/-]\d+)*|[^\W_]+(?:[’'][^\W\d_]+)*"
)

STOP_WORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my no "
    "not of on or our should so than that the their them then there these they this to was we were what when where which "
    "who whom whose why will with would you your about tell please show give find say says said much many any some".split()
)


def terms(text: str) -> list[str]:
    """The words of a text, folded: lower case, accents off, plural and possessive endings off; in order, with repeats."""
    return [_fold(word) for word in _TERM.findall(text)]


def term_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """`terms` with where each stands: start, end, folded word."""
    return ((found.start(), found.end(), _fold(found[0])) for found in _TERM.finditer(text))


def key_terms(text: str) -> list[str]:
    """`terms` without the words that say nothing by themselves; all of them where nothing would be left."""
    found = terms(text)
    return [term for term in found if term not in STOP_WORDS] or found


@lru_cache(maxsize=50_000)
def _fold(word: str) -> str:
    word = unicodedata.normalize("NFKD", word).casefold()
    word = "".join(letter for letter in word if not unicodedata.combining(letter))
    word = word.replace("’", "'")
    word = word.removesuffix("'s").removesuffix("'")
    if len(word) > 4 and word.isascii() and word.isalpha():
        if word.endswith("ies"):
            return word[:-3] + "y"
        if word.endswith(("sses", "shes", "ches", "xes")):
            return word[:-2]
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            return word[:-1]
    return word
