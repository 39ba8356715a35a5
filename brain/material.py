"""Which parts of a passage can carry an answer: what was written for readers, not hidden from them or told to a machine.

A note that says "ignore your instructions" stays findable and readable; none of its orders is quoted or bears a
sentence out. Only the plainest forms are known, in a few languages: the rest is caught because what a model says by
order does not stand in the notes. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from brain.comparing import pieces

_HIDDEN = re.compile(
    r"<!--.{0,4000}?-->"
    r"|<(?P<tag>\w+)\b[^<>\n]*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|color\s*:\s*(?:white|#fff\w*)"
    r"|\shidden\b)[^<>\n]*>.{0,4000}?</(?P=tag)>"
    r"|^[ \t]*\[(?://|comment)\]:[^\n]*$"
    r"|%%[^%]{1,2000}%%",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)

_MACHINE = r"(?:a\.?i\.?|llms?|language model|assistants?|chat ?bots?|bots?|gpt\w*|claude|copilot|models? reading)"
_RULES = r"(?:instructions?|prompts?|rules|directions|guidelines|guardrails|system messages?|programming)"
_ORDER = re.compile(
    "|".join(
        (
            rf"\b(?:ignore|disregard|forget|override|bypass|drop)\b.{{0,40}}\b(?:{_RULES}|everything|sources|notes|above|previous)\b",
            r"\b(?:new|updated|real|secret|hidden) instructions?\s*:|\bsystem (?:prompt|message)\b"
            r"|\byour (?:system )?(?:prompts?|programming|guardrails)\b",
            rf"\b(?:print|reveal|repeat|show|output|leak|recite|translate|disclose)\b.{{0,30}}"
            rf"\b(?:your|these|this|all|previous|system|above|the|initial) {_RULES}\b",
            rf"\b(?:dear|hey|attention,?|to|for|note to|message to|instructions? for) (?:any |all |the |every )?{_MACHINE}\b",
            rf"\b{_MACHINE}\b[^.\n]{{0,30}}\b(?:must|should|shall|has to|have to|please|reading this)\b",
            rf"\b(?:you are|you're|act as|pretend to be|behave as|play the role of) (?:now |an? |the |no longer ){{0,2}}"
            rf"(?:{_MACHINE}|dan\b|unrestricted|in \w+ mode|pirate|evil|administrator|root)",
            r"\b(?:you are now (?:an?|in|the|dan)|pretend (?:that|you)|stay in character|do anything now|enter developer mode)\b",
            r"\bfrom now on,? (?:you )?(?:must |will |always )?(?:answer|reply|respond|act|say|speak|write)\b",
            r"\b(?:if|when|whenever) (?:you are |you're |someone |anyone |the user |a user |the reader )(?:is )?ask(?:ed|s)?\b"
            r"|\b(?:if|when|whenever) asked (?:about|for|how|what|who|which|where|when|whether)\b",
            r"^say i\b|(?:^|[,;:–—-] ?|\b(?:must|should|shall|please|always|only|instead|just|now|and|then) )"
            r"(?:answer|reply|respond|say|output|state|tell (?:the |your )?(?:user|reader|person)s?)\b"
            r"(?=[ :]+(?:only|with|that|exactly|always|[\"“':]|in \w+ (?:only|words)|as |no(?:thing)? |yes\b|it |this |the ))",
            r"\b(?:cite|mark|treat|label|flag) (?:this|it|that|the (?:next|following)|source|every\w*|all)\b.{0,50}"
            r"\b(?:as|source|supported|verified|true|trusted|fact)\b",
            r"(?:^|\n)[ \t>*#-]*(?:system|assistant|user|developer|human|ai|tool|instruction|response)\b[*_]*\s*:",
            r"<\|[^|\n]{0,40}\|>|\[/?inst\]|<</?sys>>|</?(?:system|assistant|user|tool_call|function_call|im_start|im_end)\b|</source>"
            r"|<(?:start|end)_of_turn>|</?s>|#{2,} ?(?:instruction|system|response|assistant)\b|begin (?:system|prompt)",
            r"ignorier\w*.{0,40}(?:anweisung|regel|quelle|notiz)|(?:ignor\w*|oubli\w*|olvid\w*|dimentica\w*).{0,40}"
            r"(?:instruc\w*|istruzion\w*|consign\w*|règles|reglas|regole)|(?:antworte|réponds|répondez|responde|rispondi|отвечай|ответь)"
            r"\s+(?:nur|immer|seulement|toujours|solo|sólo|siempre|sempre|только|всегда|mit|avec|con|\")",
            r"игнориру\w*|забудь\w*.{0,40}(?:инструкц|правил)|(?:忽略|无视|無視|忘记).{0,20}(?:指令|指示|说明|規則|规则)|指示を無視|تجاهل.{0,40}التعليمات",
        )
    ),
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(
    r"\b(?:prompts?|injections?|jailbreaks?|instructions?|anweisung\w*|instrucci\w*|consignes)\b", re.IGNORECASE
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


def material(text: str, *, question: str = "") -> list[tuple[int, int]]:
    """The quotable parts of a passage (see `comparing.pieces`) that can carry an answer, as (start, end).

    Hidden parts never do. Neither do parts that tell a machine what to do, and what follows on
    their line: it is what the order is for. Where the question itself is about instructions, both can.
    """
    hidden = [found.span() for found in _HIDDEN.finditer(text)] if "<" in text or "%%" in text or "]:" in text else []
    wanted = bool(_ASKED_FOR.search(question))
    parts = [_seen(start, end, hidden) for start, end in pieces(text)]
    kept: list[tuple[int, int]] = []
    tainted = -1  # where the line with the last order stands
    for start, end in parts:
        if not wanted and (is_order(text[start:end]) or (tainted >= 0 and "\n" not in text[tainted:start])):
            tainted = end
        elif text[start:end].strip():
            kept.append((start, end))
    return kept


def without_orders(text: str, *, question: str = "") -> str:
    """A passage as a model may read it: `[…]` in place of every part that cannot carry an answer."""
    kept = material(text, question=question)
    if kept == pieces(text):
        return text
    found, at = "", 0
    for start, end in [*kept, (len(text), len(text))]:
        between = text[at:start]
        found += ("\n[…]\n" if any(letter.isalnum() for letter in between) else between) + text[start:end]
        at = end
    return found


def follows(text: str, end: int, start: int) -> bool:
    """Whether nothing was left out between two parts."""
    return not any(letter.isalnum() for letter in text[end:start])


def _seen(start: int, end: int, hidden: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """A part without what is hidden at its beginning or end; what is hidden within it is left to `wording.plain`."""
    for before, after in hidden:
        if before <= start < after:
            start = min(after, end)
        if before < end <= after:
            end = max(before, start)
    return start, end


@lru_cache(maxsize=4096)
def is_order(text: str) -> bool:
    """Whether a sentence tells a machine what to do or plays at being a turn of its conversation."""
    return bool(_ORDER.search(_INVISIBLE.sub("", text)))
