"""The starter chat model and one document: what it has read is kept, and is the same when it comes from disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from brain.engine import open_brain
from brain.events import Answered, Planned
from brain.models.shelf import Shelf
from brain.settings import load
from tests.bench.planted import planted, write_pdf

pytestmark = pytest.mark.real


def test_the_second_question_on_a_document_is_answered_from_what_was_kept_also_after_a_restart(
    home: Path, tmp_path: Path, shelf: Shelf
) -> None:
    (home / "config.toml").write_text("[chat]\nlimit = 30\n")
    file = write_pdf(tmp_path / "minutes.pdf", planted(pages=4, items=2).pages)
    model = str(shelf.find("smollm2-135m-instruct"))

    def ask(question: str) -> tuple[Planned, Answered]:
        with open_brain(load(), own=True) as brain:
            plan, *_, answer = brain.ask_whole(question, str(file), cancel=threading.Event(), model=model)
        assert isinstance(plan, Planned) and isinstance(answer, Answered)
        assert answer.coverage is not None and answer.coverage.complete
        return plan, answer

    first_plan, first = ask("What did the museum measure?")
    assert (first_plan.way, first_plan.kept, first_plan.measured) == ("prompt", False, True)
    assert first.usage.cached_tokens < first.usage.prompt_tokens / 2
    again_plan, again = ask("What did the museum measure?")
    assert again_plan.kept
    assert again.usage.cached_tokens > 0.9 * again.usage.prompt_tokens
    assert again.answer == first.answer
    _, other = ask("Who approved the drainage plan?")
    assert other.usage.cached_tokens > 0.9 * other.usage.prompt_tokens
