"""Private notes from the files on disk to what a search and the commands say of them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from brain.cli import DONE, main
from brain.engine import open_brain
from brain.exporting import as_markdown, as_note
from brain.privacy import is_marked
from brain.sample import VAULT
from brain.search import Searcher
from brain.settings import load
from brain.store.catalog import Catalog
from tests.test_exporting import talk
from tests.tui.fakes import answered

PDF = next(VAULT.rglob("*.pdf"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A watched folder that is a link, with notes of every kind of privacy in it."""
    real = tmp_path / "real"
    (real / "journal").mkdir(parents=True)
    (real / "open.md").write_text("The pump is in the garden.")
    (real / "said.md").write_text("---\nprivate: true\n---\nThe pump is in the cellar.")
    (real / "tagged.md").write_text("The pump is in the attic. #health/eyes")
    (real / "journal" / "day.md").write_text("The pump is in the shed.")
    shutil.copy(PDF, real / "journal" / "handbook.pdf")
    (tmp_path / "notes").symlink_to(real)
    return tmp_path / "notes"


def settle(home: Path, *rules: str) -> None:
    home.mkdir(exist_ok=True, mode=0o700)
    (home / "config.toml").write_text(f"[privacy]\nprivate = {json.dumps(rules)}\n")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    """Why each file that is found is private."""
    capsys.readouterr()
    assert main(["search", *words, "--json", "-k", "20"]) == DONE
    return {Path(hit["path"]).name: hit["private"] for hit in json.loads(capsys.readouterr().out)["hits"]}


def test_every_kind_of_privacy_is_told_by_search_and_status(folder: Path, home: Path, capsys) -> None:
    settle(home, "journal/", "#health")
    assert main(["add", str(folder)]) == DONE
    assert said(capsys, "pump") | said(capsys, "pressure of the heating circuit") == {
        "open.md": "",
        "said.md": "the note says private",
        "tagged.md": "#health is private",
        "day.md": "journal/ is private",
        "handbook.pdf": "journal/ is private",
    }
    assert main(["search", "cellar"]) == DONE
    assert "private" in capsys.readouterr().out.splitlines()[0]
    assert main(["search", "garden"]) == DONE
    assert "private" not in capsys.readouterr().out.splitlines()[0]
    assert main(["status", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["files"]["private"] == 4
    assert main(["status"]) == DONE
    assert "4 of them are private: never sent to another machine" in capsys.readouterr().out


@pytest.mark.parametrize("spelt", ["{folder}/journal/", "{folder}/journal/*", "{folder}/", "{real}/journal"])
def test_a_rule_may_name_the_link_or_what_it_leads_to(folder: Path, home: Path, capsys, spelt: str) -> None:
    settle(home, spelt.format(folder=folder, real=folder.resolve()))
    assert main(["add", str(folder)]) == DONE
    assert said(capsys, "shed")["day.md"]


def test_an_edit_counts_from_the_next_pass_and_can_be_taken_back(folder: Path, home: Path, capsys) -> None:
    assert main(["add", str(folder)]) == DONE
    for text, why in (("private:: true\n", "the note says private"), ("private:: false\n", "")):
        (folder / "open.md").write_text(f"{text}\nThe pump is in the garden.")
        assert main(["sync"]) == DONE
        assert said(capsys, "garden")["open.md"] == why


def test_a_note_of_an_older_brain_that_was_edited_meanwhile_is_read_again(folder: Path, home: Path, capsys) -> None:
    assert main(["add", str(folder)]) == DONE
    with Catalog(home / "catalog.db") as catalog, catalog._database.writing() as database:
        database.execute("ALTER TABLE files DROP COLUMN private")
        database.execute("PRAGMA user_version = 3")
    (folder / "open.md").write_text("---\nprivate: true\n---\nThe pump is in the garden.")
    assert main(["sync"]) == DONE
    found = said(capsys, "pump")
    assert [found[name] for name in ("open.md", "said.md", "day.md")] == ["the note says private"] * 2 + [""]


@pytest.mark.skipif(sys.platform == "darwin", reason="the file system takes only UTF-8 names")
def test_names_that_are_no_text_are_private_as_any_other(folder: Path, home: Path, capsys) -> None:
    os.makedirs(os.fsencode(folder) + b"/journal/\xff\xfe", exist_ok=True)
    for at, name in enumerate((b"/journal/\xff\xfe/a.md", b"/journal/\xff.md", b"/\xff.key.md", b"/\xfe.md")):
        Path(os.fsdecode(os.fsencode(folder) + name)).write_text(f"A heron stood there for {at} hours.")
    settle(home, "journal/", "*.KEY.md")
    assert main(["add", str(folder)]) == DONE
    found = said(capsys, "heron")
    assert sorted(found.values()) == ["", "*.KEY.md is private", "journal/ is private", "journal/ is private"]


def test_rules_cost_a_search_one_query_at_most(folder: Path, home: Path, monkeypatch) -> None:
    settle(home, "journal/", "#health")
    asked = 0
    folders = Catalog.folders

    def counted(self: Catalog) -> list[Path]:
        nonlocal asked
        asked += 1
        return folders(self)

    assert main(["add", str(folder)]) == DONE
    with open_brain(load(), own=True) as brain:
        monkeypatch.setattr(Catalog, "folders", counted)
        searcher: Searcher = brain._parts.searcher
        assert len(list(searcher.find("pump", limit=10, words_first=True))) == 2
    assert asked == 1


def test_rules_that_change_count_at_once_for_whoever_owns_the_store(folder: Path, home: Path) -> None:
    assert main(["add", str(folder)]) == DONE

    def why(brain) -> str:
        return {one.chunk.path.name: one.private for one in brain.search("shed pump").evidence}["day.md"]

    with open_brain(load(), own=True) as brain:
        assert why(brain) == ""
        settle(home, "journal/")
        assert why(brain) == "journal/ is private"
        assert brain.status().private == 3
        (home / "config.toml").write_text("[privacy]\nprivate = nonsense")
        assert why(brain) == "/ is private", "in doubt everything"
        settle(home, "#day")
        assert why(brain) == ""


def test_what_is_written_of_an_answer_from_private_notes_is_private() -> None:
    conversation = talk(answered())
    first, *rest = answered().evidence
    secret = replace(answered(), evidence=(replace(first, private="the note says private"), *rest))
    for write in (as_markdown, lambda talk: as_note(talk.turns[0])):
        assert not is_marked(write(conversation))
        assert is_marked(write(talk(secret)))
