"""Pulling from the hub, a web server and this machine's disk, with everything that goes wrong on the way."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brain.errors import Cancelled, ModelError
from brain.events import Pulled, Pulling
from brain.models import fetching, offers, pulling
from brain.models.placing import SCRATCH, record_of
from brain.models.shelf import Shelf
from tests.models import tiny
from tests.models.split import split
from tests.models.web import Web, serving

PULL = """
import sys, threading
from pathlib import Path
from brain.models.shelf import Shelf
for _ in Shelf(Path(sys.argv[1]), offline=False, known=()).pull(sys.argv[2], cancel=threading.Event()):
    pass
"""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(offers, "PATIENT_SECONDS", 90.0)  # a busy machine takes its time to start a program
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield server


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "models", offline=False, known=())


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny.write_chat(tmp_path_factory.mktemp("content") / "tiny.gguf").read_bytes()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    whole = tiny.write_chat(tmp_path_factory.mktemp("parts") / "whole.gguf")
    return {path.name: path.read_bytes() for path in split(whole, "tiny-split", 3)}


def pulled(shelf: Shelf, name: str, **how: Any) -> list[Any]:
    return list(shelf.pull(name, cancel=how.pop("cancel", threading.Event()), **how))


def nothing_can_be_loaded(shelf: Shelf) -> bool:
    return all(model.problem for model in shelf.models()) and not list(shelf.folder.glob("*.gguf"))


# What can be given


def test_a_url_becomes_a_model_by_its_files_name(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["Tiny.Q4_1.gguf"] = content
    events = pulled(shelf, web.url("Tiny.Q4_1.gguf"))
    target = shelf.folder / "Tiny.Q4_1.gguf"
    assert events[-1] == Pulled("Tiny.Q4_1", target, fetched=True, verified=False)
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o600
    assert shelf.find("Tiny.Q4_1") == target
    assert not (shelf.folder / SCRATCH / "Tiny.Q4_1").exists()
    again = pulled(shelf, web.url("Tiny.Q4_1.gguf"))
    assert again == [Pulled("Tiny.Q4_1", target, fetched=False, verified=False)]


def test_what_is_on_its_way_is_told_in_bytes(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    web.faults.pause = 0.05
    events = [event for event in pulled(shelf, web.url("tiny.gguf")) if isinstance(event, Pulling)]
    assert {event.total for event in events} == {len(content)}
    assert {event.source for event in events} == {"127.0.0.1"}
    assert sorted(event.done for event in events) == [event.done for event in events]
    assert len({event.done for event in events}) > 2


@pytest.mark.parametrize("address", ["hf:someone/tiny", "hf:someone/tiny:Q4_K_M", "hf:someone/tiny/tiny.Q4_K_M.gguf"])
def test_the_hub_gives_its_own_hash_and_it_is_compared(shelf: Shelf, web: Web, content: bytes, address: str) -> None:
    web.files |= {"tiny.Q4_K_M.gguf": content, "mmproj-tiny.gguf": b"eyes", "README.md": b"words"}
    assert pulled(shelf, address)[-1] == Pulled("tiny.Q4_K_M", shelf.folder / "tiny.Q4_K_M.gguf", True, verified=True)
    record = record_of(shelf.folder, "tiny.Q4_K_M")
    assert record is not None
    assert (record.address, record.verified) == (address, True)
    assert record.hashes == {"tiny.Q4_K_M.gguf": hashlib.sha256(content).hexdigest()}


def test_a_repository_of_many_wants_one_named(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files |= {"tiny.Q4_K_M.gguf": content, "tiny.Q8_0.gguf": content}
    with pytest.raises(ModelError, match=r"more than one file, name one of: tiny\.Q4_K_M\.gguf, tiny\.Q8_0\.gguf"):
        pulled(shelf, "hf:someone/tiny")
    with pytest.raises(ModelError, match=r"of GGUF files there are: tiny\.Q4_K_M\.gguf, tiny\.Q8_0\.gguf"):
        pulled(shelf, "hf:someone/tiny:Q2_K")
    assert pulled(shelf, "hf:someone/tiny:q8_0")[-1].name == "tiny.Q8_0"


def test_a_file_of_this_machine_is_copied(shelf: Shelf, tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(content)
    assert pulled(shelf, str(own))[-1] == Pulled("own", shelf.folder / "own.gguf", fetched=True, verified=False)
    assert own.read_bytes() == shelf.find("own").read_bytes() == content
    assert pulled(shelf, str(own))[-1].fetched is False
    own.write_bytes(content[:-1] + b"?")
    with pytest.raises(ModelError, match="Another model is on the shelf as own") as caught:
        pulled(shelf, str(own))
    assert caught.value.hint == "Remove it first: brain models remove own"
    shelf.remove("own")
    assert record_of(shelf.folder, "own") is None
    with pytest.raises(ModelError, match=r"gone\.gguf is not there"):
        pulled(shelf, str(tmp_path / "gone.gguf"))
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(ModelError, match=r"notes\.txt is no GGUF file"):
        pulled(shelf, str(tmp_path / "notes.txt"))


def test_offline_asks_nobody_and_copies_all_the_same(shelf: Shelf, web: Web, tmp_path: Path, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    offline = Shelf(shelf.folder, offline=True, known=())
    for address in (web.url("tiny.gguf"), "hf:someone/tiny"):
        with pytest.raises(ModelError, match="Brain is offline"):
            pulled(offline, address)
    assert web.asked == []
    (tmp_path / "own.gguf").write_bytes(content)
    assert pulled(offline, str(tmp_path / "own.gguf"))[-1].fetched


def test_what_was_pulled_comes_again_by_its_name(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    pulled(shelf, web.url("tiny.gguf"))
    target = shelf.folder / "tiny.gguf"
    damaged = bytearray(content)
    damaged[-1] ^= 1
    target.write_bytes(damaged)
    assert shelf.damaged(thorough=False) == []
    assert shelf.damaged(thorough=True) == [("tiny", "its file is not the one that is known (wrong SHA-256)")]
    target.write_bytes(content[:-1000])
    assert [name for name, _ in shelf.damaged(thorough=False)] == ["tiny"]
    assert pulled(shelf, "tiny")[-1].fetched
    assert shelf.damaged(thorough=True) == []


# Refused before it is fetched


def forged(content: bytes, architecture: bytes) -> bytes:
    old = b"general.architecture" + struct.pack("<IQ", 8, 5) + b"llama"
    assert old in content and len(architecture) == 5
    return content.replace(old, old[:-5] + architecture)


def test_what_this_build_cannot_open_is_refused_at_once(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["odd.gguf"] = forged(content, b"llamb")
    with pytest.raises(
        ModelError, match=r"odd cannot run here: .* llama-cpp-python [\d.]+ does not know: llamb"
    ) as caught:
        pulled(shelf, web.url("odd.gguf"))
    assert "pip install --upgrade llama-cpp-python" in caught.value.hint
    assert nothing_can_be_loaded(shelf)


@pytest.mark.parametrize("address", ["url", "hub", "disk"])
def test_too_little_memory_is_told_before_it_is_fetched(
    shelf: Shelf, web: Web, content: bytes, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    tmp_path = shelf.folder.parent
    web.files["tiny.gguf"] = content
    (tmp_path / "tiny.gguf").write_bytes(content)
    given = {"url": web.url("tiny.gguf"), "hub": "hf:someone/tiny", "disk": str(tmp_path / "tiny.gguf")}[address]
    monkeypatch.setattr(pulling, "free_memory", lambda: 200_000_000)
    with pytest.raises(ModelError, match=r"tiny needs about 0\.3 GB of memory; 0\.2 GB are free") as caught:
        pulled(shelf, given)
    assert "--anyway" in caught.value.hint
    assert nothing_can_be_loaded(shelf)
    assert pulled(shelf, given, anyway=True)[-1].fetched


def test_a_full_disk_is_told_before_it_is_fetched(shelf: Shelf, web: Web, content: bytes, monkeypatch: Any) -> None:
    web.files["tiny.gguf"] = content
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12_000_000))
    with pytest.raises(ModelError, match=r"tiny needs \d+ MB of disk; 12 MB are free"):
        pulled(shelf, web.url("tiny.gguf"), anyway=True)
    assert nothing_can_be_loaded(shelf)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("hf:nonsense", "no place on the model hub"),
        ("hf:a/../b", "no place on the model hub"),
        ("hf:a/b/../c.gguf", "no place on the model hub"),
        ("https://huggingface.co/a/b/resolve/main/%2e%2e/%2e%2e/c.gguf", "no place on the model hub"),
        ("hf:a/b/c.safetensors", "no GGUF file"),
        ("http://example.org/a.gguf", "without encryption"),
        ("ftp://127.0.0.1/a.gguf", "without encryption"),
        ("https://me:secret@example.org/a.gguf", "holds a password"),
        ("https://example.org/a.bin", "not that of a GGUF file"),
        ("https://[", "no address"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(shelf: Shelf, address: str, why: str) -> None:
    with pytest.raises(ModelError, match=why) as caught:
        pulled(shelf, address)
    assert caught.value.hint
    assert "secret" not in caught.value.reason + caught.value.hint


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"<html>" * 999, "not in GGUF format"), (b"", "not in GGUF format"), (b"GGUF", "cut or broken")],
)
def test_what_is_no_model_is_refused(shelf: Shelf, web: Web, content: bytes, why: str) -> None:
    web.files["page.gguf"] = content
    with pytest.raises(ModelError, match=why):
        pulled(shelf, web.url("page.gguf"))
    assert nothing_can_be_loaded(shelf)


# Broken off, and gone on with


def interrupted(shelf: Shelf, web: Web, address: str, *, at: int) -> None:
    """Pull until about `at` bytes are there, then stop."""
    cancel = threading.Event()
    web.faults.silent_after = at
    with pytest.raises(Cancelled):
        for event in shelf.pull(address, cancel=cancel):
            if isinstance(event, Pulling) and event.done >= at // 2:
                cancel.set()
    web.faults.silent_after = 0
    web.asked.clear()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Long enough that its header is known well before its end."""
    path = tmp_path_factory.mktemp("large") / "large.gguf"
    content = tiny.write_chat(path).read_bytes()
    return content + bytes(4_000_000)


@pytest.mark.parametrize("where", ["url", "hub"])
def test_a_pull_goes_on_where_it_was_stopped(shelf: Shelf, web: Web, large: bytes, where: str) -> None:
    web.files["large.gguf"] = large
    address = web.url("large.gguf") if where == "url" else "hf:someone/large"
    interrupted(shelf, web, address, at=3_000_000)
    assert nothing_can_be_loaded(shelf)
    assert pulled(shelf, address)[-1].fetched
    assert web.ranges and min(int(wanted[6:-1]) for wanted in web.ranges) > 1_000_000
    assert shelf.find("large").read_bytes() == large


@pytest.mark.parametrize("fault", ["no ranges", "no etag", "changed"])
def test_what_cannot_be_gone_on_with_begins_anew(shelf: Shelf, web: Web, large: bytes, fault: str) -> None:
    web.files["large.gguf"] = large
    web.faults.ranges, web.faults.etag = fault != "no ranges", fault != "no etag"
    interrupted(shelf, web, web.url("large.gguf"), at=3_000_000)
    if fault == "changed":
        web.files["large.gguf"] = large = large[:-1] + b"?"
    assert pulled(shelf, web.url("large.gguf"))[-1].fetched
    assert shelf.find("large").read_bytes() == large


def test_a_changed_file_on_the_hub_begins_anew(shelf: Shelf, web: Web, large: bytes) -> None:
    web.files["large.gguf"] = large
    interrupted(shelf, web, "hf:someone/large", at=3_000_000)
    web.files["large.gguf"] = changed = large[:-1] + b"?"
    assert pulled(shelf, "hf:someone/large")[-1].fetched
    assert shelf.find("large").read_bytes() == changed


def test_a_file_replaced_while_it_comes_is_never_half_of_each(shelf: Shelf, web: Web, large: bytes) -> None:
    web.files["large.gguf"] = large
    web.faults.cut_after = 2_500_000
    events = shelf.pull(web.url("large.gguf"), cancel=threading.Event())
    with pytest.raises(ModelError, match="replaced by another one in the meantime"):
        for _ in events:
            web.files["large.gguf"] = large[:-1] + b"?"
    assert nothing_can_be_loaded(shelf)
    web.faults.cut_after = 0
    assert pulled(shelf, web.url("large.gguf"))[-1].fetched
    assert shelf.find("large").read_bytes() == web.files["large.gguf"]


def test_a_connection_that_breaks_again_and_again_is_made_again(shelf: Shelf, web: Web, large: bytes) -> None:
    web.files["large.gguf"] = large
    web.faults.cut_after = 2_000_000
    assert pulled(shelf, web.url("large.gguf"))[-1].fetched
    assert shelf.find("large").read_bytes() == large
    assert len(web.ranges) >= 2


@pytest.mark.parametrize("fault", ["cut", "lies"])
def test_a_body_that_never_comes_whole_is_told(shelf: Shelf, web: Web, large: bytes, fault: str) -> None:
    web.files["large.gguf"] = large
    if fault == "cut":
        web.faults.cut_after, web.faults.ranges = 2_500_000, False
    else:
        web.faults.lies_about_size = 500
    with pytest.raises(ModelError, match=r"127\.0\.0\.1: the (connection was cut|server has less).*bytes"):
        pulled(shelf, web.url("large.gguf"))
    assert nothing_can_be_loaded(shelf)
    web.faults = type(web.faults)()
    assert pulled(shelf, web.url("large.gguf"))[-1].fetched


def test_a_server_that_falls_silent_is_given_up(shelf: Shelf, web: Web, large: bytes, monkeypatch: Any) -> None:
    monkeypatch.setattr(fetching, "STALLED_SECONDS", 1.0)
    web.files["large.gguf"] = large
    web.faults.silent_after = 2_500_000
    with pytest.raises(ModelError, match=r"127\.0\.0\.1 sent nothing for 1 seconds") as caught:
        pulled(shelf, web.url("large.gguf"))
    assert caught.value.hint == "Try again: what has arrived is used."
    assert nothing_can_be_loaded(shelf)


@pytest.mark.parametrize(
    ("status", "why"), [(404, "no such file"), (403, "not public"), (500, "answered with an error"), (429, "error")]
)
def test_a_server_that_refuses_is_told(shelf: Shelf, web: Web, content: bytes, status: int, why: str) -> None:
    web.files["tiny.gguf"] = content
    web.faults.statuses["tiny.gguf"] = status
    with pytest.raises(ModelError, match=rf"{why}.*\({status}\)"):
        pulled(shelf, web.url("tiny.gguf"))


def test_redirects_stay_on_loopback_or_are_encrypted(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    web.faults.redirects = {
        "near.gguf": "/elsewhere/tiny.gguf",
        "far.gguf": "http://example.org/tiny.gguf",
        "round.gguf": "round.gguf",
    }
    assert pulled(shelf, web.url("near.gguf"))[-1].name == "near"
    with pytest.raises(ModelError, match=r"sends us on to example\.org without encryption"):
        pulled(shelf, web.url("far.gguf"))
    with pytest.raises(ModelError, match="in circles"):
        pulled(shelf, web.url("round.gguf"))


def test_a_wrong_hash_is_not_kept(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    right, wrong = hashlib.sha256(content).hexdigest(), "0" * 64
    with pytest.raises(ModelError, match=r"another tiny\.gguf than the one that was to come"):
        pulled(shelf, web.url("tiny.gguf"), sha256=[wrong])
    assert nothing_can_be_loaded(shelf)
    assert pulled(shelf, web.url("tiny.gguf"), sha256=[right.upper()])[-1].verified
    with pytest.raises(ModelError, match="Another model is on the shelf as tiny"):
        pulled(shelf, web.url("tiny.gguf"), sha256=[wrong])
    with pytest.raises(ModelError, match="takes 1 SHA-256"):
        pulled(shelf, web.url("tiny.gguf"), sha256=[right, right])


def test_a_hub_whose_file_is_another_than_it_says_is_not_believed(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    web.faults.linked = "0" * 64
    with pytest.raises(ModelError, match=r"the model hub gave another tiny\.gguf than the one"):
        pulled(shelf, "hf:someone/tiny")
    assert nothing_can_be_loaded(shelf)
    with pytest.raises(ModelError, match="64 digits"):
        pulled(shelf, "hf:someone/tiny", sha256=["123"])


def test_two_pulls_at_once_fetch_once(shelf: Shelf, web: Web, content: bytes) -> None:
    web.files["tiny.gguf"] = content
    ends: list[Pulled] = []
    threads = [threading.Thread(target=lambda: ends.append(pulled(shelf, web.url("tiny.gguf"))[-1])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(end.fetched for end in ends) == [False, False, True]


def test_what_went_wrong_while_it_was_interrupted_is_fetched_anew(shelf: Shelf, web: Web, large: bytes) -> None:
    web.files["large.gguf"] = large
    interrupted(shelf, web, web.url("large.gguf"), at=3_000_000)
    (part,) = (shelf.folder / SCRATCH).rglob("*.part")
    with part.open("r+b") as file:  # as a machine that lost its power may leave it
        file.seek(1_500_000)
        file.write(b"?" * 4096)
    right = hashlib.sha256(large).hexdigest()
    assert pulled(shelf, web.url("large.gguf"), sha256=[right])[-1].verified
    assert shelf.find("large").read_bytes() == large


def test_a_disk_that_fills_up_keeps_what_came(
    web: Web, large: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = os.geteuid() == 0 and sys.platform == "linux" and shutil.which("mount")
    if (
        not mounted
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small disk can only be made by root")
    try:
        real = shutil.disk_usage
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 40))
        shelf = Shelf(small / "models", offline=False, known=())
        web.files["large.gguf"] = large
        with pytest.raises(ModelError, match=r"127\.0\.0\.1: No space left on device"):
            pulled(shelf, web.url("large.gguf"))
        assert nothing_can_be_loaded(shelf)
        subprocess.run(["mount", "-o", "remount,size=30m", str(small)], check=True)
        web.asked.clear()
        assert pulled(shelf, web.url("large.gguf"))[-1].fetched
        assert web.ranges
        assert shelf.find("large").read_bytes() == large
        assert real(small).total < 40_000_000
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


@pytest.mark.parametrize(("where", "kills"), [("url", 20), ("hub", 4)])
def test_a_pull_killed_at_any_point_is_never_half_a_model(
    shelf: Shelf, web: Web, large: bytes, where: str, kills: int
) -> None:
    """The pulling process is killed at random points from its start to its end; then one that ends."""
    web.files["large.gguf"] = large
    web.faults.pause = 0.004
    points = random.Random(kills)
    address = web.url("large.gguf") if where == "url" else "hf:someone/large"
    for number in range(kills):
        have = fetching.size_of(shelf.folder)
        # By what has come, and by the clock, which also hits the looking and the verifying.
        until = have + points.randrange(len(large) // 2) if number % 2 else 1 << 40
        deadline = time.monotonic() + (60 if number % 2 else points.uniform(0, 1.5))
        process = subprocess.Popen([sys.executable, "-c", PULL, str(shelf.folder), address])
        while fetching.size_of(shelf.folder) < until and process.poll() is None and time.monotonic() < deadline:
            threading.Event().wait(0.002)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()
        here = [model for model in shelf.models() if not model.problem]
        assert all(model.path and model.path.read_bytes() == large for model in here)
        if here:
            shelf.remove("large")
    web.faults.pause = 0
    assert pulled(shelf, address)[-1].fetched
    assert shelf.find("large").read_bytes() == large
    assert not list((shelf.folder / SCRATCH).rglob("*.part"))


# In several files


@pytest.mark.parametrize("where", ["url", "hub", "disk"])
def test_a_model_in_parts_is_one_model(
    shelf: Shelf, web: Web, tmp_path: Path, parts: dict[str, bytes], where: str
) -> None:
    web.files |= parts
    first, second, third = parts
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)
    address = {"url": web.url(second), "hub": "hf:someone/tiny", "disk": str(tmp_path / first)}[where]
    assert pulled(shelf, address)[-1].path == shelf.folder / first
    (listed,) = shelf.models()
    assert (listed.name, listed.bytes, listed.parts, listed.problem) == (
        "tiny-split",
        sum(map(len, parts.values())),
        3,
        "",
    )
    assert shelf.find("tiny-split") == shelf.find(str(shelf.folder / third)) == shelf.folder / first
    assert {path.name: path.read_bytes() for path in shelf.folder.glob("*.gguf")} == parts
    assert pulled(shelf, address)[-1].fetched is False
    shelf.remove("tiny-split")
    assert not list(shelf.folder.glob("*.gguf"))


def test_a_missing_or_cut_part_is_named(shelf: Shelf, parts: dict[str, bytes]) -> None:
    shelf.folder.mkdir()
    first, second, third = parts
    for name, content in parts.items():
        (shelf.folder / name).write_bytes(content)
    assert shelf.damaged(thorough=True) == []
    (shelf.folder / second).unlink()
    ((name, wrong),) = shelf.damaged(thorough=False)
    assert name == "tiny-split"
    assert f"part 2 of 3 is missing ({second})" in wrong
    with pytest.raises(ModelError, match="part 2 of 3 is missing"):
        shelf.find("tiny-split")
    (shelf.folder / second).write_bytes(parts[second][:-2000])
    ((_, wrong),) = shelf.damaged(thorough=False)
    assert "incomplete" in wrong
    (shelf.folder / second).write_bytes(parts[second])
    (shelf.folder / first).unlink()
    ((_, wrong),) = shelf.damaged(thorough=False)
    assert f"part 1 of 3 is missing ({first})" in wrong
    assert third in {path.name for path in shelf.folder.iterdir()}


def test_a_pull_stopped_between_parts_goes_on(shelf: Shelf, web: Web, parts: dict[str, bytes]) -> None:
    web.files |= parts
    first = next(iter(parts))
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        for event in shelf.pull(web.url(first), cancel=cancel):
            if isinstance(event, Pulling) and event.done >= len(parts[first]):
                cancel.set()
    assert nothing_can_be_loaded(shelf)
    web.asked.clear()
    assert pulled(shelf, web.url(first))[-1].fetched
    assert [path.endswith(first) for _, path, _, _ in web.asked].count(True) == 1  # looked at, not fetched again
    assert {path.name: path.read_bytes() for path in shelf.folder.glob("*.gguf")} == parts


def test_a_missing_part_on_the_server_is_told(shelf: Shelf, web: Web, parts: dict[str, bytes]) -> None:
    web.files |= dict(list(parts.items())[:2])
    with pytest.raises(ModelError, match="lacks part 3 of 3"):
        pulled(shelf, "hf:someone/tiny")
    with pytest.raises(ModelError, match=r"no such file \(404\)"):
        pulled(shelf, web.url(next(iter(parts))))
