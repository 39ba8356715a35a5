"""What a chat model says, piece by piece → the words worth showing, each sentence checked, and when to stop listening."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from brain.citing import Citing, without_markers
from brain.events import Checked, Leaving, Reading, Thought, Token
from brain.seams import Cancel, ChatModel
from brain.types import Citation, Delta, Evidence, Message, Sentence
from brain.wording import sentences, terms

_LOOP = re.compile(r"(.{12,120}?)\1\1\Z|(.{1,11}?)\2{9,}\Z", re.DOTALL)  # the same three times, a short piece ten times
LOOK_BACK = 400  # characters
UNSUPPORTED_IN_A_ROW = 2  # from a tiny model: what follows was never worth reading in the answers looked at


def _loop(text: str) -> int:
    """How many characters at the end only say again what stands before them; 0 where the end is no loop."""
    found = _LOOP.search(text, max(0, len(text) - LOOK_BACK))
    return 0 if found is None else len(found[0]) - len(found[1] or found[2])


class Phrasing:
    """One answer as it grows. `is_over` turns True when more of it would say nothing new.

    Small models fall into loops. A sentence that begins like an earlier one is held back until it differs; if it ends the
    same, it is dropped and the answer is over. With `tiny` a phrase said over and over ends it, and so do two
    sentences in a row that stand in no source.
    """

    def __init__(self, question: str, evidence: Sequence[Evidence], *, tiny: bool) -> None:
        self._question = question
        self._evidence = evidence
        self._tiny = tiny
        self._text = ""
        self._shown = 0  # characters of the text that have been given out
        self._passed = 0  # sentences that are complete; some of them are mere marks, which cannot be checked
        self._checked: list[Sentence] = []
        self._said: set[tuple[str, ...]] = set()
        self.is_over = False

    def add(self, piece: str) -> Iterator[Token | Checked]:
        """Take one more piece of the answer; give what of it can be shown now."""
        self._text += piece
        if self._tiny and (loop := _loop(self._text)):
            self._text = self._text[: len(self._text) - loop]
            self.is_over = True
            return
        spans = sentences(self._text)
        for start, end in spans[self._passed : -1]:  # the last one may still grow
            if self._is_repeated(start, end):
                self._end_at(start)
                return
            yield from self._show(end)
            yield from self._check(end)
            if self.is_over:
                self._text = self._text[:end]
                return
        if spans and not self._may_repeat(spans[-1][0]):
            yield from self._show(len(self._text))

    def forget(self) -> str:
        """Begin anew: what was said so far was a thought, as is now known. Returns it."""
        thought, self._text = self._text, ""
        self._shown = self._passed = 0
        self._checked.clear()
        self._said.clear()
        self.is_over = False
        return thought

    def finish(self) -> Iterator[Token | Checked]:
        """The stream has ended, or was stopped: give the rest."""
        spans = sentences(self._text)
        for start, end in spans[self._passed :]:
            if self._is_repeated(start, end):
                self._end_at(start)
                return
            yield from self._show(end)
            yield from self._check(end)

    @property
    def text(self) -> str:
        """The answer so far, without what was dropped."""
        return without_markers(self._text).strip()

    def cited(self) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
        """The answer's sentences and the spans that carry them."""
        return self._citing.cite(self._text)

    @cached_property
    def _citing(self) -> Citing:
        """Made when the model already speaks: it does not wait for it."""
        return Citing(self._evidence, question=self._question)

    def _show(self, end: int) -> Iterator[Token]:
        if end > self._shown:
            piece = self._text[self._shown : end]
            self._shown = end
            yield Token(piece)

    def _check(self, end: int) -> Iterator[Checked]:
        self._passed += 1
        complete, _ = self._citing.cite(self._text[:end])
        for sentence in complete[len(self._checked) :]:
            self._checked.append(sentence)
            self._said.add(tuple(terms(sentence.text)))
            yield Checked(sentence)
        last = self._checked[-UNSUPPORTED_IN_A_ROW:]
        if self._tiny and len(last) == UNSUPPORTED_IN_A_ROW and not any(sentence.supported for sentence in last):
            self.is_over = True

    def _is_repeated(self, start: int, end: int) -> bool:
        words = tuple(terms(self._text[start:end]))
        return bool(words) and words in self._said

    def _may_repeat(self, start: int) -> bool:
        begun = tuple(terms(self._text[start:]))
        # Its last word may not be whole yet: compare the words before it, and it as a beginning.
        return any(
            len(said) >= len(begun)
            and said[: len(begun) - 1] == begun[:-1]
            and said[len(begun) - 1].startswith(begun[-1])
            for said in self._said
            if begun
        )

    def _end_at(self, start: int) -> None:
        self._text = self._text[:start].rstrip()
        self.is_over = True


class Either(threading.Event):
    """Set when it is set itself, or when the person's own cancel is."""

    def __init__(self, other: Cancel) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


def said(
    phrasing: Phrasing,
    chat: ChatModel,
    prompt: Sequence[Message],
    *,
    limit: int,
    cancel: Cancel,
    hear: Callable[[Delta | Reading | Leaving], None],
) -> Iterator[Reading | Leaving | Thought | Token | Checked]:
    """A model's answer to a prompt as it comes, until it ends or the phrasing is over. `hear` is told all that arrives."""
    stop = Either(cancel)
    for delta in chat.stream(prompt, limit=limit, cancel=stop):
        hear(delta)
        if isinstance(delta, Reading | Leaving):
            yield delta
        elif delta.thought and not delta.text:
            yield Thought(phrasing.forget())
        elif delta.thought:
            yield Thought(delta.text)
        else:
            yield from phrasing.add(delta.text)
            if phrasing.is_over:
                stop.set()
    yield from phrasing.finish()
