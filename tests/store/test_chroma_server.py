"""Vectors in a Chroma server: a real one on loopback, and hostile ones written here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brain.engine import open_brain
from brain.errors import SettingsError, StoreError
from brain.parts import Parts
from brain.settings import load
from brain.store.catalog import Catalog
from brain.store.chroma_server import ServedVectors, address
from brain.store.vectors import ExactVectors
from tests.contracts.index import DIMENSIONS, VectorIndexContract, unit_vectors
from tests.fakes import HashingEmbedder
from tests.store.test_vectors import MODEL, fill
from tests.waiting import until


class Server:
    """`chroma run` on a port of its own; it can be killed, and started again with what it had or with nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port), "--path", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._listens)

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("chroma-server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    made = Server(tmp_path / "server")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def catalog(tmp_path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.db") as opened:
        yield opened


def served(url: str, catalog: Catalog, **options: Any) -> ServedVectors:
    return ServedVectors(url, catalog, "m", exact=ExactVectors, **options)


class TestServed(VectorIndexContract):
    """The contract of every vector index, kept by a real server."""

    @pytest.fixture
    def index(self, running, catalog) -> Iterator[ServedVectors]:
        fill(catalog, 80, DIMENSIONS, each=80)  # the same vectors: among few ids those of the catalog are compared
        made = ServedVectors(running.url, catalog, MODEL, exact=lambda: ExactVectors(catalog, MODEL))
        yield made
        made.drop()


def test_two_stores_and_two_models_share_a_server_and_nothing_else(running, tmp_path):
    with Catalog(tmp_path / "a.db") as one, Catalog(tmp_path / "b.db") as two:
        first, second = served(running.url, one), served(running.url, two)
        other = ServedVectors(running.url, one, "another model", exact=ExactVectors)
        first.add([1, 2], unit_vectors(2))
        assert (second.count(), other.count()) == (0, 0)
        second.drop()
        assert first.count() == 2


@pytest.mark.parametrize("url", ["http://192.0.2.1:8000", "https://chroma.example.org", "http://127.0.0.1.example.org"])
def test_no_vector_goes_to_another_machine(url):
    with pytest.raises(SettingsError, match="another machine"):
        address(url)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://", "http://me:secret@127.0.0.1:1", "http://127.0.0.1:x", "http://[::1"]
)
def test_what_is_no_address_is_said(url):
    with pytest.raises(SettingsError, match="no address"):
        address(url)


def test_an_address_may_leave_out_what_is_usual():
    assert address("localhost") == ("localhost", 8000, False)
    assert address("http://[::1]:9000") == ("::1", 9000, False)


def test_a_wrong_address_in_the_settings_is_said_at_the_start(home):
    (home / "config.toml").write_text('[store]\nchroma = "https://chroma.example.org"\n')
    with pytest.raises(SettingsError, match="another machine"), open_brain(load(), own=True):
        pass


# The whole house, with a real server.


@pytest.fixture
def embedder(monkeypatch) -> HashingEmbedder:
    made = HashingEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: made)
    monkeypatch.setattr("brain.store.chroma_server.AGAIN", 0.0)
    return made


@pytest.fixture
def notes(tmp_path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in ("board", "pump", "roof", "bread"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nWhat is known of the {name} stands here.")
    return folder


@pytest.fixture
def brain(home, notes, server, embedder) -> Iterator[Any]:
    (home / "config.toml").write_text(f'[store]\nchroma = "{server.url}"\n')
    with open_brain(load(), own=True) as opened:
        opened.add(notes)
        sync(opened)
        yield opened


def sync(brain: Any) -> None:
    list(brain.sync(cancel=threading.Event()))


def held(brain: Any) -> int:
    count: int = brain._parts.chroma("").count()
    return count


def troubles(brain: Any) -> list[str]:
    return [part.why for part in brain.status().degraded if part.part == "vectors"]


def test_the_server_holds_what_the_catalog_holds_and_answers(brain, notes, home):
    assert held(brain) == 4 and brain._parts.chroma_is_current
    assert brain.search("bread").evidence[0].chunk.path.name == "bread.md"
    (notes / "roof.md").unlink()
    sync(brain)
    assert held(brain) == 3
    assert not (home / "chroma").exists() and troubles(brain) == []


def test_while_the_server_is_away_nothing_is_missing_and_then_it_catches_up(brain, notes, server):
    server.kill()
    found = brain.search("bread")
    assert found.evidence[0].chunk.path.name == "bread.md" and found.evidence[0].scores.vectors is not None
    (notes / "well.md").write_text("The well is nine metres deep.")
    sync(brain)
    assert brain.search("well metres").evidence[0].chunk.path.name == "well.md"
    (trouble,) = troubles(brain)
    assert str(server.port) in trouble and brain.status().embed is not None
    server.start()
    sync(brain)
    assert held(brain) == 5 and troubles(brain) == []


def test_a_server_that_was_emptied_is_given_everything_again(brain, server, tmp_path):
    server.kill()
    server.folder = tmp_path / "another"
    server.start()
    assert brain.search("bread").evidence[0].chunk.path.name == "bread.md"
    sync(brain)
    assert held(brain) == 4 and brain._parts.chroma_is_current


def test_from_folder_to_server_and_back_nothing_old_is_believed(home, notes, server, embedder):
    for url in ("", server.url, ""):
        (home / "config.toml").write_text(f'[store]\nchroma = "{url}"\n')
        with open_brain(load(), own=True) as brain:
            if not brain.status().folders:
                brain.add(notes)
            (notes / "board.md").write_text(f"The board is {url or 'here'}.")
            sync(brain)
            assert held(brain) == 4
            found = brain._parts.vectors().search(embedder.embed([f"board {url}"], kind="query")[0], 10)
            assert {hit.chunk_id for hit in found} == set(brain._parts.catalog.vector_ids(embedder.name).tolist())


# Servers that mean harm, or are only broken.


@contextmanager
def hostile(answer: Callable[[str, str], tuple[int, bytes] | None]) -> Iterator[str]:
    """A server that answers (method, path) with a status and a body, or, None, not at all until it ends."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            given = answer(self.command, self.path)
            if given is None:
                over.wait(30)
                return
            self.send_response(given[0])
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(given[1])))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(given[1])

        do_GET = do_POST = do_DELETE = do

        def log_message(self, format: str, *args: object) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
    finally:
        over.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def scripted(collection: dict[str, Any] | None = None, query: dict[str, Any] | None = None, *, count: int = 0):
    """A server that plays Chroma: this collection, this answer to every query."""
    made = {
        "id": "5f9c1f7e-0f6e-4c2e-9b7a-2f4b8a8d2c11", "name": "brain-x", "metadata": None, "dimension": 16, "version": 0,
        "tenant": "default_tenant", "database": "default_database", "log_position": 0, "schema": None,
        "configuration_json": {"hnsw": {"space": "cosine"}, "spann": None, "embedding_function": {"type": "legacy"}},
    } | (collection or {})  # fmt: skip

    def answer(method: str, path: str) -> tuple[int, bytes]:
        body: Any = {"nanosecond heartbeat": 1}
        if path.endswith("/auth/identity"):
            body = {"user_id": "", "tenant": "default_tenant", "databases": ["default_database"]}
        elif "/query" in path:
            body = query
        elif "/count" in path:
            body = count
        elif path.endswith("/pre-flight-checks"):
            body = {"max_batch_size": 1000, "supports_base64_encoding": False}
        elif "/collections" in path:
            body = made
        elif "/tenants/" in path:
            body = {"id": "1", "name": "default_tenant", "tenant": "default_tenant"}
        return 200, json.dumps(body).encode()

    return answer


def test_an_embedding_function_that_a_server_names_is_never_made(catalog, monkeypatch):
    from chromadb.utils import embedding_functions

    made: list[str] = []
    for name, kind in list(embedding_functions.known_embedding_functions.items()):
        monkeypatch.setattr(kind, "__init__", lambda self, *a, name=name, **k: made.append(name))
        monkeypatch.setattr(kind, "build_from_config", staticmethod(lambda config, name=name: made.append(name)))
    function = {"type": "known", "name": "default", "config": {"model_name": "/etc/passwd"}}
    with hostile(
        scripted({"configuration_json": {"hnsw": {"space": "cosine"}, "embedding_function": function}})
    ) as url:
        index = served(url, catalog)
        with pytest.raises(StoreError, match="embedding function"):
            index.add([1], unit_vectors(1))
        assert index.search(unit_vectors(1)[0], 3) == []
    assert made == []


@pytest.mark.parametrize(
    "query",
    [
        {"ids": [[str(number) for number in range(5000)]], "distances": [[0.0] * 5000]},
        {"ids": [["../../etc/passwd"]], "distances": [[0.1]]},
        {"ids": [["1", "2"]], "distances": [[0.1]]},
        {"ids": [["1"]], "distances": [[float("nan")]]},
        {"ids": [], "distances": []},
        {"ids": [[None]], "distances": [[None]]},
    ],
    ids=["too many", "a path", "uneven", "no number", "nothing", "null"],
)
def test_odd_answers_are_not_believed(catalog, query):
    given = {"embeddings": None, "documents": None, "uris": None, "metadatas": None, "include": ["distances"]} | query
    exact = ExactVectors()
    exact.add([7], unit_vectors(1))
    with hostile(scripted(query=given)) as url:
        index = ServedVectors(url, catalog, "m", exact=lambda: exact)
        assert [hit.chunk_id for hit in index.search(unit_vectors(1)[0], 3)] == [7]
        assert index.trouble


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_page_in_place_of_an_answer_is_one_sentence(catalog, status):
    with hostile(lambda method, path: (status, b"<html>\x1b[31m" + b"x" * 100_000)) as url:
        index = served(url, catalog)
        with pytest.raises(StoreError) as caught:
            index.add([1], unit_vectors(1))
    assert len(caught.value.reason) < 400 and "\x1b" not in caught.value.reason and "exact" in caught.value.hint


def test_a_server_that_never_answers_holds_nobody_up_twice(catalog, monkeypatch):
    monkeypatch.setattr("brain.store.chroma_server.SECONDS", 0.2)
    asked: list[str] = []
    now = [0.0]
    with hostile(lambda method, path: asked.append(path)) as url:
        index = served(url, catalog, clock=lambda: now[0])
        for _ in range(5):
            assert index.search(unit_vectors(1)[0], 3) == []
        assert len(asked) == 1
        waits = []
        for _ in range(9):
            before = len(asked)
            while len(asked) == before:
                now[0] += 0.5
                index.search(unit_vectors(1)[0], 3)
            waits.append(now[0])
    gaps = np.diff([0.0, *waits])
    assert gaps[0] <= 1.0 and list(gaps) == sorted(gaps) and gaps[-1] == 60.0


def test_no_proxy_hears_of_it(catalog, monkeypatch):
    heard: list[str] = []
    with hostile(lambda method, path: heard.append(path) or (200, b"{}")) as proxy, hostile(scripted()) as url:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        index = served(url, catalog)
        assert index.count() == 0
        index.add([1], unit_vectors(1))
    assert heard == []
