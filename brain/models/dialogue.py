"""What a chat model is shown and what it says back, as text: turns, control tokens, templates' habits, thoughts.

Pure. Rendering a template and counting tokens belong to `gguf.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

Turn = dict[str, str]  # {"role", "content"}: the form chat templates are written for

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHATML_STOPS = ("<|im_end|>", "<|im_start|>")
THOUGHTS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))


def control_pattern(strings: Iterable[str]) -> re.Pattern[str] | None:
    """Matches any of a vocabulary's control tokens in text; None where it has none."""
    longest_first = sorted({s for s in strings if len(s) > 1}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def neutralised(text: str, pattern: re.Pattern[str] | None) -> str:
    """The text with a space inside every control token, so that it is read as text: "<|im_end|>" → "< |im_end|>"."""
    if pattern is None:
        return text
    for _ in range(4):  # a break may complete another token, one with a space in it
        text, found = pattern.subn(lambda match: match[0][0] + " " + match[0][1:], text)
        if not found:
            return text
    while pattern.search(text):
        text = pattern.sub("", text)
    return text


def merged(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of one role in a row as one: many templates refuse anything but taking turns."""
    return [
        {"role": role, "content": "\n\n".join(turn["content"] for turn in group)}
        for role, group in groupby(turns, key=lambda turn: turn["role"])
    ]


def folded(turns: Sequence[Turn]) -> list[Turn]:
    """The system text moved into the first user turn, for templates that know no system role."""
    system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    others = merged([turn for turn in turns if turn["role"] != "system"])
    if not others or others[0]["role"] != "user":
        return [{"role": "user", "content": system}, *others]
    first = {"role": "user", "content": f"{system}\n\n{others[0]['content']}".strip()}
    return [first, *others[1:]]


def rendered(turns: Sequence[Turn], render: Callable[[list[Turn]], str]) -> str:
    """The prompt of these turns. Where the template refuses or drops the system text, it goes to the first user turn.

    Raises whatever `render` raises when it refuses that too.
    """
    plain = merged(turns)
    systems = [turn["content"].strip() for turn in plain if turn["role"] == "system"]
    if systems:
        try:
            prompt = render(plain)
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError):
            return render(folded(plain))
        return prompt if all(text in prompt for text in systems) else render(folded(plain))
    return render(plain)


class Speech:
    """Streamed text taken apart into answer and thoughts; markers may arrive in pieces.

    `prompt` is what the model was shown: one that ends in an open thought marker starts the model thinking. Text from the first
    of `stops` on is dropped, and `is_over` is set.
    """

    def __init__(self, prompt: str = "", stops: Sequence[str] = ()) -> None:
        self.is_over = False
        self._closing = next((end for start, end in THOUGHTS if prompt.rstrip().endswith(start)), None)
        self._stops = tuple(stops)
        self._held = ""
        self._begun = False  # white space ahead of the first word is not said

    def hear(self, text: str) -> Iterator[tuple[str, bool]]:
        """Pieces of (text, is a thought) that are certain now."""
        if self.is_over:
            return
        self._held += text
        while not self.is_over and (marker := self._first_marker()) is not None:
            word, at = marker
            yield from self._say(self._held[:at])
            self._held = self._held[at + len(word) :]
            self._begun = False
            if word in self._stops:
                self.is_over = True
                self._held = ""
            elif self._closing is None:
                self._closing = dict(THOUGHTS)[word]
            else:
                self._closing = None
        keep = self._begun_marker()
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        yield from self._say(certain)

    def finish(self) -> Iterator[tuple[str, bool]]:
        """What was held back because it might have become a marker."""
        certain, self._held = self._held, ""
        yield from self._say(certain)

    def _say(self, text: str) -> Iterator[tuple[str, bool]]:
        if not self._begun:
            text = text.lstrip()
        if text:
            self._begun = True
            yield text, self._closing is not None

    def _markers(self) -> tuple[str, ...]:
        opening = tuple(start for start, _ in THOUGHTS)
        return (*self._stops, *((self._closing,) if self._closing else opening))

    def _first_marker(self) -> tuple[str, int] | None:
        found = [(word, at) for word in self._markers() if (at := self._held.find(word)) >= 0]
        return min(found, key=lambda pair: pair[1], default=None)

    def _begun_marker(self) -> int:
        """How many characters at the end may be the beginning of a marker."""
        longest = 0
        for word in self._markers():
            for size in range(min(len(word) - 1, len(self._held)), longest, -1):
                if self._held.endswith(word[:size]):
                    longest = size
                    break
        return longest
