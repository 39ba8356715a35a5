import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from brain import readers
from brain.errors import FileVanished, ReadError

LIMIT = 1_000_000


def test_reads_the_whole_file(tmp_path: Path) -> None:
    note = tmp_path / "a.md"
    note.write_bytes(b"x" * LIMIT)
    assert readers.open_bytes(note, LIMIT) == b"x" * LIMIT


def test_large_file_is_refused_and_names_the_setting(tmp_path: Path) -> None:
    note = tmp_path / "a.md"
    with note.open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(ReadError, match="is 300 MB; the limit is 50 MB") as caught:
        readers.read(note, max_bytes=50_000_000)
    assert "notes.max_mb" in caught.value.hint


def test_missing_file_has_vanished(tmp_path: Path) -> None:
    with pytest.raises(FileVanished):
        readers.read(tmp_path / "gone.md", max_bytes=LIMIT)


def test_folder_named_like_a_note(tmp_path: Path) -> None:
    (tmp_path / "x.md").mkdir()
    with pytest.raises(ReadError, match="is a folder"):
        readers.read(tmp_path / "x.md", max_bytes=LIMIT)


def test_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.md")
    with pytest.raises(ReadError, match="is a pipe"):
        readers.read(tmp_path / "x.md", max_bytes=LIMIT)


def test_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x.md")
        with pytest.raises(ReadError, match="is a socket"):
            readers.read(tmp_path / "x.md", max_bytes=LIMIT)


@pytest.mark.parametrize(("target", "reason"), [("there.md", "is a link"), ("nowhere.md", "leads nowhere")])
def test_link_is_not_followed(tmp_path: Path, target: str, reason: str) -> None:
    (tmp_path / "there.md").write_text("secret")
    (tmp_path / "link.md").symlink_to(tmp_path / target)
    with pytest.raises(ReadError, match=reason):
        readers.read(tmp_path / "link.md", max_bytes=LIMIT)


@pytest.mark.parametrize("part", ["one", "one/two", "one/two/a.md"])
def test_no_link_below_the_folder_is_followed(tmp_path: Path, part: str) -> None:
    for folder in ("notes", "outside"):
        (tmp_path / folder / "one" / "two").mkdir(parents=True)
        (tmp_path / folder / "one" / "two" / "a.md").write_text(folder)
    notes, note = tmp_path / "notes", tmp_path / "notes" / "one" / "two" / "a.md"
    assert readers.open_bytes(note, LIMIT, within=notes) == b"notes"
    before = descriptors()
    (notes / part).rename(tmp_path / "aside")
    (notes / part).symlink_to(tmp_path / "outside" / part)
    with pytest.raises(ReadError):
        readers.open_bytes(note, LIMIT, within=notes)
    assert descriptors() == before


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "real" / "deep" / "a.md").write_text("x")
    (tmp_path / "notes").symlink_to(tmp_path / "real")
    assert readers.open_bytes(tmp_path / "notes" / "deep" / "a.md", LIMIT, within=tmp_path / "notes") == b"x"


def test_no_path_climbs_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "a.md").write_text("x")
    with pytest.raises(FileVanished):
        readers.open_bytes(tmp_path / "notes" / "deep" / ".." / ".." / "a.md", LIMIT, within=tmp_path / "notes")


def descriptors() -> int:
    """How many files this process holds open."""
    return len(os.listdir("/dev/fd"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("x")
    (tmp_path / "x.md").chmod(0)
    with pytest.raises(ReadError, match="may not be read"):
        readers.read(tmp_path / "x.md", max_bytes=LIMIT)


def test_unknown_ending_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"ends in \.xyz") as caught:
        readers.reader_for(tmp_path / "a.xyz")
    assert ".md" in caught.value.hint


def test_formats_are_listed_without_loading_what_they_read_with() -> None:
    code = (
        "import sys, brain.readers as r; assert {'.md', '.txt', '.pdf'} <= r.suffixes(), r.suffixes(); "
        "assert not r.broken(), r.broken(); "
        "print([m for m in ('pypdf', 'pypdfium2', 'markdown_it', 'yaml', 'charset_normalizer', 'numpy') if m in sys.modules])"
    )
    root = Path(readers.__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
