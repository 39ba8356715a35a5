"""The text of one PDF page made readable: words whole, paragraphs on one line each, and a blank line between them.

Pure; runs in the child process, where the clock is.
"""

from __future__ import annotations

import re
import unicodedata

from brain.cleaning import defuse

_SPACES = re.compile("[\t\x0b\x0c\xa0\u1680\u2000-\u200a\u202f\u205f\u3000 ]+")
# Compatibility forms that hide a word from search. Not all of NFKC: x² is not x2, and ，is not a comma.
_FORMS = re.compile(
    "[\u2f00-\u2fd5\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdff\ufe70-\ufefc\uff66-\uff9f\U0001d400-\U0001d7ff]+"
)
# pdfium joins a word parted at the end of a line and leaves U+FFFE for the hyphen (older ones U+0002).
_PARTED = re.compile("(\\w+)(?:[\ufffe\x02] ?|\xad )(\\w+)")
_HYPHENATED = re.compile(r"\b\w+-\w+")
_GLYPHS = re.compile(r"(?:/[gG]\d+|/[gG]lyph\d+|/C\d+|/uni[0-9A-F]{4}|/i\d+|\(cid:\d+\))")
_JUNK = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
_LOST = re.compile("\ufffd(?: ?\ufffd)+")
_ENDS = re.compile(r"[.!?:;。！？][\"'”’»)\]]*$")
_BULLET = re.compile(r"(?:[•▪◦‣●○■□–—*·]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)])\s")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def readable(raw: str) -> bool:
    """Whether a page holds text: letters or digits, and not mostly names of glyphs or characters without meaning."""
    solid = len(raw) - sum(map(raw.count, " \n\r\t"))
    if not any(letter.isalnum() for letter in raw):
        return False
    glyphs = sum(map(len, _GLYPHS.findall(raw)))
    return (glyphs + len(_JUNK.findall(raw))) * 3 < solid


def tidy(raw: str) -> str:
    """A page's text as the library gave it, to text that reads well and obeys nothing."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = _SPACES.sub(" ", text.replace("\x02", "\ufffe").replace("\ufffe", "\ufffe\n"))
    compounds = {word.lower() for word in _HYPHENATED.findall(text)}

    def join(found: re.Match[str]) -> str:
        left, right = found[1], found[2]
        keep = not right[0].islower() or left[-1].isdigit() or f"{left}-{right}".lower() in compounds
        return f"{left}-{right}" if keep else left + right

    text = "\n\n".join(_paragraphs(text))
    text = _PARTED.sub(join, text).replace("\ufffe ", "-").replace("\ufffe", "-").replace("\xad", "")
    return _LOST.sub("\ufffd", defuse(unicodedata.normalize("NFC", text)))


def _paragraphs(text: str) -> list[str]:
    """Lines joined where one runs on into the next; the measure is how long the lines of this page usually are."""
    lines = [line.strip() for line in text.split("\n")]
    lengths = sorted(len(line) for line in lines if len(line) > 20)
    full = lengths[len(lengths) * 3 // 4] if lengths else 40
    paragraphs: list[list[str]] = []
    before = ""
    for line in lines:
        if line and before and _runs_on(before, line, full):
            paragraphs[-1].append(line)
        elif line:
            paragraphs.append([line])
        before = line
    return [_glue(paragraph) for paragraph in paragraphs]


def _runs_on(before: str, line: str, full: int) -> bool:
    if before.endswith(("\ufffe", "\xad")):
        return True
    if _BULLET.match(line) or sum(map(str.isdigit, before)) * 4 > len(before):  # a row of figures stands alone
        return False
    if _ENDS.search(before):
        return len(before) >= 0.9 * full
    if line[0].islower():
        return True
    return len(before) >= 0.75 * full and len(before) > 20


def _glue(lines: list[str]) -> str:
    """One line of several: with spaces, but none inside Chinese and Japanese text; typed hyphens joined."""
    parts = [lines[0]]
    for line in lines[1:]:
        before = parts[-1]
        if before[-1:] == "-" and before[-2:-1].isalpha() and line[0].islower():
            parts[-1] = before[:-1] + "\xad"
        wide = _WIDE.match(line) and _WIDE.match(before[-1:])
        parts.append(line if wide else " " + line)
    return "".join(parts)
