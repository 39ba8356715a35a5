"""A model as a second judge: what it says is read whatever it says, it never judges itself, and it is told how far to trust it."""

import json
import threading
from contextlib import contextmanager

import pytest

from brain.cli import DONE, FAILED, USAGE, main
from brain.errors import ModelError, SettingsError
from brain.evaluating import answers
from brain.evaluating.judging import Judged
from brain.evaluating.model_judge import JUDGED, LONGEST, SILENT, agreement, judge_path, judged_by, prompt, verdict
from brain.evaluating.sets import Question
from brain.models.shelf import Shelf
from brain.types import Delta
from tests.evaluating.test_cli import run_json
from tests.fakes import ScriptedChat

ASKED = Question("q1", "When is the pump delivered?", {}, answers=("week 24", "in June"))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("yes", True),
        ("No.", False),
        ("**Yes**", True),
        ("Yes, the given answer is correct.", True),
        ("The given answer is not correct.", False),
        ("incorrect", False),
        ("<think>no, wait: is it right? No</think>\nYes", True),
        ("so it is wrong… no</think> Yes.", True),
        ("<think>yes yes yes", None),
        ("", None),
        ("It depends.", None),
        ("The answer could be right or wrong.", None),
        ("No. It would be correct if it named the week.", False),
        ("Nobody knows", None),
        ("🙂", None),
    ],
)
def test_one_word_is_read_out_of_whatever_is_said(said, read):
    assert verdict(said) is read


def row(rule: bool, model: bool | None) -> Judged:
    values = {"contains": float(rule), SILENT: float(model is None)}
    if model is not None:
        values[JUDGED] = float(model)
    return Judged("q", "", True, False, False, values)


def test_agreement_is_told_less_what_chance_gives():
    # Cohen's own kind of example: 20 both yes, 15 both no, 5 and 10 apart: .70 the same, .50 by chance.
    rows = [row(True, True)] * 20 + [row(False, False)] * 15 + [row(True, False)] * 5 + [row(False, True)] * 10
    found = agreement([*rows, row(True, None)])
    assert (found.verdicts, found.silent, found.same) == (50, 1, 35)
    assert found.kappa == pytest.approx(0.4)


def test_a_judge_that_says_the_same_of_all_has_no_kappa():
    assert agreement([row(True, True)] * 9 + [row(False, True)]).kappa is None
    assert agreement([]).kappa is None
    assert agreement([row(True, True), row(False, False)]).kappa == 1.0
    assert agreement([row(True, False), row(False, True)]).kappa == -1.0


def test_verdict_stands_beside_the_rules_and_silence_is_counted():
    given = Judged("q1", "", True, False, False, {"contains": 1.0}, answer="In week 24.")
    chat = ScriptedChat("No.")
    found = judged_by(chat, ASKED, given, cancel=threading.Event())
    assert (found.values["contains"], found.values[JUDGED], found.values[SILENT]) == (1.0, 0.0, 0.0)
    asked = chat.asked[0][0].text
    assert all(said in asked for said in ("When is the pump delivered?", "week 24 or in June", "In week 24."))
    chat.answer = "Perhaps."
    silent = judged_by(chat, ASKED, found, cancel=threading.Event())
    assert JUDGED not in silent.values
    assert silent.values[SILENT] == 1.0
    assert len(prompt(ASKED, "x" * 10 * LONGEST)) < LONGEST + 500


def test_thoughts_are_no_verdict():
    class Thinking(ScriptedChat):
        def stream(self, messages, *, limit, cancel):
            yield Delta("no no no", thought=True)
            yield Delta("Yes")

    given = Judged("q1", "", True, False, False, {"contains": 1.0}, answer="In week 24.")
    assert judged_by(Thinking(), ASKED, given, cancel=threading.Event()).values[JUDGED] == 1.0


def test_the_model_under_test_never_judges_whatever_it_is_called(tmp_path):
    files = {name: tmp_path / f"{name}.gguf" for name in ("one", "copy", "other")}
    for name, file in files.items():
        file.write_bytes(b"other" if name == "other" else b"model")

    def find(name):
        if name not in files:
            raise ModelError(f"{name} is not here.")
        return files[name]

    assert judge_path("other", find, ("quotes", "one")) == files["other"]
    for name in ("one", "copy"):
        with pytest.raises(SettingsError, match="no model judges itself"):
            judge_path(name, find, ("quotes", "one"))
    for name in ("deepseek", "deepseek/deepseek-v4-pro", "quotes"):
        with pytest.raises(SettingsError, match="judge"):
            judge_path(name, find, ("quotes",))


@pytest.fixture
def referee(monkeypatch, chat, tmp_path):
    """A chat model called "referee"; a test says what it says."""
    made = ScriptedChat("yes", name="referee")
    file = tmp_path / "referee.gguf"
    file.write_bytes(b"another model")
    find = Shelf.find
    monkeypatch.setattr(Shelf, "find", lambda self, name: file if name == "referee" else find(self, name))

    @contextmanager
    def opened(settings, path):
        assert path == file
        yield made

    monkeypatch.setattr(answers, "opened_chat", opened)
    return made


def test_verdicts_and_agreement_are_told_and_kept(referee, answered, tmp_path, capsys):
    kept = tmp_path / "report.json"
    flags = ["eval", "run", str(answered), "--answers", "--models", "quotes", "--judge", "referee"]
    assert main([*flags, "--save", str(kept)]) == DONE
    out = capsys.readouterr().out
    for said in ("referee judges beside the rules", "right by it", "kappa", "means nothing here", "Do not lean"):
        assert said in out
    body = json.loads(kept.read_text())
    assert body["judge"]["model"] == "referee"
    told = body["judge"]["systems"]["quotes"]
    assert told["no_verdict"] == 0
    assert told["verdicts"] == len(referee.asked) > 0
    assert body["systems"]["quotes"]["judged"]["mean"] == 1.0
    assert body["settings"]["judge"] == "rules"
    assert "sourdough" not in kept.read_text().lower()
    with pytest.raises(SystemExit):
        main(["eval", "run", "--help"])
    text = capsys.readouterr().out
    assert all(f'"{key}"' in text for key in ("judge", "model", "systems", *told))
    assert main(["eval", "show", str(kept)]) == DONE
    assert "referee judges beside the rules" in capsys.readouterr().out


def test_a_judge_without_a_verdict_is_counted_and_the_rules_stay_as_they_are(referee, answered, capsys):
    referee.answer = "Hmm."
    flags = ("eval", "run", str(answered), "--answers", "--models", "quotes")
    body, plain = run_json(capsys, *flags, "--judge", "referee"), run_json(capsys, *flags)
    told = body["judge"]["systems"]["quotes"]
    assert (told["verdicts"], told["kappa"]) == (0, None)
    assert told["no_verdict"] == len(referee.asked)
    assert "judged" not in body["systems"]["quotes"]
    assert body["systems"]["quotes"]["contains"] == plain["systems"]["quotes"]["contains"]
    assert "judge" not in plain


def test_a_run_stopped_while_judging_goes_on_where_it_stopped(referee, answered, home, capsys, monkeypatch):
    flags = ("eval", "run", str(answered), "--answers", "--models", "quotes", "--judge", "referee")

    def fails(messages, *, limit, cancel):
        if len(referee.asked) == 2:
            raise ModelError("It broke.")
        yield from ScriptedChat.stream(referee, messages, limit=limit, cancel=cancel)

    monkeypatch.setattr(referee, "stream", fails, raising=False)
    assert main(list(flags)) == FAILED
    capsys.readouterr()
    referee.stream = lambda messages, *, limit, cancel: ScriptedChat.stream(
        referee, messages, limit=limit, cancel=cancel
    )
    body = run_json(capsys, *flags)
    assert body["judge"]["systems"]["quotes"]["verdicts"] == len(referee.asked)
    assert not list((home / "eval" / "answers").iterdir())


@pytest.mark.parametrize("named", ["scripted", "deepseek", "quotes", "nobody"])
def test_a_judge_that_may_not_judge_is_refused_before_anything_is_asked(referee, chat, answered, named, capsys):
    code = main(["eval", "run", str(answered), "--answers", "--models", "quotes,scripted", "--judge", named])
    assert code in (FAILED, USAGE)
    assert "judge" in capsys.readouterr().err
    assert not chat.asked


def test_a_judge_needs_answers(referee, answered, capsys):
    assert main(["eval", "run", str(answered), "--judge", "referee"]) in (FAILED, USAGE)
