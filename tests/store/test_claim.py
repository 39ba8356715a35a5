"""Who owns the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.errors import StoreError
from brain.store.claim import claim_store, owner_of
from tests.store.making import ROOT, in_child

HOLDER = """
import sys
from pathlib import Path
from brain.store.claim import claim_store
with claim_store(Path(sys.argv[1])) as claim:
    print("ours" if claim.ours else "theirs", claim.owner.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_free_store_is_ours_and_for_us_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with claim_store(home) as claim:
        assert claim.ours
        assert claim.owner is not None
        assert claim.owner.pid == os.getpid()
        assert owner_of(home) == claim.owner
        (home / "new").touch()
        assert [path.stat().st_mode & 0o077 for path in (home, home / "lock", home / "new")] == [0, 0, 0]
    assert owner_of(home) is None


def test_only_one_process_owns_it_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().split() == ["ours", str(holder.pid)]
        with claim_store(tmp_path) as claim:
            assert not claim.ours
            assert claim.owner is not None
            assert claim.owner.pid == holder.pid
        assert owner_of(tmp_path) is not None
        holder.kill()
        holder.wait()
    with claim_store(tmp_path) as claim:
        assert claim.ours


def test_a_second_claim_in_this_process_is_refused_too(tmp_path: Path) -> None:
    with claim_store(tmp_path) as first, claim_store(tmp_path) as second:
        assert (first.ours, second.ours) == (True, False)


def test_while_it_is_owned_every_other_process_is_refused(tmp_path: Path) -> None:
    with claim_store(tmp_path):
        said = [in_child(HOLDER.replace("sys.stdin.read()", ""), tmp_path).stdout.split()[0] for _ in range(3)]
    assert said == ["theirs"] * 3


def test_an_owner_that_wrote_nonsense_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b'{"pid": "x"')
    assert owner_of(tmp_path) is None


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"), claim_store(tmp_path / "file" / "home"):
        pass
