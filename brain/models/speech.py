"""What a chat model says back, taken apart while it streams: its answer, its thoughts, and where it ends.

Pure. Families mark their thoughts in their own ways; markers may arrive in pieces, and none of them is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

THOUGHTS = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel>thought", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<seed:think>", "</seed:think>"),
    ("<thought>", "</thought>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("◁think▷", "◁/think▷"),
)
HARMONY_MARK = "<|channel|>"
HARMONY = (HARMONY_MARK, "<|message|>", "<|end|>", "<|start|>", "<|return|>", "<|call|>")
# Tokens that mean something here; every other control token is silence.
TELLING = frozenset([*HARMONY, "<|channel>", *(mark for pair in THOUGHTS for mark in pair)])

Piece = tuple[str, bool]  # text, is a thought; TAKEN_BACK: all that was said before it was a thought too
TAKEN_BACK: Piece = ("", True)


def listener(prompt: str, stops: Sequence[str], *, channels: bool) -> Speech | Channels:
    """What takes the answer to this prompt apart. `channels`: the model's vocabulary is that of gpt-oss."""
    return Channels() if channels else Speech(prompt, stops)


class Speech:
    """Streamed text taken apart into answer and thoughts.

    `prompt` is what the model was shown: one that ends in an open thought marker starts the model thinking. A closing marker
    alone says that what came before it was a thought. Text from the first of `stops` on is dropped, and `is_over` is set.
    """

    def __init__(self, prompt: str = "", stops: Sequence[str] = ()) -> None:
        self.is_over = False
        self._closing = next((end for start, end in THOUGHTS if prompt.rstrip().endswith(start)), None)
        self._stops = tuple(stops)
        self._held = ""
        self._begun = False  # white space ahead of the first word is not said
        self._has_thought = self._closing is not None
        self._has_said = False

    def hear(self, text: str) -> Iterator[Piece]:
        """Pieces that are certain now."""
        if self.is_over:
            return
        self._held += text
        while not self.is_over and (marker := _first(self._held, self._markers())) is not None:
            word, at = marker
            yield from self._say(self._held[:at])
            self._held = self._held[at + len(word) :]
            yield from self._turn(word)
        keep = _begun(self._held, self._markers())
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        yield from self._say(certain)

    def finish(self) -> Iterator[Piece]:
        """What was held back because it might have become a marker."""
        certain, self._held = self._held, ""
        yield from self._say(certain)

    def _turn(self, word: str) -> Iterator[Piece]:
        self._begun = False
        if word in self._stops:
            self.is_over, self._held = True, ""
        elif self._closing is not None:
            self._closing = None
        elif word in dict(THOUGHTS):
            self._closing, self._has_thought = dict(THOUGHTS)[word], True
        elif self._has_said and not self._has_thought:
            self._has_thought = True
            yield TAKEN_BACK

    def _say(self, text: str) -> Iterator[Piece]:
        if not self._begun:
            text = text.lstrip()
        if text:
            self._begun = True
            self._has_said |= self._closing is None
            yield text, self._closing is not None

    def _markers(self) -> tuple[str, ...]:
        if self._closing is not None:
            return (*self._stops, self._closing)
        return (*self._stops, *(mark for pair in THOUGHTS for mark in pair))


_IN_LETTERS = re.compile(r"assistant(analysis|commentary|final)")


class Channels:
    """The same for gpt-oss, which says on which channel it speaks: only "final" is the answer.

    `<|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>`, or the same where the
    markers were lost: `analysis…assistantfinal…`.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._held = ""
        self._header: str | None = ""  # what is heard before a message begins; None inside one
        self._is_thought = False
        self._is_first = True
        self._in_letters = False
        self._begun = False

    def hear(self, text: str) -> Iterator[Piece]:
        """Pieces that are certain now."""
        if self.is_over:
            return
        self._held += text
        while not self.is_over and (marker := _first(self._held, HARMONY)) is not None:
            word, at = marker
            yield from self._pass(self._held[:at])
            self._held = self._held[at + len(word) :]
            self._turn(word)
        if self._is_first and not self._begins():
            return
        keep = _begun(self._held, HARMONY)
        if self._in_letters:
            yield from self._letters()
            keep = max(_begun(self._held, HARMONY), _begun(self._held, ("assistantcommentary",)))
            keep = max(keep, _begun(self._held, ("assistantanalysis",)), _begun(self._held, ("assistantfinal",)))
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        yield from self._pass(certain)

    def finish(self) -> Iterator[Piece]:
        """What was held back because it might have become a marker."""
        if self._is_first and not self.is_over:
            self._is_first, self._header = False, None
        certain, self._held = self._held, ""
        yield from self._pass(certain)

    def _begins(self) -> bool:
        """Whether it is clear how the answer begins: with a marker, with a channel in letters, or with the answer itself."""
        begun = self._held.lstrip()
        if not begun or any(mark.startswith(begun) for mark in (*HARMONY, "analysis", "commentary", "final")):
            return False
        self._is_first, self._header = False, None
        if found := re.match(r"\s*(analysis|commentary|final)", self._held):
            self._in_letters, self._is_thought = True, found[1] != "final"
            self._held = self._held[found.end() :]
        return True

    def _letters(self) -> Iterator[Piece]:
        while (found := _IN_LETTERS.search(self._held)) is not None:
            yield from self._pass(self._held[: found.start()])
            self._held = self._held[found.end() :]
            self._is_thought, self._begun = found[1] != "final", False

    def _turn(self, word: str) -> None:
        self._is_first = self._begun = False
        if word in ("<|return|>", "<|call|>"):
            self.is_over, self._held = True, ""
        elif word == "<|message|>":
            channel = (self._header or "").strip()
            self._is_thought, self._header = bool(channel) and not channel.startswith("final"), None
        else:
            self._header = ""

    def _pass(self, text: str) -> Iterator[Piece]:
        if self._header is not None:
            self._header += text
            return
        if not self._begun:
            text = text.lstrip()
        if text:
            self._begun = True
            yield text, self._is_thought


def _first(text: str, markers: Sequence[str]) -> tuple[str, int] | None:
    """The marker that comes first, and where."""
    found = [(word, at) for word in markers if (at := text.find(word)) >= 0]
    return min(found, key=lambda pair: pair[1], default=None)


def _begun(text: str, markers: Sequence[str]) -> int:
    """How many characters at the end may be the beginning of a marker."""
    longest = 0
    for word in markers:
        for size in range(min(len(word) - 1, len(text)), longest, -1):
            if text.endswith(word[:size]):
                longest = size
                break
    return longest
