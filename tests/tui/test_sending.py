"""Any model, swapped in mid-conversation, and nothing that leaves without a look."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest
from textual.pilot import Pilot

from brain.errors import EndpointError, ModelError
from brain.events import Token
from brain.settings import save
from brain.types import Choice, Consent, Withheld
from tests.tui.fakes import ANSWER, HOST, FakeBrain, Gate, answered, app, leaving, status, streamed
from tests.tui.pilot import ready, seen, shows, type_text, until
from tests.tui.test_safety import CHARACTERS, HOSTILE, PATH
from tui.panels import gate as gate_panel
from tui.panels.gate import GateSheet

WIDE, SMALL, SLIM = (120, 36), (80, 24), (60, 20)
URL = leaving("", (), Consent()).url
GATE = "This question would leave your machine"


@pytest.fixture(autouse=True)
def _no_hold(monkeypatch):
    """The keys of the gate work at once."""
    monkeypatch.setattr(gate_panel, "HOLD", 0.001)


def remote(**standing: object) -> FakeBrain:
    """A Brain whose usual model is elsewhere."""
    brain = FakeBrain(standing=status(chat="deepseek", stays_home=False, budget_day=1.0, **standing))
    brain.choices = tuple(replace(one, used=one.name == "deepseek") for one in brain.choices)
    return brain


def sheet(pilot: Pilot[int]) -> GateSheet:
    screen = pilot.app.screen
    assert isinstance(screen, GateSheet)
    return screen


async def at_gate(pilot: Pilot[int], question: str = "garden budget?") -> str:
    """Ask, and wait until the sheet stands and its keys work."""
    await ready(pilot)
    await type_text(pilot, question)
    await pilot.press("enter")
    return await gated(pilot)


async def gated(pilot: Pilot[int]) -> str:
    await until(pilot, lambda: isinstance(pilot.app.screen, GateSheet), f"the gate on\n{seen(pilot)}")
    await until(pilot, lambda: sheet(pilot).is_armed and not sheet(pilot).is_working, "its keys work")
    await until(pilot, lambda: not pilot.app.bridge.is_asking, "nothing runs")  # type: ignore[attr-defined]
    return await shows(pilot, GATE, "Send once")


async def done(pilot: Pilot[int], count: int) -> None:
    """So many answers are there."""
    screen = pilot.app.screen_stack[0]
    await until(pilot, lambda: sum(turn.is_settled for turn in screen._conversation.turns) == count, "answered")  # type: ignore[attr-defined]
    await until(pilot, lambda: not pilot.app.bridge.is_asking, "nothing runs")  # type: ignore[attr-defined]


def told(pilot: Pilot[int]) -> list[str]:
    return [notice.message for notice in pilot.app._notifications]


@pytest.mark.parametrize("size", [WIDE, SMALL, SLIM])
async def test_the_gate_says_where_to_what_how_much_and_what_never_leaves(size):
    brain = remote()
    async with app(brain).run_test(size=size) as pilot:
        shown = await at_gate(pilot)
        body = leaving("garden budget?", (), Consent()).body
        for words in (
            HOST,
            "model deepseek-flash",
            "key DEEPSEEK_API_KEY",
            f"{len(body)} bytes",
            "about $0.0010 now",
            "$0.0020 at peak",
            "[x] 1 ",
            "[x] 3 quotes/offer.pdf",
            "! 2 passages are never sent: journal/ is priv",
            "! a card number withheld",
            "Answer here instead (qwen3-4b)",
            "Send all in this talk",
            "cancel",
        ):
            assert words in shown, f"{words!r} on\n{shown}"
        assert brain.sent == []


async def test_a_price_that_is_not_known_is_not_called_nothing():
    brain = remote()
    brain.leaving = partial(leaving, cost_usd=0.0, cost_peak_usd=0.0)
    async with app(brain).run_test(size=SMALL) as pilot:
        shown = await at_gate(pilot)
        assert "its price is not known" in shown and "$0.00" not in shown.split("Size")[1].split("\n")[0]


async def test_send_once_sends_what_was_shown_and_the_next_question_is_shown_again():
    brain = remote()
    async with app(brain).run_test(size=WIDE) as pilot:
        await at_gate(pilot)
        await pilot.press("s")
        await done(pilot, 1)
        body = leaving("garden budget?", (), Consent()).body
        assert brain.sent == [body]
        shown = await shows(
            pilot,
            "3 cited · deepseek · 4.1 s",
            f"sent {len(body)} B to {HOST} · $0.0010 · 2 passages withheld · 1 secret",
        )
        assert f"▲ REMOTE {HOST}" in shown
        await shows(pilot, f"sent {len(body)} B  $0.0010  today $0.0010 of $1.00")
        await at_gate(pilot, "and when?")
        assert len(brain.sent) == 1
        await pilot.press("s")
        await done(pilot, 2)
        assert len(brain.sent) == 2
        assert json.loads(brain.sent[1])["said"] == ["garden budget?", ANSWER]


async def test_what_is_unticked_is_in_another_body_that_is_shown_before_it_is_sent():
    brain = remote()
    async with app(brain).run_test(size=WIDE) as pilot:
        await at_gate(pilot)
        first = sheet(pilot)._parcels.leaving.sha256
        await pilot.press("j", "space")
        await until(pilot, lambda: sheet(pilot)._parcels.leaving.sha256 != first, "another body")
        shown = await gated(pilot)
        assert "▸ [ ] 2 projects/roles.md" in shown
        assert "unticked" in shown
        assert "you took it out" not in shown
        assert (brain.sent, brain.consents[-1]) == ([], Consent(without=(2,)))
        second = sheet(pilot)._parcels.leaving.sha256
        await pilot.press("s")
        await done(pilot, 1)
        assert brain.consents[-1] == Consent(sha256=second, without=(2,), url=URL)
        (body,) = brain.sent
        assert "Ana owns the budget" not in body
        assert len(json.loads(body)["passages"]) == 2


async def test_what_was_unticked_can_be_ticked_again_and_history_can_stay():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await pilot.press("s")
        await done(pilot, 1)
        shown = await at_gate(pilot, "and when?")
        assert "▸ [x] 1 earlier question and answer" in shown
        await pilot.press("space")
        await until(pilot, lambda: brain.consents[-1] == Consent(history=False))
        await gated(pilot)
        await pilot.press("j", "space")
        await until(pilot, lambda: brain.consents[-1] == Consent(without=(1,), history=False))
        await gated(pilot)
        await pilot.press("space")
        await until(pilot, lambda: brain.consents[-1] == Consent(history=False))
        shown = await gated(pilot)
        assert "[ ] 1 earlier question" in shown
        assert "[x] 1 meetings" in shown
        await pilot.press("s")
        await done(pilot, 2)
        assert (json.loads(brain.sent[1])["said"], len(json.loads(brain.sent[1])["passages"])) == ([], 3)


async def test_what_was_taken_out_stays_out_when_its_number_changes():
    brain = remote()

    def renumbered(question, history, consent, *, salt=""):
        going = leaving(
            question, history, Consent(consent.sha256, consent.conversation, (), consent.history), salt=salt
        )
        if not brain.consents[:-1]:
            return going
        numbers = {1: 2, 2: 1, 3: 3}
        moved = [replace(one, number=numbers[one.number]) if one.kind == "passage" else one for one in going.parcels]
        return replace(going, parcels=tuple(one for one in moved if one.number not in consent.without))

    brain.leaving = renumbered
    async with app(brain).run_test(size=WIDE) as pilot:
        await at_gate(pilot)
        await pilot.press("space")  # the board's, number 1 then and number 2 from here on
        await until(pilot, lambda: brain.consents[-1] == Consent(without=(2,)), "asked for again by its new number")
        shown = await gated(pilot)
        assert "[ ] 2 meetings" in shown
        assert brain.sent == []


@pytest.mark.parametrize("key", ["escape", "ctrl+g", "ctrl+c"])
async def test_cancelling_sends_nothing_and_keeps_the_question(key: str):
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await pilot.press(key)
        shown = await shows(pilot, "You    garden budget?", "Nothing was sent. · r again")
        assert GATE not in shown
        assert (brain.sent, len(brain.consents)) == ([], 1)
        assert pilot.app.is_running
        await pilot.press("escape", "r")
        await gated(pilot)
        assert brain.consents[-1] == Consent()


async def test_enter_answers_here_and_sends_nothing():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await pilot.press("enter")
        await done(pilot, 1)
        assert (brain.sent, brain.answerers, brain.consents[-1]) == ([], [None, "qwen3-4b"], Consent())
        await shows(pilot, "qwen3-4b · 4.1 s", f"▲ REMOTE {HOST}")


async def test_without_a_model_here_the_notes_answer_themselves():
    brain = remote()
    brain.choices = tuple(one for one in brain.choices if one.kind != "file")
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await shows(pilot, "Answer here instead (quotes, no model)")
        await pilot.press("enter")
        await done(pilot, 1)
        assert (brain.sent, brain.answerers) == ([], [None, "quotes"])


async def test_leaving_the_app_at_the_gate_sends_nothing():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await pilot.press("ctrl+q")
        assert brain.closed.wait(10)
        assert (brain.sent, len(brain.consents)) == ([], 1)


async def test_a_letter_typed_ahead_does_not_send(monkeypatch):
    monkeypatch.setattr(gate_panel, "HOLD", 3600.0)
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GateSheet))
        await pilot.press(*"as", "enter", "space", "v")
        assert GATE in await shows(pilot, GATE)
        assert (brain.sent, len(brain.consents)) == ([], 1)
        await pilot.press("escape")
        await shows(pilot, "Nothing was sent.")


async def test_a_body_that_changed_since_is_shown_again():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        brain.salts = ["!"]
        await pilot.press("s")
        await until(pilot, lambda: len(brain.consents) == 2)
        await gated(pilot)
        await shows(pilot, "What would be sent is not what you were shown")
        assert brain.sent == []
        brain.salts = ["!"]
        await pilot.press("s")
        await done(pilot, 1)
        assert len(brain.sent) == 1


async def test_consent_to_a_conversation_ends_with_it():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await pilot.press("a")
        await done(pilot, 1)
        await type_text(pilot, "and when?")
        await pilot.press("enter")
        await done(pilot, 2)
        assert len(brain.sent) == 2
        assert brain.consents[-1] == Consent(conversation=True, url=URL)
        await pilot.press("ctrl+n")
        await at_gate(pilot, "roof?")
        assert (len(brain.sent), brain.consents[-1]) == (2, Consent())
        await pilot.press("a")
        await done(pilot, 1)
        await pilot.press("f4")
        await shows(pilot, "Enter open")
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await pilot.press("i")
        await at_gate(pilot, "again?")
        assert (len(brain.sent), brain.consents[-1]) == (3, Consent())


async def test_consent_to_a_conversation_is_not_consent_to_another_model():
    brain = remote()
    brain.choices = (*brain.choices, Choice("other", "endpoint", False, host="example.org"))
    async with app(brain).run_test(size=WIDE) as pilot:
        await at_gate(pilot)
        await pilot.press("a")
        await done(pilot, 1)
        pilot.app.screen.query_one("#prompt").load_text("/model other")
        await pilot.press("enter")
        await shows(pilot, "▲ REMOTE example.org")
        await at_gate(pilot, "and when?")
        assert (brain.answerers[-1], brain.consents[-1], len(brain.sent)) == ("other", Consent(), 1)


async def test_the_exact_bytes_are_shown_with_their_hash():
    brain = remote()
    async with app(brain).run_test(size=WIDE) as pilot:
        await at_gate(pilot)
        await pilot.press("v")
        going = leaving("garden budget?", (), Consent())
        shown = await shows(pilot, "The exact bytes", going.sha256, '"model": "deepseek-flash"')
        text = "".join(line[4:-1].strip("│") for line in shown.splitlines() if line.strip().startswith("│"))
        assert going.url in shown
        assert "garden budget?" in text
        await pilot.press("s", "a", "p")
        assert brain.sent == []
        assert not brain.standing.paused
        await pilot.press("escape")
        await gated(pilot)


async def test_a_question_that_waits_does_not_pass_the_gate_before_it():
    brain = remote()
    hold = Gate()
    brain.scripts = [streamed(gate=hold), streamed()]
    async with app(brain).run_test(size=WIDE) as pilot:
        await at_gate(pilot)
        await pilot.press("s")
        await shows(pilot, "nobody knows who waters")
        await type_text(pilot, "and when?")
        await pilot.press("enter")
        await shows(pilot, "waits for the answer above")
        hold.open()
        await gated(pilot)
        assert len(brain.sent) == 1
        await pilot.press("escape")
        await shows(pilot, "Nothing was sent.")


async def test_what_comes_after_a_stop_opens_no_gate():
    brain = remote()
    hold = Gate()
    asked = brain.ask

    def slowly(*arguments, cancel, **options):
        hold.wait(cancel)
        yield from asked(*arguments, cancel=cancel, **options)

    brain.ask = slowly  # type: ignore[method-assign]
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await until(pilot, hold.reached.is_set)
        await pilot.press("escape")
        await until(pilot, lambda: brain.asked and not pilot.app.bridge.is_asking, "the gate came too late")
        await shows(pilot, "Nothing was sent.")
        assert (len(pilot.app.screen_stack), brain.sent) == (1, [])


async def test_a_failure_at_the_gate_closes_it_and_enter_answers_here():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        brain.leaving = lambda *_, **__: (_ for _ in ()).throw(EndpointError("Today's $1.00 is spent.", hint="Later."))
        await pilot.press("s")
        await shows(pilot, "! Today's $1.00 is spent.", "Enter answer here")
        await pilot.press("enter")
        await done(pilot, 1)
        assert (brain.sent, brain.answerers[-1]) == ([], "qwen3-4b")


async def test_an_answer_that_broke_off_says_so():
    brain = remote()
    brain.scripts = [[Token("The board agreed"), answered(answer="The board agreed", broken="deepseek broke off.")]]
    async with app(brain).run_test(size=SMALL) as pilot:
        await at_gate(pilot)
        await pilot.press("s")
        await shows(pilot, "! deepseek broke off. The answer is incomplete, after 3 words.", "r again")


async def test_switching_in_the_middle_stops_the_answer_and_keeps_the_history():
    hold = Gate()
    brain = FakeBrain(streamed(), streamed(gate=hold), streamed())
    brain.loading = Gate()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await done(pilot, 1)
        await type_text(pilot, "and when?")
        await pilot.press("enter")
        await until(pilot, hold.reached.is_set)
        await pilot.press("f3")
        await shows(pilot, "● qwen3-4b", "now, usual", "smollm2-135m-instruct", "98 MB", "▲ deepseek", HOST)
        await pilot.press("j", "enter")
        await shows(pilot, "◐ loading smollm2-135m-instruct", "stopped after")
        brain.loading.open()
        await until(pilot, lambda: brain.loaded == ["smollm2-135m-instruct"] and "◐" not in seen(pilot), "loaded")
        assert "smollm2-135m-instruct is ready." in told(pilot)
        await type_text(pilot, "and who?")
        await pilot.press("enter")
        await done(pilot, 2)
        question, history = brain.asked[-1]
        assert (question, brain.answerers[-1]) == ("and who?", "smollm2-135m-instruct")
        assert [message.text for message in history] == ["garden?", ANSWER]
        assert pilot.app.screen.query_one("#standing")
        await pilot.press("ctrl+n")
        await type_text(pilot, "roof?")
        await pilot.press("enter")
        await done(pilot, 1)
        assert brain.answerers[-1] is None, "a new conversation has the usual model"


async def test_switching_at_the_gate_and_back_home():
    brain = remote()
    async with app(brain).run_test(size=SMALL) as pilot:
        await shows(pilot, f"▲ REMOTE {HOST}")
        await pilot.press("ctrl+p")
        await type_text(pilot, "this machine")
        await shows(pilot, "Answer on this machine in this conversation")
        await pilot.press("enter")
        await shows(pilot, "● LOCAL")
        await type_text(pilot, "garden?")
        await pilot.press("enter")
        await done(pilot, 1)
        assert (brain.answerers, brain.sent) == (["qwen3-4b"], [])


async def test_the_palette_switches_by_name():
    brain = FakeBrain()
    async with app(brain).run_test(size=WIDE) as pilot:
        await ready(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: pilot.app.choices)
        await type_text(pilot, "model deepseek")
        await shows(pilot, "Model for this conversation: deepseek")
        await pilot.press("enter")
        await shows(pilot, f"▲ REMOTE {HOST}")


async def test_a_model_that_does_not_fit_and_one_without_a_key_say_what_to_do():
    brain = FakeBrain()
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await shows(pilot, "! does not fit now", "! no key")
        await pilot.press("j", "j", "enter")
        await shows(pilot, "! llama-3.3-70b needs about 46.0 GB of memory, more than is free now.")
        await pilot.press("j", "j", "j", "enter")
        await shows(pilot, "! openrouter has no key yet, so it cannot be asked.", "endpoints key openrouter")
        await pilot.press("d")
        await shows(pilot, "! openrouter has no key yet")
        await pilot.press("k", "k", "k", "enter", "enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await until(pilot, lambda: brain.loaded == ["llama-3.3-70b"], "tried all the same")


async def test_a_model_becomes_the_usual_one(tmp_path):
    (tmp_path / "config.toml").write_text("# mine\n")
    save(tmp_path, "chat", "window", 4096)
    brain = FakeBrain(standing=status(home=tmp_path))
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await shows(pilot, "d from now on")
        await pilot.press("j", "d")
        written = [worker for worker in pilot.app.workers if worker.group == "settings"]
        for worker in written:
            await worker.wait()  # a disk takes its time
        await until(pilot, lambda: any("usual model from now on" in one for one in told(pilot)))
        kept = [line for line in (tmp_path / "config.toml").read_text().splitlines() if line]
        assert kept == ["# mine", "[chat]", "window = 4096", 'model = "smollm2-135m-instruct"']
        await pilot.press("ctrl+n")
        await type_text(pilot, "roof?")
        await pilot.press("enter")
        await done(pilot, 1)
        assert brain.answerers == ["smollm2-135m-instruct"]


async def test_a_model_that_does_not_load_says_why():
    brain = FakeBrain()
    brain.warm = lambda model=None: (_ for _ in ()).throw(ModelError("The model file is gone.", hint="F3 others."))  # type: ignore[method-assign]
    async with app(brain).run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await shows(pilot, "smollm2")
        await pilot.press("j", "enter")
        await until(pilot, lambda: "The model file is gone. F3 others." in told(pilot))
        assert "◐" not in seen(pilot)


@pytest.mark.parametrize("size", [WIDE, SMALL, (50, 14)])
async def test_the_badge_is_the_last_thing_to_go(size):
    async with app(remote()).run_test(size=size) as pilot:
        await shows(pilot, "▲ REMOTE api.deepseek")


async def test_what_left_today_is_said_while_nothing_of_this_conversation_has():
    async with app(FakeBrain()).run_test(size=WIDE) as pilot:
        await shows(pilot, "0 B left this machine today")
    async with app(FakeBrain(standing=status(sent_today=19_204, spent_today=0.03, budget_day=1.0))).run_test(
        size=WIDE
    ) as pilot:
        await shows(pilot, "19 KB left this machine today  today $0.03 of $1.00")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_hostile_words_of_endpoints_and_models_stay_text(size):
    brain = remote()

    def hostile(question, history, consent, *, salt=""):
        going = leaving(question, history, consent)
        parcels = tuple(replace(one, title=HOSTILE, path=PATH if one.path else None) for one in going.parcels)
        withheld = (Withheld("secret", HOSTILE), Withheld("passage", HOSTILE))
        return replace(going, host=HOSTILE, model=HOSTILE, key=HOSTILE, url=f"http://{HOSTILE}", parcels=parcels,
                       withheld=withheld, body=HOSTILE, why=HOSTILE)  # fmt: skip

    brain.leaving = hostile
    brain.choices = tuple(replace(one, host=HOSTILE, note=HOSTILE) for one in brain.choices)
    brain.choices += (
        Choice(HOSTILE, "file", True, note=HOSTILE),
        Choice(HOSTILE + "2", "endpoint", False, host=HOSTILE),
    )
    async with app(brain).run_test(notifications=True, size=size) as pilot:
        shown = await at_gate(pilot)
        assert "! not encrypted: http://" in shown
        await pilot.press("v")
        shown += await shows(pilot, "The exact bytes", "[@click=app.quit]x")
        await pilot.press("escape", "escape", "f3")
        shown += await shows(pilot, "On this machine", "Elsewhere")
        await pilot.press("end", "enter")
        await until(pilot, lambda: told(pilot))
        shown += seen(pilot)
        assert not [one for one in (*CHARACTERS, "\x1b", "\x07", "\x00") if one in shown]
        assert pilot.app.is_running
