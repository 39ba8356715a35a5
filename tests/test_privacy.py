"""What a note says of itself, and what the settings say of notes: in doubt, private."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tomlkit
import yaml
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import SettingsError
from brain.privacy import MOST_TAGS, Rules, is_marked
from brain.readers import parse
from brain.settings import load

MARKED = [
    "---\nprivate: true\n---\nBody",
    "---\ntitle: x\nPrivate: Yes\ntags: [a]\n---\nBody",
    "---\r\nprivate: on\r\n---\r\nBody",
    "\ufeff---\nprivate: 1\n---\n",
    "---\n{title: x, private: true}\n---\n",
    "---\nprivate:\n  true\n---\n",
    '---\n"private": "true"\n---\n',
    "---\n? private\n: true\n---\n",
    "---\nprivate:\n---\n",  # a field that was left empty
    "---\nprivate: maybe\n---\n",
    "---\nprivate: no way\n---\n",
    "---\npublic: false\n---\n",
    "---\nprivate: true\nbroken: [\n---\n",
    "---\nprivate: true\nthe end is missing",
    "---\ntitle: " + "x" * 70_000 + "\nprivate: true\n---\n",
    "---\ntags: [a, private]\n---\n",
    "---\ntags:\n- a\n- private/health\n---\n",
    "---\ntags: a private b\n---\n",
    "+++\nprivate = true\n+++\n",
    '+++\ntags = ["private"]\n+++\n',
    "+++\nprivate = true\nbroken = \n+++\n",
    "private:: true\n\n- a block",
    "title:: x\nprivate:: yes\n",
    "tags:: a, [[private]]\n\nBody",
    "- a block\n  private:: true\n- another",
    "A sentence [private:: true] of Dataview.",
    "public:: false\n",
    "private: true\ntitle: x\n\nBody",
    '{"title": "x", "private": true}\n\nBody',
    "#+TITLE: x\n#+FILETAGS: :a:private:\n\nBody",
    "A note that is #private, really.",
    "# Heading #private\n\nBody",
    "Body #[[private]] body",
    "Body #Private/health",
]
OPEN = [
    "",
    "Body",
    "---\ntitle: My private life\n---\nBody",
    "---\nprivate: false\n---\nBody",
    "---\nprivate: False # for now\ntags: [a]\n---\nBody",
    "---\n{private: no, title: x}\n---\n",
    "---\npublic: true\n---\nBody",
    "---\ntags: [privately, non-private, x/private]\n---\n",
    "private:: false\n",
    "public:: true\n",
    "A class has private members.",
    "Private: call Anna about the boiler.\n\nBody",
    "Body, with `#private` as code, and a [link](#private) and https://x.example/#private and x#private.",
    "#privateer #private-stuff #not/private",
]


@pytest.mark.parametrize("text", MARKED)
def test_a_note_that_says_so_is_marked(text: str) -> None:
    assert is_marked(text)
    for name in ("a.md", "a.txt"):
        assert parse(Path("/v") / name, text.encode()).private


@pytest.mark.parametrize("text", OPEN)
def test_a_note_that_does_not_say_so_is_not(text: str) -> None:
    assert not is_marked(text)
    assert not text or not parse(Path("/v/a.md"), text.encode()).private


VALUES = st.one_of(st.text(max_size=12), st.integers(), st.lists(st.text(max_size=5), max_size=3), st.booleans())


@given(
    st.dictionaries(st.text("abcxyz:#- ", max_size=8), VALUES, max_size=5),
    st.sampled_from([True, "true", "yes", "1", "on"]),
    st.booleans(),
)
def test_whatever_a_yaml_reader_takes_for_private_is_marked(more: dict, value: object, flow: bool) -> None:
    fields = {**more, "private": value}
    assert is_marked(f"---\n{yaml.safe_dump(fields, default_flow_style=flow, allow_unicode=True)}---\nBody")


@given(st.dictionaries(st.text("abcxyz:#- ", max_size=8), st.text("ab\"'\n=", max_size=12), max_size=5))
def test_whatever_a_toml_reader_takes_for_private_is_marked(more: dict) -> None:
    assert is_marked(f"+++\n{tomlkit.dumps({**more, 'private': True})}+++\nBody")


@pytest.mark.parametrize(
    "text", ["private" * 150_000, "[" * 10**6, "---\n" + "tags:\n- " * 10**5, " > " * 300_000, "`#" * 500_000]
)
def test_a_hostile_text_is_read_to_its_end(text: str) -> None:
    is_marked(text)


FOLDERS = (Path("/home/me/Notes"), Path("/home/me/Notes/work"))


@pytest.mark.parametrize(
    ("rule", "path", "is_private"),
    [
        ("journal/", "/home/me/Notes/journal/a.md", True),
        ("Journal/", "/home/me/Notes/a/JOURNAL/b/a.md", True),
        ("journal", "/home/me/Notes/journal/a.md", True),
        ("journal/", "/home/me/Notes/journals/a.md", False),
        ("journal/", "/home/me/Notes/journal.md", False),
        ("journal/", "/home/me/Notes/journal/scan.pdf", True),
        ("journal/", "/home/me/Notes/journal/\udcff\udcfe.md", True),
        ("café/", "/home/me/Notes/cafe\u0301/a.md", True),
        ("me/", "/home/me/Notes/a.md", False),  # above the watched folder
        ("notes/", "/home/me/Notes/work/a.md", True),
        ("a/b/", "/home/me/Notes/a/b/c.md", True),
        ("a\\b\\", "/home/me/Notes/a/b/c.md", True),
        ("plans/secret.md", "/home/me/Notes/x/plans/Secret.md", True),
        ("plans/secret", "/home/me/Notes/plans/secret.md", True),
        ("plans/secret.md", "/home/me/Notes/plans/top-secret.md", False),
        ("/home/me/Notes/x/", "/home/me/Notes/x/y/a.md", True),
        ("/home/me/Notes/x", "/home/me/Notes/x/y/a.md", True),
        ("/x/", "/home/me/Notes/x/a.md", True),
        ("/x/", "/home/me/Notes/y/x/a.md", False),
        ("*.key.md", "/home/me/Notes/x/Bank.KEY.md", True),
        ("*.key.md", "/home/me/Notes/x/bank.keys.md", False),
        ("diary*/", "/home/me/Notes/diary-2024/a/b.md", True),
        ("diary*/", "/home/me/Notes/diary-2024.md", False),
        ("work/*/secret.md", "/home/me/Notes/work/a/secret.md", True),
        ("work/*/secret.md", "/home/me/Notes/work/a/b/secret.md", False),
        ("work/**/secret.md", "/home/me/Notes/work/a/b/secret.md", True),
        ("work/**/secret.md", "/home/me/Notes/work/secret.md", True),
        ("work/**", "/home/me/Notes/work/secret.md", True),
        ("202?-*.md", "/home/me/Notes/2024-01-02.md", True),
        ("/home/me/*/x/", "/home/me/Notes/x/a.md", True),
        ("/home/*/x/", "/home/me/Notes/x/a.md", False),
        ("[old]/", "/home/me/Notes/[old]/a.md", True),
        ("[old]/", "/home/me/Notes/o/a.md", False),
        ("/", "/home/me/Notes/a.md", True),
        ("*", "/home/me/Notes/a.md", True),
        (" journal/ ", "/home/me/Notes/journal/a.md", True),
    ],
)
def test_a_place_is_private(rule: str, path: str, is_private: bool) -> None:
    rules = Rules((rule,), folders=FOLDERS)
    assert rules.why(Path(path), tags=(), marked=False) == (f"{rule} is private" if is_private else "")


@pytest.mark.parametrize(
    ("rule", "tags", "is_private"),
    [
        ("#health", ("health",), True),
        ("#health", ("a", "Health/eyes"), True),
        ("#Health/", ("health",), True),
        ("#[[my health]]", ("My Health",), True),
        ("#health", ("healthy", "x/health"), False),
        ("#health/eyes", ("health",), False),
        ("#health", tuple(f"t{at}" for at in range(MOST_TAGS - 1)), False),
        ("#health", tuple(f"t{at}" for at in range(MOST_TAGS)), True),  # more than are kept
        ("journal/", tuple(f"t{at}" for at in range(MOST_TAGS)), False),
    ],
)
def test_a_tag_is_private(rule: str, tags: tuple[str, ...], is_private: bool) -> None:
    assert bool(Rules((rule,), folders=FOLDERS).why(Path("/home/me/Notes/a.md"), tags=tags, marked=False)) == is_private


def test_a_mark_and_its_tag_are_private_without_any_rule() -> None:
    path = Path("/home/me/Notes/a.md")
    assert Rules().why(path, tags=(), marked=True) == "the note says private"
    assert Rules().why(path, tags=("Private/x",), marked=False) == "the note says private"
    assert Rules().why(path, tags=("privateer",), marked=False) == ""


def test_a_file_in_no_watched_folder_is_looked_at_from_the_root() -> None:
    assert Rules(("journal/",), folders=FOLDERS).why(Path("/mnt/journal/x/a.md"), tags=(), marked=False)


def test_home_is_meant_by_its_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    for rule in ("~/Notes/x/", "~/Notes/x/*.md"):
        assert Rules((rule,), folders=FOLDERS).why(Path("/home/me/Notes/x/a.md"), tags=(), marked=False)


@pytest.mark.parametrize("rule", ["link/", "link", "link/*.md"])
def test_a_folder_named_by_a_link_is_private_where_it_really_is(tmp_path: Path, rule: str) -> None:
    root = tmp_path.resolve()
    (root / "real").mkdir()
    (root / "link").symlink_to(root / "real")
    rules = Rules((f"{root}/{rule}",), folders=(root / "real",))
    assert rules.why(root / "real" / "a.md", tags=(), marked=False)


def test_where_links_are_followed_a_note_is_private_by_where_it_really_is(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "notes" / "journal").mkdir(parents=True)
    (root / "notes" / "link").symlink_to(root / "notes" / "journal")
    path = root / "notes" / "link" / "a.md"
    assert not Rules(("journal/",), folders=(root / "notes",)).why(path, tags=(), marked=False)
    assert Rules(("journal/",), folders=(root / "notes",), real=os.path.realpath).why(path, tags=(), marked=False)


@pytest.mark.parametrize(
    "rule", ["", "  ", "#", "# ", "#/", "##", "#[[]]", ".", "./..", "../x/", "a\0b", "a\nb", "~nobody-here/x", "[[x]]"]
)
def test_a_rule_that_can_never_match_is_refused_by_name(tmp_path: Path, rule: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Rules(("journal/", rule))
    assert repr(rule) in refused.value.reason
    (tmp_path / "config.toml").write_text(tomlkit.dumps({"privacy": {"private": ["journal/", rule]}}))
    with pytest.raises(SettingsError) as refused:
        load(tmp_path)
    assert repr(rule) in refused.value.reason
    assert "config.toml" in refused.value.reason


@pytest.mark.parametrize(
    "written", ['private = "journal/"', "private = [1]", "privat = []", 'ask = "never"', "private = true"]
)
def test_privacy_settings_that_are_not_right_are_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "config.toml").write_text(f"[privacy]\n{written}\n")
    with pytest.raises(SettingsError):
        load(tmp_path)


def test_good_rules_are_read(tmp_path: Path) -> None:
    rules = ("journal/", "plans/secret.md", "*.key.md", "#health")
    (tmp_path / "config.toml").write_text(tomlkit.dumps({"privacy": {"private": list(rules), "ask": "always"}}))
    assert load(tmp_path).privacy.private == rules
