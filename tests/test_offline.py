"""With --offline no socket of any of our processes reaches beyond this machine. Each check runs in a process of its own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from brain.cli import main
from brain.errors import ModelError
from brain.models.catalogue import File, Hub, Model, Package
from brain.models.fetching import fetch
from brain.offline import is_here, is_offline
from brain.store.catalog import Catalog
from brain.store.vectors import ChromaVectors
from tests.tracing import attempts, traced, why_no_strace

TRY = """
import json, socket, sys
from brain.offline import NetworkRefused, go_offline
go_offline()

def tried(act):
    try:
        act()
    except NetworkRefused as refused:
        return "refused: " + str(refused)
    except OSError as error:
        return "passed: " + type(error).__name__
    return "passed"

def tcp(host, family=socket.AF_INET):
    with socket.socket(family) as one:
        one.settimeout(1)
        one.connect((host, 9))

def again(host):
    with socket.socket() as one:
        one.settimeout(1)
        if one.connect_ex((host, 9)):
            raise ConnectionError

def sent(host, family=socket.AF_INET, way="sendto"):
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (host, 9)) if way == "sendto" else one.sendmsg([b"x"], [], 0, (host, 9))

def bound(host):
    with socket.socket() as one:
        one.bind((host, 0))

def unix():
    first, second = socket.socketpair()
    first.sendall(b"x")
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("/nowhere")

def client():
    import httpx
    httpx.get("https://api.deepseek.com/models", timeout=1)

print(json.dumps({name: tried(act) for name, act in ACTS.items()}))
"""

REFUSED = {
    "an address": "lambda: tcp('192.0.2.1')",
    "an address, without raising": "lambda: again('192.0.2.1')",
    "a name": "lambda: tcp('api.deepseek.com')",
    "an address of IPv6": "lambda: tcp('2001:db8::1', socket.AF_INET6)",
    "one that looks like loopback": "lambda: tcp('127.0.0.1.example.com')",
    "one written short": "lambda: tcp('127.1')",
    "this network": "lambda: tcp('0.0.0.0')",
    "the network around": "lambda: tcp('192.168.0.1')",
    "a mapped address": "lambda: tcp('::ffff:192.0.2.1', socket.AF_INET6)",
    "a link's address": "lambda: tcp('fe80::1%lo', socket.AF_INET6)",
    "a datagram": "lambda: sent('192.0.2.1')",
    "a datagram of IPv6": "lambda: sent('2001:db8::1', socket.AF_INET6)",
    "a datagram to a name": "lambda: sent('huggingface.co')",
    "a message to a name": "lambda: sent('huggingface.co', way='sendmsg')",
    "a name, without raising": "lambda: again('huggingface.co')",
    "listening at a name": "lambda: bound('huggingface.co')",
    "a message": "lambda: sent('192.0.2.1', way='sendmsg')",
    "a look-up": "lambda: socket.getaddrinfo('api.deepseek.com', 443)",
    "a look-up in bytes": "lambda: socket.getaddrinfo(b'api.deepseek.com', 443)",
    "an old look-up": "lambda: socket.gethostbyname('huggingface.co')",
    "an older look-up": "lambda: socket.gethostbyname_ex('huggingface.co')",
    "a look-up backwards": "lambda: socket.gethostbyaddr('192.0.2.1')",
    "a look-up backwards, newer": "lambda: socket.getnameinfo(('192.0.2.1', 80), 0)",
    "a connection": "lambda: socket.create_connection(('192.0.2.1', 80), 1)",
    "listening to everyone": "lambda: bound('')",
    "listening to everyone, in numbers": "lambda: bound('0.0.0.0')",
}
PASSED = {
    "loopback": "lambda: tcp('127.0.0.1')",
    "more of loopback": "lambda: tcp('127.8.9.10')",
    "loopback, without raising": "lambda: again('127.0.0.1')",
    "localhost": "lambda: tcp('localhost')",
    "loopback of IPv6": "lambda: tcp('::1', socket.AF_INET6)",
    "mapped loopback": "lambda: tcp('::ffff:127.0.0.1', socket.AF_INET6)",
    "a datagram to ourselves": "lambda: sent('127.0.0.1')",
    "a message to ourselves": "lambda: sent('127.0.0.1', way='sendmsg')",
    "our own name": "lambda: socket.getaddrinfo('localhost', 80)",
    "no name": "lambda: socket.getaddrinfo(None, 80)",
    "listening to ourselves": "lambda: bound('127.0.0.1')",
    "a Unix socket": "unix",
}


ROOT = str(Path(__file__).parent.parent)


def run(code, before=(), **environment):
    return subprocess.run(
        [*before, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT, **environment},
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def outcomes():
    acts = ", ".join(f"{name!r}: {act}" for name, act in {**REFUSED, **PASSED}.items())
    done = run(TRY.replace("ACTS", "{" + acts + "}"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("what", REFUSED)
def test_beyond_this_machine_is_refused(outcomes, what):
    assert outcomes[what] == "refused: [Errno 13] Brain is offline, so only this machine is contacted"


@pytest.mark.parametrize("what", PASSED)
def test_this_machine_can_be_reached(outcomes, what):
    assert outcomes[what].startswith("passed")


def traced_attempts(tmp_path, acts):
    if why := why_no_strace():
        pytest.skip(why)
    code = TRY.replace("ACTS", "{" + ", ".join(f"{name!r}: {act}" for name, act in acts.items()) + "}")
    written = tmp_path / "trace"
    done = run(code, before=traced(written))
    assert done.returncode == 0, done.stderr
    return attempts(written)


def test_what_is_refused_never_comes_to_the_system_not_even_as_a_look_up(tmp_path):
    assert traced_attempts(tmp_path, REFUSED) == []


def test_what_passes_is_seen_by_the_same_trace(tmp_path):
    seen = traced_attempts(tmp_path, PASSED)
    for call in ("connect(", "sendto(", "sendmsg(", "bind("):
        assert any(call in line and "127.0.0.1" in line for line in seen), call
    assert any("::1" in line for line in seen)


def test_a_library_tells_the_reason():
    done = run(TRY.replace("ACTS", "{}") + "\nclient()")
    assert done.returncode
    assert "httpx.ConnectError: [Errno 13] Brain is offline, so only this machine is contacted" in done.stderr


def test_what_a_library_makes_of_it_can_be_told_from_a_server_that_is_down():
    code = (
        TRY.replace("ACTS", "{}")
        + """
import httpx
from brain.offline import is_refused
for address in ("https://api.deepseek.com/models", "http://127.0.0.1:9/models"):
    try:
        httpx.get(address, timeout=5)
    except httpx.ConnectError as error:
        print(is_refused(error))
print(is_refused(None), is_refused(OSError()))
"""
    )
    assert run(code).stdout.splitlines()[1:] == ["True", "False", "False False"]


# What may open a connection of its own, for Unix sockets or beyond. What is added here is said in the README's part on privacy.
MAY_CONNECT = (
    "brain.line",
    "brain.serve",
    "brain.offline",
    "brain.models.hub",
    "brain.models.download",
    "brain.models.endpoint",
    "brain.models.wires",
    "brain.store.chroma_server",
)
NETWORK = {
    "aiohttp",
    "ftplib",
    "http",
    "httpx",
    "huggingface_hub",
    "requests",
    "smtplib",
    "socket",
    "urllib3",
    "webbrowser",
}
NETWORK |= {"urllib.request", "xmlrpc", "socketserver"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_these_modules_know_how_to_reach_anything():
    found = []
    for package in ("brain", "tui"):
        for path in sorted((Path(ROOT) / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            reached = {name for name in imported(path) if name in NETWORK or name.partition(".")[0] in NETWORK}
            if reached and not module.startswith(MAY_CONNECT):
                found.append(f"{module} imports {', '.join(sorted(reached))}")
    assert not found


def test_it_cannot_be_got_around_from_another_thread_or_a_loop():
    code = """
import asyncio, threading
from brain.offline import NetworkRefused, go_offline
go_offline()
async def out():
    await asyncio.open_connection("192.0.2.1", 80)
def attempt():
    try:
        asyncio.run(out())
    except NetworkRefused:
        print("refused")
one = threading.Thread(target=attempt)
one.start()
one.join()
"""
    done = run(code)
    assert done.stdout == "refused\n", done.stderr


@pytest.mark.parametrize(("host", "here"), [("localhost", True), (None, True), ("", True), (b"::1", True), ("127.0.0.1", True),
    ("10.0.0.1", False), ("localhost.example.com", False), ("2130706433", False), ("0x7f.1", False), (b"\xff", False)])  # fmt: skip
def test_what_counts_as_here(host, here):
    assert is_here(host) is here


TINY = Model(
    name="tiny",
    role="chat",
    licence="",
    files=(File("t.gguf", 5, ""),),
    sources=(Hub("someone/tiny", ("t.gguf",)), Package("tiny==1", 5, ("t.gguf",))),
)


@pytest.mark.parametrize("source", TINY.sources, ids=["hub", "pip"])
def test_nothing_that_fetches_is_started_even_where_a_shelf_was_not_told(tmp_path, monkeypatch, source):
    monkeypatch.setenv("BRAIN_OFFLINE", "1")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(ModelError, match="Brain is offline"):
        list(fetch(TINY, source, tmp_path, threading.Event()))


def test_pulling_offline_starts_nothing(home, monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert main(["models", "pull", "starter", "--offline", "--home", str(home)]) == 3
    assert "Brain is offline" in capsys.readouterr().err


def test_the_hubs_process_refuses_by_itself(tmp_path):
    listening, held = os.pipe()  # its end would tell it that we are gone
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "brain.models.hub", "fetch", "a/b", "main", "c", str(tmp_path)],
            stdin=listening,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": ROOT, "BRAIN_OFFLINE": "1", "HF_ENDPOINT": "http://192.0.2.1:9"},
            check=False,
            timeout=60,
        )
    finally:
        os.close(listening)
        os.close(held)
    assert (done.returncode, done.stdout) == (1, "")
    assert "offline" in done.stderr.lower()


@pytest.mark.parametrize("how", ["flag", "environment", "settings"])
def test_each_way_of_asking_for_it_turns_it_on(home, monkeypatch, how):
    if how == "environment":
        monkeypatch.setenv("BRAIN_OFFLINE", "1")
    if how == "settings":
        (home / "config.toml").write_text("offline = true\n")
    assert main(["folders", "--home", str(home), *(["--offline"] if how == "flag" else [])]) == 0
    assert is_offline() and os.environ["BRAIN_OFFLINE"] == "1" and os.environ["HF_HUB_OFFLINE"] == "1"


def test_without_asking_it_is_off(home):
    assert main(["folders", "--home", str(home)]) == 0
    assert not is_offline()


CHILD = """
import socket, sys, runpy
from unittest import mock
def outside(*_):
    try:
        socket.create_connection(("192.0.2.1", 80), 1)
    except PermissionError as error:
        print("refused", file=sys.stderr)
        raise SystemExit(7)
START
"""


@pytest.mark.parametrize(
    "start",
    [
        "from brain.readers import pdf_child; pdf_child._limit = outside; pdf_child.main()",
        "import brain.models.desk as desk; desk.Desk = outside; runpy.run_module('brain.models.gguf', run_name='__main__')",
    ],
    ids=["pdf", "model"],
)
def test_processes_that_need_no_network_never_have_one(start):
    done = run(CHILD.replace("START", start))
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (7, ["refused"]), done.stderr


def test_a_file_named_env_in_the_current_folder_does_not_make_chroma_send_traces(tmp_path, monkeypatch):
    import chromadb

    written = "CHROMA_OTEL_COLLECTION_ENDPOINT=http://127.0.0.1:9\nCHROMA_OTEL_GRANULARITY=all\nALLOW_RESET=true\n"
    (tmp_path / ".env").write_text(written)
    monkeypatch.chdir(tmp_path)
    opened = []
    real = chromadb.PersistentClient
    monkeypatch.setattr(
        chromadb, "PersistentClient", lambda path, settings: (opened.append(settings), real(path, settings))[1]
    )
    with Catalog(tmp_path / "catalog.db") as catalog:
        ChromaVectors(tmp_path / "chroma", catalog, "m").close()
    (used,) = opened
    assert (used.anonymized_telemetry, used.chroma_otel_granularity, used.allow_reset) == (False, None, False)
    assert not used.chroma_otel_collection_endpoint
