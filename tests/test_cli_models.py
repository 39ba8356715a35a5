"""`brain models` from the command line: what is listed, what is pulled, and what is said of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.cli import DONE, FAILED, main
from brain.cli.output import Progress
from brain.events import Pulled, Pulling
from brain.models.header import memory_needed, read_header
from tests.models import tiny
from tests.models.split import split
from tests.models.web import Web, serving


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRAIN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BRAIN_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "home" / "models").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr("brain.models.offers.PATIENT_SECONDS", 90.0)  # a busy machine takes its time to start a program
    with serving() as server:
        yield server


def test_the_list_says_what_is_here_what_fits_and_what_would_be_shorter(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = tiny.write_chat(home / "models" / "mine.gguf", window=32_768)
    split(chat, "parted", 2)
    (home / "models" / "junk.gguf").write_bytes(b"junk")
    (home / "config.toml").write_text("[chat]\nwindow = 32768\nmodel = 'mine'\n")
    monkeypatch.setattr("brain.models.shelf.free_memory", lambda: memory_needed(read_header(chat), 4096))
    assert main(["models"]) == DONE
    text = capsys.readouterr().out
    rows = {line.split()[1]: line for line in text.splitlines() if len(line.split()) > 1}
    assert "window 4,096 of 32,768 to fit" in rows["mine"]
    assert rows["mine"].endswith("used")
    assert "not in GGUF format" in rows["junk"]
    assert "parted" in rows
    headings = [line.partition("(")[0].strip(" :") for line in text.splitlines() if not line.startswith(" ")]
    assert headings[:2] == ["Here", "Not here, needs more memory than there is now"]

    assert main(["models", "--json"]) == DONE
    listed = {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}
    mine = listed["mine"]
    assert {"name", "role", "path", "bytes", "licence", "problem", "here", "used"} <= set(mine)
    assert (mine["window"], mine["window_wanted"], mine["trained_window"], mine["fits"]) == (4096, 32_768, 32_768, True)
    assert (listed["parted"]["parts"], listed["parted"]["here"]) == (2, True)
    assert (listed["gpt-oss-20b"]["here"], listed["gpt-oss-20b"]["fits"], listed["gpt-oss-20b"]["tier"]) == (
        False,
        False,
        32,
    )


def test_every_key_of_the_list_is_in_the_help(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == DONE
    keys = set(json.loads(capsys.readouterr().out)["models"][0])
    with pytest.raises(SystemExit):
        main(["models", "--help"])
    told = capsys.readouterr().out
    assert [key for key in sorted(keys) if f'"{key}"' not in told] == []


def test_a_model_is_pulled_used_told_of_and_removed(home: Path, web: Web, capsys: Any) -> None:
    for part in split(tiny.write_chat(home / "tiny.gguf"), "parted", 2):
        web.files[part.name] = part.read_bytes()
    address = web.url("parted-00001-of-00002.gguf")
    assert main(["models", "pull", address]) == DONE
    said = capsys.readouterr().err
    assert "parted is here: " in said
    assert "parted was not verified against a known hash." in said
    assert main(["models", "use", "parted"]) == DONE
    assert 'model = "parted"' in (home / "config.toml").read_text()
    capsys.readouterr()
    assert main(["models", "info", "parted", "--json"]) == DONE
    facts = json.loads(capsys.readouterr().out)
    assert (facts["parts"], facts["bytes"], facts["fits"]) == (2, sum(map(len, web.files.values())), True)
    assert main(["models", "remove", "parted"]) == DONE
    assert not list((home / "models").glob("*.gguf"))


def test_what_does_not_fit_is_fetched_only_when_told_to(
    home: Path, web: Web, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files["tiny.gguf"] = tiny.write_chat(home / "tiny.gguf").read_bytes()
    monkeypatch.setattr("brain.models.pulling.free_memory", lambda: 1_000_000)
    assert main(["models", "pull", web.url("tiny.gguf")]) == FAILED
    assert "--anyway" in capsys.readouterr().err
    assert main(["models", "pull", web.url("tiny.gguf"), "--anyway", "--sha256", "0" * 64]) == FAILED
    assert "wrong SHA-256" in capsys.readouterr().err
    assert main(["models", "pull", web.url("tiny.gguf"), "--anyway", "--json"]) == DONE
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["fetched"], last["verified"]) == ("pulled", True, False)
    web.files["another.gguf"] = web.files["tiny.gguf"]
    assert main(["models", "pull", web.url("another.gguf"), "--anyway", "--offline"]) == FAILED
    assert "offline" in capsys.readouterr().err


def test_a_question_says_that_the_window_is_shorter(
    home: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# Boiler\n\nThe boiler runs at 1.4 bar.\n")
    header = read_header(tiny.write_chat(home / "models" / "mine.gguf", window=32_768))
    (home / "config.toml").write_text("[chat]\nwindow = 16384\nmodel = 'mine'\n")
    assert main(["add", "--words-only", str(tmp_path / "notes")]) == DONE
    monkeypatch.setattr("brain.models.local.free_memory", lambda: memory_needed(header, 4096))
    capsys.readouterr()
    assert main(["ask", "At what pressure does the boiler run?"]) == DONE
    assert "mine: window 4,096 of 16,384 to fit into memory." in capsys.readouterr().err


def test_a_damaged_part_is_named_by_doctor(home: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# A\n\nA note.\n")
    assert main(["add", "--words-only", str(tmp_path / "notes")]) == DONE
    _, second = split(tiny.write_chat(home / "models" / "tiny.gguf"), "parted", 2)
    second.unlink()
    capsys.readouterr()
    main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)["found"]
    (wrong,) = [one for one in found if one["part"] == "models" and one["where"] == "parted"]
    assert f"part 2 of 2 is missing ({second.name})" in wrong["what"]


def test_a_download_tells_its_rate_and_the_time_left(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(10_000))
    monkeypatch.setattr("brain.cli.output.time.monotonic", lambda: float(next(now)))
    with Progress(sys.stderr) as progress:
        for done in range(0, 500_000_000, 2_000_000):
            progress.show(Pulling("big", done, 500_000_000, "the model hub"))
        progress.show(Pulled("big", Path("/x/big.gguf"), fetched=True))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("big from the model hub: ")
    assert " of 500 MB" in lines[0]
    assert " MB/s, about " in lines[-2] and lines[-2].endswith(" left")
    assert lines[-1] == "big is here: /x/big.gguf"
