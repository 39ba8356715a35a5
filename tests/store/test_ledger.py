"""The record of what leaves this machine: written before, added up quickly, and every change of it seen."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.errors import StoreError
from brain.store.ledger import Ledger, Spent
from brain.types import Usage

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BODY = "ab" * 32
USED = Usage(1200, 200, 80, 30)


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Clock:
    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now


def ledger(home, now=NOON):
    return Ledger(home / "egress.jsonl", clock=Clock(now))


def begin(made, *, host="api.deepseek.com", files=("/n/a.md",), size=500, usd=0.01):
    return made.begin(
        host=host,
        model="deepseek-flash",
        files=[Path(name) for name in files],
        characters=480,
        bytes=size,
        tokens=150,
        estimate_usd=usd,
        sha256=BODY,
    )


def call(made, *, usd=0.004, **more):
    number = begin(made, **more)
    made.finish(number, usage=USED, cost_usd=usd, outcome="answered")
    return number


def lines(home):
    return (home / "egress.jsonl").read_bytes().splitlines(keepends=True)


def filled(home, calls=4):
    made = ledger(home)
    for _ in range(calls):
        call(made)
    return made


def test_a_call_is_on_disk_before_it_is_made_and_complete_after(tmp_path):
    made = ledger(tmp_path)
    number = begin(made, files=("/n/a.md", "/n/中文.md"))
    (entry,) = ledger(tmp_path).entries()
    assert (entry.number, entry.outcome, entry.usage, entry.usd) == (number, "", None, 0.01)
    assert entry.files == (Path("/n/a.md"), Path("/n/中文.md"))
    assert (entry.host, entry.model, entry.characters, entry.bytes, entry.tokens, entry.sha256) == (
        "api.deepseek.com",
        "deepseek-flash",
        480,
        500,
        150,
        BODY,
    )
    made.finish(number, usage=USED, cost_usd=0.004, outcome="stopped")
    (entry,) = made.entries()
    assert entry.outcome == "stopped" and entry.cost_usd == entry.usd == 0.004 and entry.time == NOON
    assert entry.usage == Usage(1200, 200, 80, 30, 0.004)
    assert made.verify() == ()


def test_it_is_synced_before_begin_returns(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_size), real(handle)))
    begin(ledger(tmp_path))
    assert (tmp_path / "egress.jsonl").stat().st_size in synced


def test_where_it_cannot_be_written_begin_says_so(tmp_path):
    (tmp_path / "egress.jsonl").mkdir()
    with pytest.raises(StoreError) as raised:
        begin(ledger(tmp_path))
    assert "cannot be written" in raised.value.reason and raised.value.hint


@pytest.mark.parametrize("name", ["egress.jsonl", "egress.head"])
def test_a_link_is_not_written_through(tmp_path, name):
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        begin(ledger(tmp_path))
    assert (tmp_path / "elsewhere").read_text() == ""


def test_a_pipe_in_its_place_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "egress.jsonl")
    with pytest.raises(StoreError, match="is no file"):
        begin(ledger(tmp_path))


def test_a_write_that_fails_half_way_is_taken_back(tmp_path, monkeypatch):
    made = filled(tmp_path)
    before = lines(tmp_path)
    real = os.write
    calls = []

    def fails(handle, data):
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(handle, bytes(data)[:20])

    monkeypatch.setattr(os, "write", fails)
    with pytest.raises(StoreError, match="No space left"):
        begin(made)
    monkeypatch.undo()
    assert lines(tmp_path) == before
    call(made)
    assert made.verify() == ()


def test_only_this_user_can_read_it(tmp_path):
    old = os.umask(0o022)
    try:
        call(ledger(tmp_path / "home"))
        (tmp_path / "home" / "egress.jsonl").chmod(0o644)
        call(ledger(tmp_path / "home"))
    finally:
        os.umask(old)
    for path in [tmp_path / "home", *(tmp_path / "home").iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_file_name_that_is_no_text_comes_back_as_it_was(tmp_path):
    odd = os.fsdecode(b"/n/\xff\x1b[31m\n\xe2\x80\xae.md")
    made = ledger(tmp_path)
    begin(made, files=(odd,))
    (raw,) = lines(tmp_path)
    assert raw.isascii() and b"\x1b" not in raw
    assert next(made.entries()).files == (Path(odd),)


def test_no_password_of_an_address_is_written(tmp_path):
    begin(ledger(tmp_path), host="me:sk-canary@api.example.com")
    assert b"canary" not in b"".join(lines(tmp_path))


def test_a_cost_that_is_no_amount_leaves_the_estimate(tmp_path):
    made = ledger(tmp_path)
    for usd in (float("nan"), float("inf"), -1.0):
        made.finish(begin(made), usage=USED, cost_usd=usd, outcome="broken")
    assert made.spent(now=NOON).usd_today == pytest.approx(0.03)
    assert [entry.cost_usd for entry in made.entries()] == [None] * 3


# What was spent


def test_sums_are_of_the_local_day_and_month(tmp_path):
    for day, usd in (
        (datetime(2026, 10, 31, 23, 59), 9),
        (datetime(2026, 11, 1), 1),
        (NOON - timedelta(days=1), 2),
        (NOON, 4),
    ):
        call(ledger(tmp_path, day.replace(tzinfo=UTC)), usd=usd, size=usd * 100)
    assert ledger(tmp_path).spent(now=NOON) == Spent(400, 4, 7)
    assert ledger(tmp_path).spent(now=NOON + timedelta(days=1)) == Spent(0, 0, 7)
    assert ledger(tmp_path).spent(now=NOON + timedelta(days=30)) == Spent(0, 0, 0)


def test_the_day_is_that_of_the_place_not_of_utc(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    call(ledger(tmp_path, datetime(2026, 11, 22, 16, 0, tzinfo=UTC)))  # one in the morning of the 23rd
    made = ledger(tmp_path)
    assert made.spent(now=datetime(2026, 11, 23, 10, 0)).bytes_today == 500
    assert made.spent(now=datetime(2026, 11, 23, 1, 0, tzinfo=UTC)).bytes_today == 500
    assert made.spent(now=datetime(2026, 11, 23, 16, 0, tzinfo=UTC)).bytes_today == 0


def test_nothing_sent_is_nothing_spent(tmp_path):
    assert ledger(tmp_path).spent(now=NOON) == Spent()
    assert not list(tmp_path.iterdir()), "and looking creates nothing"


def test_what_never_ended_counts_with_its_estimate(tmp_path):
    made = ledger(tmp_path)
    begin(made, usd=0.5)
    assert made.spent(now=NOON) == Spent(500, 0.5, 0.5)


def test_what_never_left_after_all_is_not_counted(tmp_path):
    made = ledger(tmp_path)
    made.finish(begin(made), usage=Usage(), cost_usd=0.0, outcome="refused", bytes_sent=0)
    assert made.spent(now=NOON) == Spent(0, 0, 0)
    assert next(made.entries()).bytes == 0


def test_a_call_over_midnight_counts_for_the_day_it_began(tmp_path):
    clock = Clock(NOON.replace(hour=23, minute=59))
    made = Ledger(tmp_path / "egress.jsonl", clock=clock)
    number = begin(made)
    clock.now += timedelta(minutes=2)
    made.finish(number, usage=USED, cost_usd=0.25, outcome="answered")
    assert made.spent(now=NOON).usd_today == 0.25
    assert made.spent(now=clock.now).usd_today == 0


def test_sums_follow_what_another_process_adds(tmp_path):
    mine, other = ledger(tmp_path), ledger(tmp_path)
    call(mine)
    assert mine.spent(now=NOON).bytes_today == 500
    number = begin(other)
    assert mine.spent(now=NOON).bytes_today == 1000
    other.finish(number, usage=USED, cost_usd=0.2, outcome="answered")
    assert mine.spent(now=NOON).usd_today == pytest.approx(0.204)
    (tmp_path / "egress.jsonl").write_bytes(b"".join(lines(tmp_path)[:2]))
    assert mine.spent(now=NOON).bytes_today == 500, "and what somebody cuts off"


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts bytes read, which only Linux tells")
def test_earlier_months_are_not_read_for_the_sums_and_nothing_is_read_twice(tmp_path):
    old = json.dumps(
        {"line": 1, "before": "", "time": "2026-03-05T10:00:00+00:00", "what": "sent", "files": ["/n/x.md"] * 40}
    )
    (tmp_path / "egress.jsonl").write_text((old + "\n") * 20_000, encoding="utf-8")
    made = ledger(tmp_path)
    for _ in range(50):
        call(made)

    def read():
        return int(Path("/proc/self/io").read_text().split()[1])

    before = read()
    assert made.spent(now=NOON).bytes_today == 25_000
    first, before = read() - before, read()
    assert made.spent(now=NOON).bytes_today == 25_000
    assert (tmp_path / "egress.jsonl").stat().st_size > 10_000_000
    assert first < 300_000 and read() - before < 10_000


def test_the_last_calls_and_the_amounts_of_all(tmp_path):
    made = filled(tmp_path, calls=5)
    numbers = [entry.number for entry in made.entries()]
    assert [entry.number for entry in made.entries(2)] == numbers[-2:]
    assert all(entry.outcome == "answered" for entry in made.entries(2))
    begin(made, usd=0.5)
    assert made.amounts() == (*[("2026-11-23", 500, 0.004)] * 5, ("2026-11-23", 500, 0.5))
    assert ledger(tmp_path / "none").amounts() == ()


# What a crash leaves


def test_a_line_torn_at_any_byte_is_kept_and_marked_and_the_chain_goes_on(tmp_path):
    made = filled(tmp_path, calls=1)
    head = (tmp_path / "egress.head").read_bytes()
    begin(made)
    whole = b"".join(lines(tmp_path))
    start = len(b"".join(lines(tmp_path)[:2]))
    for cut in range(start, len(whole), 7):
        (tmp_path / "egress.jsonl").write_bytes(whole[:cut])
        (tmp_path / "egress.head").write_bytes(head)
        again = ledger(tmp_path)
        assert again.verify() == ()
        number = call(again, size=7)
        assert again.verify() == (), cut
        assert b"".join(lines(tmp_path)).startswith(whole[:cut])
        assert [entry.number for entry in again.entries() if entry.bytes == 7] == [number]
        assert again.spent(now=NOON).bytes_today >= 507
        call(again)
        assert again.verify() == (), cut


def test_a_line_that_lacks_only_its_end_is_a_line(tmp_path):
    made = filled(tmp_path)
    (tmp_path / "egress.jsonl").write_bytes(b"".join(lines(tmp_path))[:-1])
    call(made)
    assert made.verify() == ()
    assert len(list(made.entries())) == 5
    assert not [line for line in lines(tmp_path) if b'"torn"' in line]


def test_a_crash_before_the_head_was_written_is_no_fault(tmp_path):
    made = filled(tmp_path)
    head = (tmp_path / "egress.head").read_bytes()
    begin(made)
    (tmp_path / "egress.head").write_bytes(head)
    assert made.verify() == ()
    call(made)
    assert made.verify() == ()


WRITER = """
import sys
from pathlib import Path
from brain.store.ledger import Ledger
from brain.types import Usage
made = Ledger(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    number = made.begin(host=sys.argv[2], model="m", files=[Path("/n/%d.md" % n) for n in range(60)],
                        characters=1, bytes=10, tokens=1, estimate_usd=0.0, sha256="")
    made.finish(number, usage=Usage(), cost_usd=0.0, outcome="answered")
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "egress.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"host{n}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    made = Ledger(path)
    entries = list(made.entries())
    assert made.verify() == ()
    assert {host: sum(e.host == host for e in entries) for host in ("host0", "host1", "host2")} == {
        "host0": 25,
        "host1": 25,
        "host2": 25,
    }
    assert all(entry.outcome == "answered" for entry in entries)


# What hands do


def edited(old):
    return [*old[:4], old[4].replace(b'"bytes": 500', b'"bytes": 5'), *old[5:]]


def edited_last(old):
    return [*old[:-1], old[-1].replace(b'"answered"', b'"refused"')]


def swapped(old):
    return [*old[:2], old[4], old[3], old[2], *old[5:]]


def garbled(old):
    return [*old[:4], b"\x00\xff{\n", *old[5:]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited, "Line 5 was edited"),
        (edited_last, "Line 8 was edited"),
        (lambda old: [*old[:2], *old[3:]], "Line 3 is missing"),
        (lambda old: [*old[:2], *old[5:]], "Lines 3 to 5 are missing"),
        (lambda old: old[2:], "Lines 1 to 2 are missing"),
        (lambda old: old[:-1], "Line 8 is missing: the end was cut off."),
        (lambda old: old[:3], "Lines 4 to 8 are missing: the end was cut off."),
        (lambda old: [], "Lines 1 to 8 are missing: the end was cut off."),
        (lambda old: [*old[:-1], old[-1][:30]], "Line 8 cannot be read"),
        (swapped, "out of order: line 5 stands at place 3"),
        (lambda old: [*old, old[2]], "Line 3 stands out of order, or twice"),
        (garbled, "Line 5 cannot be read"),
        (lambda old: [*old[:4], b"[]\n", *old[5:]], "Line 5 cannot be read"),
        (lambda old: [*old[:4], b'{"line": "5"}\n', *old[5:]], "Line 5 cannot be read"),
    ],
)
def test_each_change_is_named_and_later_calls_do_not_hide_it(tmp_path, change, said):
    made = filled(tmp_path)
    (tmp_path / "egress.jsonl").write_bytes(b"".join(change(lines(tmp_path))))
    (told,) = made.verify()
    assert said in told
    for _ in range(2):
        call(made)
        (told,) = made.verify()
        assert said.split(":")[0].removesuffix(".") in told, "still"
    list(made.entries())
    made.spent(now=NOON)


def test_a_removed_ledger_shows_and_its_end_is_remembered(tmp_path):
    made = filled(tmp_path)
    (tmp_path / "egress.jsonl").unlink()
    assert made.verify() == ("Lines 1 to 8 are missing: the end was cut off.",)
    call(made)
    assert "Lines 1 to 8 are missing" in made.verify()[0]


def test_a_lost_head_is_said_and_made_again_by_the_next_call(tmp_path):
    made = filled(tmp_path)
    (tmp_path / "egress.head").unlink()
    assert "egress.head is missing" in made.verify()[0]
    call(made)
    assert made.verify() == ()


@pytest.mark.parametrize(
    "line",
    [
        '{"what": "sent"}',
        '{"what": "sent", "line": 1, "time": "2026-11-23", "bytes": Infinity, "estimate_usd": 1}',
        '{"what": "sent", "line": [1], "time": 5, "files": 3}',
        '{"what": "ended", "of": 1e999, "outcome": ""}',
        '{"what": "ended", "of": 1, "bytes": NaN, "cost_usd": NaN}',
        "[" * 5000,
        "",
    ],
    ids=["nothing", "endless", "kinds", "far", "no-number", "deep", "empty"],
)
def test_a_line_that_makes_no_sense_stops_nothing(tmp_path, line):
    filled(tmp_path, calls=2)
    with (tmp_path / "egress.jsonl").open("a") as file:
        file.write(line + "\n")
    made = ledger(tmp_path)
    assert made.spent(now=NOON).bytes_today == 1000
    assert len(list(made.entries())) == 2
    assert made.verify() != ()
    call(made)
    assert made.spent(now=NOON).bytes_today == 1500
