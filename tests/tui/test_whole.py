"""A whole file, asked about in the window; and pages that nobody could read."""

from __future__ import annotations

from brain.events import PartRead, Planned
from brain.types import Coverage, Span, Unread
from tests.tui.fakes import NOTES, FakeBrain, Gate, answered, app
from tests.tui.pilot import ready, shows, type_text

SMALL = (80, 24)
HANDBOOK = NOTES / "handbook.pdf"
PLAN = Planned(HANDBOOK, "parts", "qwen3-4b", True, 9000, 2500, 3, 95.0, True, 12, (4, 5))
COVERAGE = Coverage(HANDBOOK, 9000, (Span(0, 9000),), 12, (1, 2, 3, *range(6, 13)), (4, 5), (), True)


async def test_a_file_behind_two_signs_is_read_whole_with_its_plan_and_coverage_shown():
    gate = Gate()
    end = answered("list the risks", coverage=COVERAGE, unread=(Unread(HANDBOOK, (4, 5)),))
    brain = FakeBrain((PLAN, PartRead(1, 3, 4, 12), gate, end))
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "@@handbook.pdf list the risks")
        await pilot.press("enter")
        await shows(pilot, "reading all of handbook.pdf, 12 pages, about 2 min (qwen3-4b) · 1/3")
        assert brain.read_whole == "handbook.pdf"
        assert brain.asked == [("list the risks", ())]
        gate.open()
        await shows(pilot, "read 10 of 12 pages, 2 without text", "handbook.pdf, 2 pages without text: 4, 5")


async def test_an_answer_names_the_pages_that_could_not_be_read():
    brain = FakeBrain((answered("garden budget?", unread=(Unread(HANDBOOK, tuple(range(1, 21))),)),))
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden budget?")
        await pilot.press("enter")
        await shows(pilot, "handbook.pdf, 20 pages without text: 1, 2, 3, 4, 5, 6,", "7, 8 … (scanned?)")
