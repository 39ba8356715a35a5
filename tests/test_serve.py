"""What an owner of the store answers to other processes, and what it refuses them: the raw line, without RemoteBrain.

Its many lines are one thing a client may send each.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from brain import __version__
from brain.cli import DONE, FAILED, main
from brain.engine import open_brain
from brain.errors import BrainError, OwnerEnded, StoreBusy
from brain.events import StatusChanged
from brain.line import REQUEST_BYTES, answer_greeting, connect, hear_greeting, hush, listen
from brain.parts import Parts
from brain.remote import attach
from brain.serve import MOST_CLIENTS, Server
from brain.settings import load
from brain.store.catalog import Catalog
from brain.store.claim import look_at_store
from tests.contracts.brain import index
from tests.fakes import HashingEmbedder
from tests.waiting import once

ROOT = Path(__file__).parents[1]
WAIT = 20.0


@pytest.fixture
def owner(home, tmp_path, monkeypatch):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "board.md").write_text("# Board\n\nThe board agreed on 40 000 € for the garden.")
    with open_brain(load(), own=True) as brain:
        index(brain, notes)
        yield brain


@pytest.fixture
def door(owner, home):
    return look_at_store(home).door


@pytest.fixture
def line(door):
    line = connect(door.address)
    answer_greeting(line, door.key, hear_greeting(line))
    yield line
    line.close()


def answered(line, **request) -> dict:
    line.send({"id": 1, **request})
    body = line.receive(WAIT)
    assert body is not None
    return body


def is_serving(door) -> bool:
    brain = attach(door.address, door.key)
    try:
        return brain.status().chunks == 1
    finally:
        brain.close()


def hung_up_on(line) -> bool:
    with suppress(EOFError):
        return line.receive(WAIT) is not None and False
    return True


def test_everything_is_for_this_user_alone(open_umask, home, owner, door):
    key = json.loads((home / "lock").read_text())["key"]
    assert len(bytes.fromhex(key)) == 32
    for path in (home / "lock", door.address):
        assert path.stat().st_mode & 0o077 == 0
    assert stat.S_ISSOCK(door.address.stat().st_mode)
    assert door.address.parent.stat().st_mode & 0o077 == 0
    loose = [path for path in home.rglob("*") if path.stat().st_mode & 0o077]
    assert loose == []


def test_a_lock_file_left_open_to_others_is_closed_before_the_key_is_in_it(open_umask, home):
    (home / "lock").touch(mode=0o644)
    (home / "lock").chmod(0o644)
    with open_brain(load(), own=True):
        assert (home / "lock").stat().st_mode & 0o777 == 0o600


def test_each_owner_has_a_key_of_its_own_and_takes_it_along(home):
    keys = []
    for _ in range(2):
        with open_brain(load(), own=True):
            door = look_at_store(home).door
            keys.append(door.key)
        assert (home / "lock").read_bytes() == b""
        assert not door.address.exists()
    assert keys[0] != keys[1]


def test_a_home_too_deep_for_a_socket_has_one_elsewhere_that_is_as_private(tmp_path, monkeypatch):
    deep = tmp_path / ("deep " * 20) / "home"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    for _ in range(2):
        with open_brain(load(deep), own=True):
            door = look_at_store(deep).door
            assert not door.address.is_relative_to(deep)
            assert door.address.parent.stat().st_mode & 0o777 == 0o700
            assert attach_and_ask(door) == deep
        assert not door.address.parent.exists()


def attach_and_ask(door) -> Path:
    brain = attach(door.address, door.key)
    try:
        return brain.status().home
    finally:
        brain.close()


def test_a_folder_that_others_can_enter_holds_no_socket(tmp_path, monkeypatch):
    runtime, spare = tmp_path / "r", tmp_path / "s"
    runtime.mkdir()
    spare.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    deep = tmp_path / ("deep " * 20)
    listening, path = listen(deep)
    assert path.is_relative_to(runtime)
    listening.close()
    hush(path, deep)
    path.parent.mkdir(mode=0o700)
    path.parent.chmod(0o755)
    listening, elsewhere = listen(deep)
    assert elsewhere.is_relative_to(spare)
    listening.close()
    hush(elsewhere, deep)


def test_what_a_dead_owner_left_is_no_obstacle(home):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(home / "socket"))
    left.close()
    (home / "lock").write_text(
        json.dumps({"pid": 1, "command": "x", "since": "x", "address": str(home / "socket"), "key": "00"})
    )
    with open_brain(load()) as brain:
        assert brain.status().owner.pid == os.getpid()


def test_the_greeting_says_the_version_and_nothing_that_could_be_used(door):
    line = connect(door.address)
    greeting = hear_greeting(line)
    assert greeting.pop("brain") == __version__
    assert len(greeting.pop("nonce")) == 32
    assert greeting == {"offline": False}
    line.close()


def test_a_wrong_key_is_refused(door):
    with pytest.raises(OwnerEnded):
        attach(door.address, b"x" * 32)
    assert is_serving(door)


def test_an_owner_that_cannot_prove_the_key_is_not_trusted(home):
    server = Server(home, offline=False)
    server.key = b"x" * 32
    other, server.key = server.key, b"y" * 32

    class Nobody:
        pass

    with server.answering(Nobody()), pytest.raises(OwnerEnded):
        attach(server.address, other)


def test_a_process_of_another_user_is_refused_whatever_it_knows(door, monkeypatch):
    monkeypatch.setattr("brain.serve.peer_user", lambda _: os.getuid() + 1)
    with pytest.raises(OwnerEnded):
        attach(door.address, door.key)
    monkeypatch.undo()


STRANGER = """
import os, socket, sys
os.chdir(sys.argv[1])
os.seteuid(65534)
with socket.socket(socket.AF_UNIX) as stranger:
    stranger.connect("socket")
    print(stranger.recv(4096))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_real_stranger_that_gets_as_far_as_the_socket_hears_nothing(door):
    door.address.parent.chmod(0o755)
    door.address.chmod(0o777)
    said = subprocess.run(
        [sys.executable, "-c", STRANGER, str(door.address.parent)],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=True,
    )
    assert said.stdout == "b''\n"
    assert is_serving(door)


def test_a_socket_of_another_user_is_not_talked_to(door, monkeypatch):
    monkeypatch.setattr("brain.line.peer_user", lambda _: os.getuid() + 1)
    with pytest.raises(OwnerEnded):
        attach(door.address, door.key)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x05nulll",
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">I", 4000) + b"[" * 4000,
        struct.pack(">I", 2_000_000) + b"x" * 2_000_000,
        os.urandom(4096),
    ],
    ids=["nothing", "http", "empty", "no json", "huge", "deep", "too much", "noise"],
)
def test_whoever_does_not_know_the_greeting_is_dropped_and_nobody_else_notices(door, sent):
    with socket.socket(socket.AF_UNIX) as rude:
        rude.connect(str(door.address))
        with suppress(OSError):
            rude.sendall(sent)
            rude.shutdown(socket.SHUT_WR)
        rude.settimeout(WAIT)
        with suppress(ConnectionError):
            while rude.recv(4096):
                pass
    assert is_serving(door)


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">I", REQUEST_BYTES + 1),
        struct.pack(">I", 3) + b"[1]",
        struct.pack(">I", 100_000) + b"[" * 100_000,
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 17) + b'{"id":"x","do":1}',
        struct.pack(">I", 50) + b"half",
    ],
    ids=["huge", "list", "deep", "empty", "types", "half"],
)
def test_a_client_that_talks_nonsense_is_dropped_and_nobody_else_notices(door, line, sent):
    line._socket.sendall(sent)
    if sent.endswith(b"half"):
        line._socket.shutdown(socket.SHUT_WR)
    assert hung_up_on(line)
    assert is_serving(door)


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "search"},
        {"do": "search", "query": 3, "limit": 10, "scope": {"is": "Scope"}},
        {"do": "search", "query": "x", "limit": 10**9, "scope": {"is": "Scope"}},
        {"do": "search", "query": "x", "limit": 10, "scope": {"is": "Message", "role": "user", "text": "x"}},
        {"do": "ask", "question": "x", "history": "x"},
        {"do": "document"},
        {"do": "add", "path": None},
        {"do": "document", "path": "\x00"},
    ],
    ids=str,
)
def test_a_request_that_is_not_understood_is_refused_and_the_next_one_answered(line, request_):
    assert "error" in answered(line, **request_)
    assert answered(line, do="status")["value"]["chunks"] == 1


def test_a_bug_in_one_answer_is_said_and_the_next_one_comes(line, monkeypatch):
    def broken(self):
        raise ZeroDivisionError("text of a note")

    with monkeypatch.context() as patched:
        patched.setattr("brain.engine.LocalBrain.status", broken)
        body = answered(line, do="status")
    assert "bug" in body["reason"]
    assert "text of a note" not in str(body)
    assert answered(line, do="status")["value"]["chunks"] == 1


def test_several_requests_run_on_one_line_and_each_is_cancelled_by_itself(line):
    for number in (1, 2):
        begun = answered(line, do="follow", id=number, asker="me")
        assert begun == {"id": number, "event": {"is": "StatusChanged"}}
    assert answered(line, do="status", id=3)["id"] == 3
    for number in (2, 1):
        line.send({"cancel": number})
        assert line.receive(WAIT) == {"id": number, "end": True}
    line.send({"cancel": 9})
    assert answered(line, do="status")["value"]["chunks"] == 1


def test_one_client_does_not_get_endless_threads(line):
    for number in range(40):
        with suppress(OSError):
            line.send({"id": number, "do": "follow", "asker": "me"})
    with pytest.raises((EOFError, OSError)):
        while line.receive(WAIT) is not None:  # those that began still say so
            pass


def test_too_many_clients_are_refused_and_the_first_ones_stay(door, line, monkeypatch):
    monkeypatch.setattr("brain.serve.MOST_CLIENTS", 3)
    assert MOST_CLIENTS > 3
    waiting = [connect(door.address) for _ in range(2)]
    for other in waiting:
        assert hear_greeting(other)
    with pytest.raises((OwnerEnded, StoreBusy)):
        attach(door.address, door.key)
    assert answered(line, do="status")["value"]["chunks"] == 1
    for other in waiting:
        other.close()


def test_errors_come_as_they_were_raised(door):
    brain = attach(door.address, door.key)
    with pytest.raises(BrainError) as raised:
        brain.search("typ:pdf garden")
    assert type(raised.value).__name__ == "QueryError"
    assert raised.value.hint
    brain.close()


def test_closing_ends_every_thread_of_every_client(home, tmp_path, monkeypatch):
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    before = set(threading.enumerate())
    with open_brain(load(), own=True, background=True) as owner:
        door = look_at_store(home).door
        brains = [attach(door.address, door.key) for _ in range(3)]
        follow = brains[0].follow(cancel=threading.Event())
        brains[1].status()
        adding = once(lambda: owner._indexer._followers, lambda: brains[1].add(tmp_path))
        assert [next(follow), next(follow)] == [StatusChanged(), StatusChanged()]
        adding.join()
    left = {thread for thread in threading.enumerate() if thread.is_alive()} - before
    assert not [thread.name for thread in left if thread.name.startswith(("client", "socket", "indexer"))]
    with pytest.raises(OwnerEnded):
        list(follow)
    for brain in brains:
        brain.close()


CLAIMANTS = """
import sys, threading
from pathlib import Path
from brain.store.claim import claim_store
together, go_on = threading.Barrier(10), threading.Event()
def claim():
    together.wait()
    with claim_store(Path(sys.argv[1])) as claimed:
        print("ours\\n" if claimed.ours else "theirs\\n", end="", flush=True)
        go_on.wait()
print("waiting", flush=True)
sys.stdin.readline()
many = [threading.Thread(target=claim) for _ in range(10)]
for each in many: each.start()
sys.stdin.readline()
go_on.set()
for each in many: each.join()
"""


def test_of_fifty_that_claim_the_store_at_once_one_wins(home):
    processes = [
        subprocess.Popen(
            [sys.executable, "-S", "-c", CLAIMANTS, str(home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(5)
    ]
    try:
        for each in processes:
            assert each.stdout.readline() == "waiting\n"
        for each in processes:
            each.stdin.write("\n")
            each.stdin.flush()
        said = [each.stdout.readline().strip() for each in processes for _ in range(10)]
    finally:
        for each in processes:
            each.communicate("\n", timeout=WAIT)
    assert sorted(said) == ["ours", *["theirs"] * 49]


# `brain serve` as it is typed, with the fake embedder.
SERVE = """
import sys
from brain.cli import main
from brain.parts import Parts
from tests.fakes import HashingEmbedder
made = HashingEmbedder()
Parts.embedder = lambda self: made
sys.exit(main(["serve", *sys.argv[1:]]))
"""


class Serving:
    """`brain serve` in a process of its own; what it says on stderr or stdout is read line by line."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []

    def hear(self, word: str, stream: str = "stderr") -> str:
        for line in getattr(self.process, stream):
            self.said.append(line)
            if word in line:
                return line
        raise AssertionError(self.said)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=WAIT)
        return self.process.returncode


@pytest.fixture
def notes(home, tmp_path):
    folder = tmp_path / "some notes"
    folder.mkdir()
    (folder / "board.md").write_text("# Board\n\nThe board agreed on 40 000 € for the garden.")
    return folder


@pytest.fixture
def serving():
    started = []

    def start(*arguments: str) -> Serving:
        started.append(Serving(*arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serve_indexes_answers_and_ends_in_good_order(serving, home, notes, capsys, number):
    server = serving()
    server.hear("Keeping the index current")
    assert main(["add", str(notes)]) == DONE
    assert capsys.readouterr().out.startswith("1 added")
    server.hear("1 added; 1 passages embedded")
    (notes / "zebra.md").write_text("A zebra came to the garden.")
    server.hear("1 added")
    assert main(["status", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["owner"]["pid"] == server.process.pid
    assert server.end(number) == DONE
    assert not any("zebra.md" in line for line in server.said)
    catalog = Catalog(home / "catalog.db", read_only=True)
    assert json.loads(catalog.setting("chroma"))["files"]  # marked as closed in order
    catalog.close()
    assert not (home / "socket").exists()
    with open_brain(load(), own=True) as brain:
        assert brain.status().indexed == 2


def test_a_second_serve_says_who_owns_the_index_and_one_that_waits_takes_over(serving, home, notes, capsys):
    first = serving()
    first.hear("Keeping")
    assert main(["serve"]) == FAILED
    assert f"pid {first.process.pid}" in capsys.readouterr().err
    waiting = serving("--wait")
    assert f"pid {first.process.pid}" in waiting.hear("taking over")
    first.process.kill()
    waiting.hear("Keeping the index current")
    assert look_at_store(home).owner.pid == waiting.process.pid
    assert waiting.end(signal.SIGTERM) == DONE


def test_serve_says_one_event_a_line_as_json(serving, notes, capsys):
    server = serving("--json", "--home", os.environ["BRAIN_HOME"])
    until_owned(server)
    assert main(["add", str(notes)]) == DONE
    assert json.loads(server.hear("file_indexed", "stdout"))["path"] == str(notes / "board.md")
    assert server.end(signal.SIGTERM) == DONE
    assert all(json.loads(line)["event"] for line in server.said)


def until_owned(server: Serving) -> None:
    pause = threading.Event()
    for _ in range(1000):
        owner = look_at_store(Path(os.environ["BRAIN_HOME"])).owner
        if owner is not None and owner.pid == server.process.pid:
            return
        pause.wait(0.02)
    raise AssertionError("nobody owns the store")
