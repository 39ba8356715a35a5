"""The sample vault that `brain demo` reads, and the questions it asks of it.

A dozen notes and one PDF, all written for Brain and free like the rest of it. Only data: nothing here reads,
indexes or answers. Whoever uses the vault leaves it as it is; it may lie where the user cannot write.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VAULT = Path(__file__).parent / "vault"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where its answer stands: a path below `VAULT`, and the page, from 1, where the file has pages."""

    text: str
    path: str
    page: int | None = None


QUESTIONS: tuple[Question, ...] = (
    Question(
        "What should the water pressure of the heating circuit be?",
        "papers/Talwind 8 handbook.pdf",
        page=4,
    ),
    Question(
        "How much water does the new well give?",
        "garden/Garden log.md",
    ),
)
