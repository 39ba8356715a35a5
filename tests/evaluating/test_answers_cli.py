"""`brain eval run --answers` as a person and a script use it."""

import json
import signal
from pathlib import Path

import pytest

from brain.cli import CANCELLED, DONE, FAILED, USAGE, main
from tests.evaluating import tiny
from tests.evaluating.test_cli import run_json


def test_answers_are_judged_and_printed_with_what_to_try_next(chat, answered, capsys):
    assert main(["eval", "run", str(answered), "--answers", "--models", "quotes,scripted"]) == DONE
    printed = capsys.readouterr()
    for said in (
        "4 questions with an answer, 2 without",
        "holds the answer",
        "it is cited",
        "of unanswerable",
        "to the first word",
        "scripted against quotes:",
        "tie",
        "judged by rule",
        "questions that have no answer",
    ):
        assert said in printed.out
    assert "sourdough" not in printed.out
    assert main(["eval", "run", str(answered), "--answers", "--texts"]) == DONE
    assert "q8 How many gears" in capsys.readouterr().out


def test_answers_as_json_are_what_help_says_and_show_reads_them(chat, answered, tmp_path, capsys):
    chat.answers = {"How long": "Sourdough rises for six hours."}
    body = run_json(capsys, "eval", "run", str(answered), "--answers", "--models", "quotes,scripted")
    with pytest.raises(SystemExit):
        main(["eval", "run", "--help"])
    text = capsys.readouterr().out
    assert all(f'"{key}"' in text for key in (*body, *body["questions"], *body["per_question"][0]))
    assert "six hours" not in json.dumps(body)
    assert "sourdough" not in json.dumps(body)
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(body))
    assert main(["eval", "run", str(answered), "--answers", "--texts", "--save", str(second)]) == DONE
    assert "six hours" in second.read_text()
    capsys.readouterr()
    assert main(["eval", "show", str(first)]) == DONE
    assert "scripted against quotes:" in capsys.readouterr().out
    assert main(["eval", "show", str(first), str(second)]) == DONE
    out = capsys.readouterr().out
    assert "quotes in [2] against [1]:" in out
    assert "+.000 (+.000 … +.000) tie" in out
    shown = run_json(capsys, "eval", "show", str(first), str(second))
    assert shown["differences"][0]["system"] == "quotes"
    assert shown["differences"][0]["f1"]["tie"] is True
    assert "per_question" not in shown["reports"][0]


def test_reports_of_answers_and_of_what_is_found_are_shown_together(embedder, answered, tmp_path, capsys):
    folder = tiny.write(tmp_path / "tiny")
    found, judged = tmp_path / "found.json", tmp_path / "judged.json"
    assert main(["eval", "run", str(folder), "--save", str(found)]) == DONE
    assert main(["eval", "run", str(answered), "--answers", "--save", str(judged)]) == DONE
    capsys.readouterr()
    assert main(["eval", "show", str(found), str(judged)]) == DONE
    out = capsys.readouterr().out
    assert out.index("Brain as shown") < out.index("holds the answer")


def test_only_the_questions_of_a_file_are_asked(embedder, answered, tmp_path, capsys):
    folder = tiny.write(tmp_path / "tiny")
    (tmp_path / "ids").write_text("q2\nq3\nq99\n")
    body = run_json(capsys, "eval", "run", str(answered), "--answers", "--ids", str(tmp_path / "ids"))
    assert [row["_id"] for row in body["per_question"]] == ["q2", "q3"]
    body = run_json(capsys, "eval", "run", str(folder), "--ids", str(tmp_path / "ids"))
    assert [row["_id"] for row in body["per_question"]] == ["q2", "q3"]
    (tmp_path / "ids").write_text("q99")
    assert main(["eval", "run", str(folder), "--ids", str(tmp_path / "ids")]) == FAILED
    assert main(["eval", "run", str(folder), "--ids", str(tmp_path / "nowhere")]) == FAILED


def test_questions_made_from_notes_are_answered_from_them_and_strangers_that_moved_in_are_left_out(
    notes, embedder, capsys
):
    assert main(["eval", "make", str(notes)]) == DONE
    out = capsys.readouterr().out
    assert "No model made them" in out
    made = Path(out.rpartition("brain eval run ")[2].strip())
    asked = [json.loads(line) for line in (made / "queries.jsonl").read_text().splitlines()]
    body = run_json(capsys, "eval", "run", str(made), "--answers", "--models", "quotes")
    assert body["questions"]["unanswerable"] == sum("absent" in row for row in asked) > 0
    assert body["questions"]["answerable"] == sum("answers" in row for row in asked) > 0
    assert body["systems"]["quotes"]["cites_whole"]["mean"] == 1.0
    assert len(body["counted"]["for_search"]) == sum(row["kind"] in ("heading", "sentence") for row in asked)
    stranger = next(row for row in asked if row["kind"] == "not in notes")
    (notes / "new.md").write_text(f"{stranger['absent']} is a new member of the club.\n")
    assert main(["sync"]) == DONE
    capsys.readouterr()
    body = run_json(capsys, "eval", "run", str(made), "--answers", "--models", "quotes")
    assert stranger["_id"] in body["counted"]["found_by_now"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--answers", "--models", "nobody"], FAILED),
        (["--answers", "--models", ","], USAGE),
        (["--answers", "--trec", "x"], USAGE),
        (["--models", "quotes"], USAGE),
        (["--anew"], USAGE),
    ],
    ids=str,
)
def test_flags_that_do_not_go_together_are_told(embedder, answered, capsys, arguments, code):
    try:
        assert main(["eval", "run", str(answered), *arguments]) == code
    except SystemExit as end:
        assert end.code == code
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_while_answers_are_asked_for_keeps_them(chat, answered, capsys, monkeypatch):
    stream = chat.stream

    def interrupted(messages, *, limit, cancel):
        if len(chat.asked) == 2:
            signal.raise_signal(signal.SIGINT)
        yield from stream(messages, limit=limit, cancel=cancel)

    monkeypatch.setattr(chat, "stream", interrupted)
    assert main(["eval", "run", str(answered), "--answers", "--models", "scripted"]) == CANCELLED
    assert "What was asked is kept" in capsys.readouterr().err
    monkeypatch.setattr(chat, "stream", stream)
    chat.asked.clear()
    assert main(["eval", "run", str(answered), "--answers", "--models", "scripted"]) == DONE
    assert not any("How much" in messages[-1].text for messages in chat.asked)
