"""`brain ledger` as somebody types it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from brain.cli import main
from brain.engine import open_brain
from brain.local import LocalBrain
from brain.settings import load
from brain.store.ledger import Ledger
from brain.types import Usage

NOW = datetime(2026, 11, 23, 12, 0)


class Noon(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("brain.cli.egress.datetime", Noon)
    return tmp_path / "brain"


def call(home, *, ago=timedelta(), files=("/n/a.md",), usd=0.0021, ended=True, size=4120):
    made = Ledger(home / "egress.jsonl", clock=lambda: NOW - ago)
    number = made.begin(
        host="api.deepseek.com",
        model="deepseek-flash",
        files=[Path(name) for name in files],
        characters=4000,
        bytes=size,
        tokens=1100,
        estimate_usd=0.003,
        sha256="ab" * 32,
    )
    if ended:
        made.finish(number, usage=Usage(1200, 0, 80), cost_usd=usd, outcome="answered")


def run(home, *words):
    return main(["ledger", "--home", str(home), *words])


def test_nothing_left_is_said_in_plain_words(home, capsys):
    assert run(home) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "0 bytes left this machine today. $0 of $1.00 spent today, $0 spent this month.",
        "Nothing ever has: no question was sent to an endpoint.",
    ]
    assert not list(home.glob("egress*")), "looking writes nothing"


def test_calls_are_listed_with_what_they_took_and_cost(home, tmp_path, capsys):
    call(home, ago=timedelta(days=400), usd=0.5)
    call(home, files=[f"{tmp_path}/notes/{n}.md" for n in range(5)])
    call(home, files=(), ended=False)
    assert run(home) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "8,240 bytes left this machine today. $0.0051 of $1.00 spent today, $0.0051 spent this month.\n"
    )
    assert "api.deepseek.com  deepseek-flash  4,120 bytes  1,200 + 80 tokens  $0.0021  answered" in out
    assert "5 files: ~/notes/0.md, ~/notes/1.md, ~/notes/2.md and 2 more" in out
    assert "about 1,100 tokens  about $0.0030  its end was not recorded" in out
    assert [" ".join(row.split()) for row in out.splitlines()[-4:]] == [
        "2025-10-19 1 call 4,120 bytes $0.50",
        "2026-11-23 2 calls 8,240 bytes $0.0051",
        "2025-10 1 call 4,120 bytes $0.50",
        "2026-11 2 calls 8,240 bytes $0.0051",
    ]


def test_only_the_last_are_listed_and_all_are_added_up(home, capsys):
    for _ in range(5):
        call(home)
    assert run(home, "-k", "2") == 0
    out = capsys.readouterr().out
    assert out.count("answered") == 2 and "5 calls" in out


def test_json_has_what_help_promises(home, capsys):
    call(home)
    call(home, ended=False)
    assert run(home, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit):
        main(["ledger", "--help"])
    promised = capsys.readouterr().out
    for key in (*shown, *shown["entries"][0], *shown["days"][0], *shown["months"][0]):
        assert f'"{key}"' in promised, key
    assert shown["sent_today"] == 8240 and shown["spent_today"] == pytest.approx(0.0051)
    first, second = shown["entries"]
    assert (first["cost_usd"], first["outcome"], first["usage"]["prompt_tokens"]) == (0.0021, "answered", 1200)
    assert (second["cost_usd"], second["outcome"], second["usage"]) == (None, None, None)
    assert datetime.fromisoformat(first["time"]).tzinfo is not None


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "0 bytes left this machine today."),
        ({"sent_today": 1, "budget_day": 1.0}, "1 byte left this machine today. $0 of $1.00 spent today."),
        ({"sent_today": 8240, "spent_today": 0.0051}, "8,240 bytes left this machine today. $0.0051 spent today."),
    ],
)
def test_status_says_what_left(home, capsys, monkeypatch, known, said):
    real = LocalBrain.status
    plain = {"sent_today": 0, "spent_today": 0.0, "budget_day": 0.0}
    monkeypatch.setattr(LocalBrain, "status", lambda self: replace(real(self), **{**plain, **known}))
    with open_brain(load(home), own=True):
        assert main(["status", "--home", str(home)]) == 0
    assert said in capsys.readouterr().out.splitlines()


def test_verify_says_that_the_record_is_whole(home, capsys):
    call(home)
    assert run(home, "--verify") == 0
    assert capsys.readouterr().out.startswith("The record is whole: 1 call, each line follows the one before it.")
    assert run(home, "--verify", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": str(home / "egress.jsonl"),
        "holds": True,
        "faults": [],
        "calls": 1,
    }


def test_verify_fails_where_it_was_changed_and_the_list_warns(home, capsys):
    for _ in range(3):
        call(home)
    path = home / "egress.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"bytes": 4120', b'"bytes": 0', 1))
    assert run(home, "--verify") == 3
    assert "Line 1 was edited" in capsys.readouterr().out
    assert run(home, "--verify", "--json") == 3
    shown = json.loads(capsys.readouterr().out)
    assert shown["holds"] is False and "Line 1" in shown["faults"][0]
    assert run(home) == 0
    assert "not whole: Line 1 was edited" in capsys.readouterr().err


def test_doctor_names_a_record_that_is_not_whole_and_no_repair_touches_it(home, capsys):
    for _ in range(3):
        call(home)

    def found(*more):
        main(["doctor", "--json", "--home", str(home), *more])
        return [
            one["what"] for one in json.loads(capsys.readouterr().out)["found"] if "left this machine" in one["what"]
        ]

    assert found() == []
    path = home / "egress.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    changed = path.read_bytes()
    (what,) = found("--repair")
    assert "Line 6 is missing: the end was cut off." in what
    assert path.read_bytes() == changed and len(found()) == 1


def test_names_of_files_and_hosts_cannot_draw_on_the_terminal(home, capsys):
    call(home, files=(os.fsdecode(b"/n/\x1b[31mred\n\xff\xe2\x80\xae.md"),))
    assert run(home) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out and "red" in out


def test_a_ledger_that_cannot_be_read_is_an_error(home, capsys):
    (home / "egress.jsonl").mkdir(parents=True)
    assert run(home) == 3
    assert "cannot be read" in capsys.readouterr().err
