"""Markdown of an answer as styled lines of one width. Pure: text and width in, `Content` lines out.

The text comes from a model and is hostile: it is cleaned before and after markdown-it (which turns entities into
characters), and nothing of it is ever read as Textual markup. Marks of citations are private characters that only
`mark` puts there, so a number that the model invented stays plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from brain.cleaning import clean, one_line
from brain.events import Answered
from brain.types import Sentence

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Mark = Callable[[int], Content]
_OPEN, _CLOSE, _UNSUPPORTED = "\ue000", "\ue001", "\ue002"
_PRIVATE = re.compile("[\ue000-\ue002]")
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}|{_UNSUPPORTED}")
_TYPED_MARKS = re.compile(r"(?:\s*\[\d{1,3}\])+(?=[.!?…。！？]*$)")
_ENDING = re.compile(r"[\s.!?…。！？|]*$")
_RULE_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A run of text with what stands before its first and its further lines."""

    content: Content
    first: str = ""
    rest: str = ""
    after_gap: bool = True  # a blank line stands before it
    is_code: bool = False


def marked(answer: str, sentences: Sequence[Sentence]) -> str:
    """The answer with its sentences' citations as private marks; the answer's own layout is kept where it is found."""
    answer = _PRIVATE.sub("", answer)
    pieces: list[str] = []
    at = 0
    for sentence in sentences:
        text = _PRIVATE.sub("", sentence.text).strip()
        found = answer.find(text, at)
        if found < 0:
            return " ".join(_with_marks(_PRIVATE.sub("", item.text).strip(), item) for item in sentences)
        pieces += [answer[at:found], _with_marks(text, sentence)]
        at = found + len(text)
    return "".join([*pieces, answer[at:]])


def _with_marks(text: str, sentence: Sentence) -> str:
    if sentence.citations:
        text = _TYPED_MARKS.sub("", text)
        marks = "".join(f"{_OPEN}{number}{_CLOSE}" for number in sentence.citations)
    elif sentence.supported or text.startswith("#") or text.endswith(":") or not any(c.isalnum() for c in text):
        return text
    else:
        marks = _UNSUPPORTED
    ending = _ENDING.search(text)
    cut = ending.start() if ending and (sentence.citations or text.endswith("|")) else len(text)
    return f"{text[:cut].rstrip()} {marks}{text[cut:]}"


def lines(text: str, width: int, mark: Mark, unsupported: Content) -> list[Content]:
    """The text as lines no wider than `width`."""
    done: list[Content] = []
    for paragraph in _paragraphs(clean(text), width, mark, unsupported):
        if done and paragraph.after_gap:
            done.append(Content(""))
        room = max(4, width - len(paragraph.first))
        first = paragraph.first
        for line in paragraph.content.split("\n", allow_blank=True):
            for piece in line.fold(room) if paragraph.is_code else line.wrap(room):
                done.append(Content.assemble((first, "dim"), piece.rstrip()))
                first = paragraph.rest
    return done


def as_markdown(answered: Answered, place: Callable[[Path], str]) -> str:
    """An answer with its marks and, under it, its sources: what is copied."""
    text = _MARK.sub(lambda found: f"[{found[1]}]" if found[1] else "", marked(answered.answer, answered.sentences))
    rows = []
    for citation in answered.citations:
        at = f" p.{citation.page}" if citation.page is not None else f":{citation.line}"
        rows.append(f"[{citation.number}] {one_line(place(citation.path))}{at} “{one_line(citation.quote)}”")
    return clean("\n".join([text.replace(" \n", "\n").rstrip(), *(["", *rows] if rows else [])]) + "\n")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # not needed before the first answer

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _paragraphs(text: str, width: int, mark: Mark, unsupported: Content) -> list[Paragraph]:
    done: list[Paragraph] = []
    lists: list[int | None] = []  # the next number of each open list; None: bullets
    bullet = ""  # stands before the next paragraph only
    quotes = 0
    tight = False
    tokens = _parser().parse(text)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        margin = "▏ " * quotes + "   " * max(0, len(lists) - 1)
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1) if token.type[0] == "o" else None)
                tight = len(lists) > 1
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                tight = bool(lists)
            case "list_item_open":
                number = lists[-1]
                bullet = " • " if number is None else f"{number}. ".rjust(3)
                lists[-1] = None if number is None else number + 1
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "inline":
                content = _inline(token, mark, unsupported)
                if tokens[at - 1].type == "heading_open":
                    content = content.stylize("bold")
                hang = " " * len(bullet) if bullet else "   " * bool(lists)
                done.append(Paragraph(content, margin + (bullet or hang), margin + hang, not tight))
                bullet, tight = "", bool(lists)
            case "fence" | "code_block":
                code = _spans(token.content.rstrip("\n"), "$text-accent", mark, unsupported)
                indent = margin + (bullet or "   " * bool(lists)) + "  "
                done.append(Paragraph(code, indent, " " * len(indent), is_code=True))
                bullet = ""
            case "hr":
                done.append(Paragraph(Content.styled("─" * min(width, _RULE_WIDTH), "dim")))
            case "table_open":
                end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                done.extend(_table(tokens[at:end], width - len(margin), margin, mark, unsupported))
                at = end
            case _:
                pass
        at += 1
    return done


def _inline(token: Token, mark: Mark, unsupported: Content) -> Content:
    parts: list[Content] = []
    styles: list[str] = []
    href = ""
    for child in token.children or ():
        style = " ".join(styles)
        match child.type:
            case "strong_open":
                styles.append("bold")
            case "em_open":
                styles.append("italic")
            case "s_open":
                styles.append("strike")
            case "link_open":
                href = clean(str(child.attrGet("href") or ""))
                styles.append("underline")
            case "link_close":
                styles.pop()
                if href and href not in "".join(part.plain for part in parts):
                    parts.append(Content.styled(f" ({href})", "dim"))
            case "strong_close" | "em_close" | "s_close":
                styles.pop()
            case "softbreak" | "hardbreak":
                parts.append(Content("\n"))
            case "code_inline":
                parts.append(_spans(child.content, "$text-accent", mark, unsupported))
            case _:
                parts.append(_spans(child.content, style, mark, unsupported))
    return Content("").join(parts)


def _spans(text: str, style: str, mark: Mark, unsupported: Content) -> Content:
    parts: list[Content] = []
    at = 0
    for found in _MARK.finditer(text):
        parts.append(_plain(text[at : found.start()], style))
        parts.append(mark(int(found[1])) if found[1] else unsupported)
        at = found.end()
    parts.append(_plain(text[at:], style))
    return Content("").join(parts)


def _plain(text: str, style: str) -> Content:
    text = clean(text).expandtabs(4)
    return Content.styled(text, style) if style else Content(text)


def _table(tokens: Sequence[Token], width: int, margin: str, mark: Mark, unsupported: Content) -> list[Paragraph]:
    rows: list[list[Content]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token, mark, unsupported))
    columns = max(len(row) for row in rows)
    for row in rows:
        row.extend([Content("")] * (columns - len(row)))
    widths = [max(row[column].cell_length for row in rows) for column in range(columns)]
    if sum(widths) + 2 * (columns - 1) > width:
        return _records(rows, margin)
    done = []
    for at, row in enumerate(rows):
        cells = [cell.pad_right(wide - cell.cell_length) for cell, wide in zip(row, widths, strict=True)]
        line = Content("  ").join(cells)
        done.append(Paragraph(line.stylize("bold") if at == 0 else line, margin, margin, at == 0))
        if at == 0:
            rule = Content.styled("  ".join("─" * wide for wide in widths), "dim")
            done.append(Paragraph(rule, margin, margin, False))
    return done


def _records(rows: Sequence[Sequence[Content]], margin: str) -> list[Paragraph]:
    """A table too wide for the screen, one cell a line."""
    done = []
    for row in rows[1:]:
        for at, (head, cell) in enumerate(zip(rows[0], row, strict=True)):
            line = Content.assemble(head.stylize("bold"), ": ", cell)
            done.append(Paragraph(line, margin, margin + "  ", at == 0))
    return done
