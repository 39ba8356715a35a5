"""Text from files, models, servers and file names is hostile to a terminal: this makes it text and nothing else.

`defuse` keeps every offset and is for text that is stored; `clean` removes and is for the one place that draws.
"""

from __future__ import annotations

import re

# C0 but tab and newline, DEL, C1, bidi controls, marks without width but the two joiners, tag characters,
# interlinear anchors, lone surrogates. What only separates becomes a space: a zero-width space parts Thai words.
_SPACES = "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u200b\u2028\u2029"
_HOSTILE = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff"
)
_TO_SPACE = re.compile(f"[{_SPACES}]")
_TO_MARK = re.compile(f"[{_HOSTILE}]")
_ANY = re.compile(f"[{_SPACES}{_HOSTILE}\r]")
# A whole escape sequence: CSI; OSC, DCS, APC, PM, SOS up to their end; two-byte escapes.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


def defuse(text: str) -> str:
    """The same text, character for character, with nothing in it that a terminal obeys. Newlines become "\\n".

    A hostile character becomes "\\ufffd", an invisible separator a space; after the newlines no offset moves.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _ANY.search(text) is None:
        return text
    return _TO_MARK.sub("\ufffd", _TO_SPACE.sub(" ", text))


def clean(text: str) -> str:
    """Text fit to be drawn: whole escape sequences and every hostile character are gone."""
    if _ANY.search(text) is None:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _TO_MARK.sub("", _TO_SPACE.sub(" ", _SEQUENCE.sub("", text)))


def one_line(text: str) -> str:
    """`clean`, with every run of white space one space: for names, titles and rows."""
    return " ".join(clean(text).split())
