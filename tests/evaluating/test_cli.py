"""`brain eval` as a person and a script use it."""

import json
from pathlib import Path

import pytest

from brain.cli import BUG, CANCELLED, DONE, FAILED, USAGE, main
from brain.evaluating.metrics import METRICS
from tests.evaluating import tiny
from tests.evaluating.tiny import BOARD


@pytest.fixture
def folder(tmp_path):
    return tiny.write(tmp_path / "tiny", questions=[*tiny.QUESTIONS, ("q6", "xylophone\x1b[31m")])


def run_json(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == DONE
    return json.loads(capsys.readouterr().out)


def test_a_run_prints_the_table_the_differences_and_what_was_not_scored(home, embedder, folder, capsys):
    assert main(["eval", "run", str(folder)]) == DONE
    out = capsys.readouterr().out
    for said in (
        "5 questions",
        "9 documents",
        "words alone",
        "RRF(60) of both",
        "Brain as shown",
        "nDCG@10",
        "MRR@10",
        "tie",
    ):
        assert said in out
    assert "1 questions of which nobody said what is right: left out (q6)" in out
    assert "\x1b" not in out


def test_a_run_as_json_is_what_help_says_and_show_reads_it(home, embedder, folder, tmp_path, capsys):
    body = run_json(capsys, "eval", "run", str(folder))
    assert set(body) == {
        "report", "version", "made", "set", "embedder", "questions", "counted", "degraded", "settings", "systems",
        "differences", "losses", "per_question", "seconds",
    }  # fmt: skip
    with pytest.raises(SystemExit):
        main(["eval", "run", "--help"])
    text = capsys.readouterr().out
    assert all(f'"{key}"' in text for key in body)
    assert set(body["systems"]["brain"]) == set(METRICS)
    assert all(set(interval) == {"mean", "low", "high"} for interval in body["systems"]["rrf"].values())
    assert "How much did the board" not in json.dumps(body)
    (tmp_path / "a.json").write_text(json.dumps(body))
    assert main(["eval", "show", str(tmp_path / "a.json")]) == DONE
    assert "Brain as shown" in capsys.readouterr().out


def test_two_reports_of_one_set_are_shown_side_by_side_with_ties(home, embedder, folder, tmp_path, capsys):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    assert main(["eval", "run", str(folder), "--save", str(first)]) == DONE
    assert main(["eval", "run", str(folder), "-n", "3", "--texts", "--save", str(second)]) == DONE
    assert "text" in json.loads(second.read_text())["per_question"][0]
    capsys.readouterr()
    assert main(["eval", "show", str(first), str(second)]) == DONE
    out = capsys.readouterr().out
    assert "Brain in [2] against [1]: nDCG@10 +.000 (+.000 … +.000) tie" in out
    body = run_json(capsys, "eval", "show", str(first), str(second))
    assert len(body["reports"]) == 2
    assert "per_question" not in body["reports"][0]
    assert body["differences"][0]["ndcg@10"]["tie"] is True


def test_the_worst_questions_are_told_with_their_text_only_where_that_may_be(home, embedder, tmp_path, capsys):
    notes = [
        ("worn", "", "The bicycle needs new brakes."),
        ("tale", "", "Brakes and brakes: a tale of brakes and a bicycle."),
    ]
    folder = tiny.write(
        tmp_path / "hard",
        documents=[*tiny.DOCUMENTS[:3], *notes],
        questions=[("q1", "brakes"), ("q2", "bicycle")],
        judgments=[("q1", "worn", 1), ("q2", "worn", 1)],
    )
    assert main(["eval", "run", str(folder), "--texts", "--save", str(tmp_path / "a.json")]) == DONE
    body = json.loads((tmp_path / "a.json").read_text())
    for row in body["per_question"]:  # Brain is made to have missed the first, as a report would say it
        missed = row["_id"] == "q1"
        row["values"]["words"] = dict.fromkeys(METRICS, 1.0)
        row["values"]["brain"] = dict.fromkeys(METRICS, 0.0 if missed else 1.0)
        row["first"]["words"], row["first"]["brain"] = 1, None if missed else 1
    (tmp_path / "a.json").write_text(json.dumps(body))
    capsys.readouterr()
    assert main(["eval", "show", str(tmp_path / "a.json")]) == DONE
    out = capsys.readouterr().out
    told = out[out.index("Worst against words alone") :].splitlines()
    assert told[1] == "  −1.000    1 → –    q1 brakes"
    assert main(["eval", "run", str(folder)]) == DONE  # into a pipe
    assert "brakes" not in capsys.readouterr().out


def test_rankings_are_written_only_where_asked_for(home, embedder, folder, tmp_path, capsys):
    assert main(["eval", "run", str(folder), "--trec", str(tmp_path / "runs")]) == DONE
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        f"{system}.trec" for system in ("words", "vectors", "rrf", "brain", "shown")
    }
    assert (tmp_path / "runs" / "words.trec").read_text().startswith("q1 Q0 garden.md 1 ")


def test_without_a_model_words_are_measured_and_it_is_said(home, folder, capsys):
    assert main(["eval", "run", str(folder)]) == DONE
    printed = capsys.readouterr()
    assert "brain models pull" in printed.err
    assert "Off or incomplete in this run: vectors" in printed.out
    assert "vectors alone" not in printed.out


def test_questions_are_made_from_notes_and_asked_of_them(notes, capsys):
    assert main(["eval", "make", str(notes)]) == DONE
    out = capsys.readouterr().out
    assert "flatter the search for words" in out
    made = Path(out.rpartition("brain eval run ")[2].strip())
    assert sorted(path.name for path in made.iterdir()) == ["notes.jsonl", "queries.jsonl"]
    assert main(["eval", "run", str(made)]) == DONE
    out = capsys.readouterr().out
    assert "about your notes (2 documents" in out
    assert "right passage among the first ten: words alone 1.00, Brain 1.00" in out
    (notes / "board.md").write_text(BOARD + "\nOne more line.\n")
    assert main(["sync"]) == DONE
    capsys.readouterr()
    body = run_json(capsys, "eval", "run", str(made))
    assert body["counted"]["changed_notes"] == [str(notes / "board.md")]
    assert body["set"]["kind"] == "notes"
    assert "passage@10" in body["systems"]["brain"]


def test_making_says_as_json_what_was_made_and_never_writes_over_a_set(notes, tmp_path, capsys):
    body = run_json(capsys, "eval", "make", str(notes), "-n", "2", "--to", str(tmp_path / "set"))
    assert body["set"] == str(tmp_path / "set")
    assert {"_id", "text", "kind", "answers", "path", "line"} == set(body["questions"][0])
    assert ([one["kind"] for one in body["questions"]].count("heading"), body["notes"], body["failed"]) == (1, 2, [])
    assert main(["eval", "make", str(notes), "--to", str(tmp_path / "set")]) == USAGE
    assert main(["eval", "make", str(notes)]) == main(["eval", "make", str(notes)]) == DONE


def test_a_set_of_notes_that_are_not_indexed_says_so(home, notes, tmp_path, capsys):
    assert main(["eval", "make", str(notes), "--to", str(tmp_path / "set")]) == DONE
    assert main(["eval", "run", str(tmp_path / "set"), "--home", str(tmp_path / "other")]) == FAILED
    assert "brain add" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["eval", "run", "NOWHERE"], USAGE),
        (["eval", "run", "BROKEN"], FAILED),
        (["eval", "show", "NOWHERE"], FAILED),
        (["eval", "show", "BROKEN/queries.jsonl"], FAILED),
        (["eval", "make", "NOWHERE"], FAILED),
        (["eval", "make", "BROKEN"], FAILED),
        (["eval", "run", "WHOLE", "--save", "WHOLE/queries.jsonl/x"], USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_words(folder, tmp_path, capsys, arguments, code):
    broken = tiny.write(tmp_path / "broken")
    (broken / "queries.jsonl").write_text('{"_id": "q1", "text": "x"}\n{"_id"')
    places = {"NOWHERE": tmp_path / "nowhere", "BROKEN": broken, "WHOLE": folder}
    given = [str(places.get(word.split("/")[0], word)) + word[len(word.split("/")[0]) :] for word in arguments]
    assert main(given) == code != BUG
    err = capsys.readouterr().err
    assert "brain: " in err
    assert "Traceback" not in err
    if given[1:] == ["run", str(broken)]:
        assert "queries.jsonl, line 2" in err


def test_flags_may_stand_before_or_after_the_action(home, embedder, folder, capsys):
    assert main(["eval", "--json", "run", str(folder)]) == DONE
    assert json.loads(capsys.readouterr().out)["report"] == 1
    assert main(["eval", "run", str(folder), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["report"] == 1


def test_ctrl_c_while_it_indexes_keeps_what_is_done(home, embedder, folder, capsys, monkeypatch):
    import signal

    real = embedder.embed

    def interrupted(texts, *, kind):
        if not embedder.embedded:  # once: a second one would end it at once
            signal.raise_signal(signal.SIGINT)
        return real(texts, kind=kind)

    monkeypatch.setattr(embedder, "embed", interrupted)
    assert main(["eval", "run", str(folder)]) == CANCELLED
    assert "goes on from there" in capsys.readouterr().err
    done = len(embedder.embedded)
    assert 0 < done < 9
    monkeypatch.setattr(embedder, "embed", real)
    assert main(["eval", "run", str(folder)]) == DONE
    assert len(embedder.embedded) == 9
