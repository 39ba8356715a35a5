"""What a chat model is shown, as text: turns, control tokens, templates' habits, and where an answer would end.

Pure. Rendering a template and counting tokens belong to `gguf.py`, what it says back to `speech.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from brain.models.speech import HARMONY_MARK, THOUGHTS

Turn = dict[str, str]  # {"role", "content"}: the form chat templates are written for

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHATML_STOPS = ("<|im_end|>", "<|im_start|>")
SPARE, SPARE_A_TURN = 20_000, 1_000  # characters that templates may add: some tell of tools, dates and manners
_PROBE = ("Qzfirst", "Qzsecond", "Qzthird")
_MARK = re.compile(r"<[|｜]?[\w/.:▁-]+[|｜]?>|\[/?[A-Z_]+\]")
_HEADING = re.compile(r"(?:^|\n)[ ]*(#{2,3} ?[\w ]{3,30}:?|[A-Z]{3,12}:|Human:|User:)[ ]*(?=\n|$)")


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


def is_true_to(prompt: str, turns: Sequence[Turn]) -> bool:
    """Whether a prompt holds the last turn of these, and little that is in none of them."""
    if not turns:
        return True
    most = SPARE + SPARE_A_TURN * len(turns) + 4 * sum(len(turn["content"]) for turn in turns)
    return turns[-1]["content"].strip() in prompt and len(prompt) <= most


def between(render: Callable[[list[Turn]], str]) -> str:
    """What a template puts between an answer and the question after it; "" where it does not show either."""
    probe = [{"role": role, "content": text} for role, text in zip(("user", "assistant", "user"), _PROBE, strict=True)]
    _, _, rest = render(probe).partition(_PROBE[1])
    found, asked, _ = rest.partition(_PROBE[2])
    return found if asked else ""


def ends(text: str) -> tuple[str, ...]:
    """The words in what stands between two turns that a model which goes on past its answer would say next."""
    marks = [mark for mark in _MARK.findall(text) if not any(mark in pair for pair in THOUGHTS)]
    return tuple(dict.fromkeys([*marks, *(f"\n{heading.strip()}" for heading in _HEADING.findall(text))]))


def is_plain_end(mark: str) -> bool:
    """Whether such a word, where it is no token of its own, is one that no answer has in it otherwise; "<s>" is HTML."""
    return mark == "</s>" or mark.startswith("\n") or mark[0] == "[" or bool(re.search(r"[|｜_]", mark))


def switches(template: str) -> dict[str, object]:
    """What templates are told so that the model does not think first, or little where it always does."""
    off: dict[str, object] = {"enable_thinking": False, "thinking": False}
    return off | {"reasoning_effort": "low"} if HARMONY_MARK in template else off
