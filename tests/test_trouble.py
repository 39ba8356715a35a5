"""The world around a store goes wrong: no space, no permission, a lock that is held, tables of another version."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from brain.cli import BUG, DONE, FAILED, main
from brain.engine import open_brain
from brain.parts import Parts
from brain.settings import load
from brain.store.catalog import Catalog
from brain.store.schema import MIGRATIONS
from tests.crash.child import QuickEmbedder
from tests.crash.vault import Vault
from tests.fakes import HashingEmbedder

ROOT = Path(__file__).parents[1]
WITH_CONVERSATIONS = 3  # the version of the tables that brought them
COMMANDS = """
import contextlib, io, json, sys
from brain.cli import main
from tests.crash.child import patch
patch(often=False)
limit, commands = json.loads(sys.argv[1])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for command in commands:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(command)
    print(json.dumps([code, said.getvalue()]), flush=True)
"""


def in_a_process(
    home: Path, *commands: list[str], limit: int = 0, before: tuple[str, ...] = ()
) -> list[tuple[int, str]]:
    """Exit code and words of each command, run one after the other in a process whose files may grow to `limit` bytes."""
    given = json.dumps([limit, [[*command, "--home", str(home)] for command in commands]])
    done = subprocess.run(
        [*before, sys.executable, "-c", COMMANDS, given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    ended = [(code, said) for code, said in map(json.loads, done.stdout.splitlines())]
    assert not any(code == BUG for code, _ in ended), ended
    return ended


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path / "notes", seed=6)
    vault.fill(20)
    (vault.root / "well.md").write_text("The pump for the well comes in week 24.")
    return vault


@pytest.fixture
def indexed(home: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """The folder, in the store."""
    embedder = QuickEmbedder()
    monkeypatch.setattr(Parts, "embedder", lambda self: embedder)
    assert main(["add", str(vault.root)]) == DONE
    return vault


@pytest.mark.parametrize("room", [0.5, 1.05, 1.6], ids=lambda room: f"{room} of the catalog")
def test_a_full_disk_loses_nothing_and_is_no_bug(indexed: Vault, home: Path, room: float) -> None:
    size = int((home / "catalog.db").stat().st_size * room)
    for _ in range(60):
        indexed.create()
    full = in_a_process(home, ["sync"], ["search", "pump well week"], limit=size)
    (code, said), (found, hits) = full
    assert (code, "brain sync" in said) == (FAILED, True) or (code == DONE and room > 1.5), said
    assert found == DONE
    assert "well.md" in hits
    assert main(["sync"]) == DONE
    assert main(["doctor", "--thorough"]) == DONE
    with Catalog(home / "catalog.db", read_only=True) as catalog:
        assert set(catalog.stamps()) == set(indexed.notes())


def read_only(home: Path) -> tuple[str, ...]:
    """Make a folder one that cannot be written; returns what a command must be started by. Skips where that cannot be done."""
    if os.geteuid() != 0:
        for path in (home, home / "words"):
            path.chmod(0o500)
        return ()
    mount = (
        f'mount --bind "{home}" "{home}" && mount -o remount,ro,bind "{home}"'  # root may write whatever the mode says
    )
    if (
        not shutil.which("unshare")
        or subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs a mount of its own, or not to be root")
    return ("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh")


@pytest.mark.parametrize("closed", [True, False], ids=["closed in order", "killed"])
def test_a_home_that_cannot_be_written_is_read(indexed: Vault, home: Path, tmp_path: Path, closed: bool) -> None:
    if not closed:
        killed = tmp_path / "killed"
        with open_brain(load(), own=True) as brain:
            (indexed.root / "later.md").write_text("A zebra came later.")
            for _ in brain.sync(cancel=threading.Event()):
                pass
            shutil.copytree(
                home, killed, ignore=shutil.ignore_patterns("socket")
            )  # as a kill leaves it: what was committed last stands in the log alone
        home = killed
    before = read_only(home)
    reading = [["search", "pump well week"], ["search", "zebra later"], ["ask", "--quotes", "When?"], ["status"]]
    try:
        *read, (_, doctor), refused, unrepaired = in_a_process(
            home, *reading, ["doctor"], ["sync"], ["doctor", "--repair"], before=before
        )
    finally:
        for path in (home, home / "words"):
            path.chmod(0o700)
    assert [code for code, _ in read] == [DONE] * 4
    assert "well.md" in read[0][1]
    assert ("later.md" in read[1][1]) is not closed
    assert "only reads" in doctor
    for code, said in (refused, unrepaired):
        assert code == FAILED
        assert "cannot be written" in said


def test_a_lock_that_another_holds_is_told_within_seconds(
    home: Path, vault: Vault, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", str(vault.root)]) == DONE
    vault.create()
    with closing(sqlite3.connect(home / "catalog.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        capsys.readouterr()
        assert main(["search", "pump", "well"]) == DONE, "reading goes on"
        began = time.monotonic()
        assert main(["sync"]) == FAILED
        waited = time.monotonic() - began
        other.execute("ROLLBACK")
    assert "Another process is writing to the store" in capsys.readouterr().err
    assert waited < 30, "a silent wait"
    assert main(["sync"]) == DONE


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_catalog_of_every_version_is_opened_with_all_that_is_in_it(home: Path, monkeypatch, version: int) -> None:
    embedder = HashingEmbedder(dimensions=8)
    monkeypatch.setattr(Parts, "embedder", lambda self: embedder)
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        database.executescript((ROOT / f"tests/store/catalog_v{version}.sql").read_text())
    (home / "catalog.db").chmod(0o600)
    with open_brain(load(), own=True) as brain:
        document = brain.document(Path("/vault/well.md"))
        assert document.text == "The pump for the well comes in week 24.\n\nIt costs 900 €."
        assert (document.title, document.titled, document.date) == ("The well", True, "2025-03-12")
        assert document.tags == ("garden", "water")
        assert [failure.path.name for failure in brain.status().failures] == ["broken.pdf"]
        for _ in brain.sync(cancel=threading.Event()):
            pass  # /vault is not there: what is known of it is kept
        best = brain.search("pump well week").evidence[0]
        assert best.chunk.text.startswith("The pump")
        assert best.scores.words and best.scores.vectors
        assert embedder.embedded == [], "its vectors are kept"
        asked = [summary.title for summary in brain.conversations.summaries("pump 900")]
        assert asked == (["What does the pump cost?"] if version >= WITH_CONVERSATIONS else [])
        wrong = [finding for finding in brain.doctor(thorough=True).found if finding.part != "notes"]
        assert not wrong, wrong


def test_a_catalog_of_a_newer_brain_is_refused_and_left_alone(home: Path, vault: Vault, capsys) -> None:
    assert main(["add", str(vault.root)]) == DONE
    with closing(sqlite3.connect(home / "catalog.db")) as database, database:
        database.execute("PRAGMA user_version = 999")
    before = (home / "catalog.db").read_bytes()
    for command in (["search", "pump"], ["sync"], ["status"], ["doctor", "--repair"]):
        capsys.readouterr()
        assert main(command) == FAILED
        assert "newer Brain" in capsys.readouterr().err
    assert (home / "catalog.db").read_bytes() == before
