"""What a note says about itself before it begins: YAML or TOML front matter, and Logseq's `key:: value` lines.

Anything that makes no sense is left out; nothing here ever makes a note unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from brain.cleaning import one_line
from brain.dating import written_date
from brain.privacy import MOST_TAGS

_MOST = 64_000  # characters of front matter that are looked at; yaml reads 100 kB a second
TITLE_CHARACTERS = 150  # a title stands before every chunk as it is embedded
_MANY = MOST_TAGS  # tags or aliases of one note
_FENCED = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)(?:(?<=\n)|^)(?:\1|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_SIMPLE = re.compile(r"^([A-Za-z][\w -]{0,40}):[ \t]+(\S.*)$", re.MULTILINE)
_PROPERTY = re.compile(r"(?:-[ \t]+|[ \t]+)?([A-Za-z][\w-]{0,60})::[ \t]*([^\n]*)(?:\n|$)")
_TITLES = ("title",)
_TAGS = ("tags", "tag", "keywords")
_ALIASES = ("aliases", "alias")
MACHINE_KEY, MACHINE_VALUE = "brain", "machine-written"  # what an answer saved as a note says of itself
_DATES = ("date", "created", "created_at", "date_created", "creation_date", "published", "updated", "modified")
_KNOWN = frozenset(
    (
        *_TITLES,
        *_TAGS,
        *_ALIASES,
        *_DATES,
        "icon",
        "id",
        "private",
        "public",
        "type",
        "filters",
        "collapsed",
        MACHINE_KEY,
    )
)


@dataclass(frozen=True, slots=True)
class Front:
    """What was found, and where the note itself begins."""

    body: int = 0
    title: str | None = None
    date: str | None = None
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    machine_written: bool = False


def read_front(text: str) -> Front:
    """The front matter or the properties at the top of a note."""
    if text.startswith(("---", "+++")) and (found := _FENCED.match(text)):
        return _front(found.end(), _yaml(found[2]) if found[1] == "---" else _toml(found[2]))
    return _properties(text)


def _properties(text: str) -> Front:
    """Logseq's lines. The known ones at the very top are front matter; from the first unknown one on they are text."""
    given: dict[str, Any] = {}
    at = body = len(text) - len(text.lstrip())
    on_top = True
    while found := _PROPERTY.match(text, at):
        given.setdefault(found[1], found[2].strip())
        at = found.end()
        on_top = on_top and found[1].lower() in _KNOWN
        body = at if on_top else body
    return _front(body if given else 0, given)


def _front(body: int, given: Mapping[Any, Any]) -> Front:
    values = {str(key).strip().lower().replace("-", "_").replace(" ", "_"): value for key, value in given.items()}
    title = next((_words(values[key]) for key in _TITLES if key in values), "")
    dates = (written_date(values[key]) for key in _DATES if key in values)
    return Front(
        body,
        title=title or None,
        date=next((day for day in dates if day), None),
        tags=unique(tag for key in _TAGS for tag in _names(values.get(key), spaces=True)),
        aliases=unique(alias for key in _ALIASES for alias in _names(values.get(key), spaces=False)),
        machine_written=str(values.get(MACHINE_KEY, "")).strip().lower() == MACHINE_VALUE,
    )


def _yaml(text: str) -> Mapping[Any, Any]:
    import yaml

    if len(text) <= _MOST:
        try:
            # BaseLoader makes strings only: no date that raises, no merge keys to blow up, no "no" that means False.
            given = yaml.load(text, Loader=yaml.BaseLoader)
            return given if isinstance(given, dict) else {}
        except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError):
            pass  # broken: the plain lines in it still count
    return {found[1]: found[2].strip().strip("\"'") for found in _SIMPLE.finditer(text[:_MOST])}


def _toml(text: str) -> Mapping[Any, Any]:
    import tomllib

    try:
        return tomllib.loads(text) if len(text) <= _MOST else {}
    except (ValueError, RecursionError):
        return {}


def _words(value: Any) -> str:
    return (
        one_line(value)[:TITLE_CHARACTERS]
        if isinstance(value, str)
        else str(value)
        if isinstance(value, int | date)
        else ""
    )


def _names(value: Any, *, spaces: bool) -> list[str]:
    """A list, or one string parted by commas, or, for tags, by spaces."""
    if isinstance(value, str):
        linked = re.findall(r"\[\[([^\[\]]+)\]\]", value)
        rest = re.sub(r"#?\[\[[^\[\]]+\]\]", ",", value)
        return linked + [_name(part) for part in (rest.split(",") if "," in rest or not spaces else rest.split())]
    if isinstance(value, list):
        return [_name(part) for part in value[:_MANY] if isinstance(part, str | int)]
    return []


def _name(value: str | int) -> str:
    return one_line(str(value)).strip("\"'[]").lstrip("#").strip()[:100]


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, whatever its case, in order, as first written."""
    seen: dict[str, str] = {}
    for name in names:
        if name and len(seen) < _MANY:
            seen.setdefault(name.casefold(), name)
    return tuple(seen.values())
