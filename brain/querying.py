"""The question language: words and filters taken apart, and nothing looked up.

    @folder/  @file.md  @"my folder/"  in:work     where (several: any of them)
    #tax  tag:tax                                  tags (several: all of them)
    type:pdf  type:md  type:text                   formats (several: any of them)
    after:2025-01  before:2025-03-15  on:2025-03   dates: a year, a month or a day; also today and yesterday
    is:machine                                     with notes that a machine wrote, which are left out otherwise
    "exact phrase"  -word  -"not this"             what must, and what must not, stand in the passage
    @@file.md                                      at the beginning: read this whole file instead of searching

Dates in plain words ("last March", "since 2024") are understood as well, see `periods`; written filters win over them.
`after:` starts with the first day of what it names, `before:` ends the day before it begins, `on:` is all of it. So
`after:2025 before:2026` is the year 2025. Everything else is ordinary words: addresses, `note: this`, `12:30`, `C++`,
`C#`, `-5`, `-v`, `--flag`, `#12`, mail addresses, and `@name` without a slash or a suffix.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Literal

from brain.almanac import month_end
from brain.cleaning import clean
from brain.errors import QueryError
from brain.periods import Period, period
from brain.types import Query, Scope, Window

Kind = Literal["in", "tag", "type", "after", "before", "on", "phrase", "without", "is"]

# A pasted page still finds its note: of a longer question the beginning and the end are kept, where people ask.
LONGEST, _TAIL = 20_000, 4_000

_NAMES: tuple[Kind, ...] = ("in", "tag", "type", "after", "before", "on")
_FORMATS = {"pdf": "pdf", "md": "markdown", "markdown": "markdown", "txt": "text", "text": "text"}
_FORMS = "Write a year, a month or a day: 2025, 2025-03 or 2025-03-15."

_QUOTED = r'"[^"\n]+"|“[^”\n]+”'
_TOKEN = re.compile(
    rf"(?<!\S)(?:(?P<minus>-)(?P<not>{_QUOTED}|[^\W\d_][\w’'-]+)"
    rf"|@(?P<place>{_QUOTED}|[^\s\"@]+)"
    r"|\#(?P<tag>[\w/-]*[^\W\d][\w/-]*)"
    rf"|(?P<name>[A-Za-z]{{2,8}}):(?P<value>{_QUOTED}|(?!//)[^\s\"]+)"
    rf"|(?P<phrase>{_QUOTED}))(?=[\s?!.,;:)]|$)"
)
_WHOLE = re.compile(rf"\s*@@({_QUOTED}|[^\s\"@]+)\s+(?=\S)(.*)", re.DOTALL)
_TRAILING = "?!,;:.)"


ASKING_WORDS = 3  # beside the quotes, that make a question of a phrase


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter as it stands in the typed text, for chips and underlining."""

    kind: Kind
    value: str  # without its mark and quotes; a date as it was typed
    start: int
    end: int
    problem: str = ""  # why it cannot be used, one sentence; empty where it can
    hint: str = ""


def filters(text: str, *, today: date | None = None) -> tuple[Filter, ...]:
    """Every filter in the text, wrong ones included, in order. Never raises; looks at no more than `LONGEST` characters."""
    found = []
    for match in _TOKEN.finditer(text[:LONGEST]):
        if (filter := _filter(match, today)) is not None:
            found.append(filter)
    return tuple(found)


def parse(text: str, *, today: date | None = None, in_words: bool = True) -> Query:
    """A typed question as words and filters. `Query.text` keeps the words of exact phrases.

    In a sentence that ends in a question mark quotes stand around names and titles: there they are words like others.

    Raises QueryError for a filter that cannot be used and for a question without words. Of a question over `LONGEST`
    characters the beginning and the end are read. `today` gives `today`, `yesterday` and dates in plain words their
    meaning; without it, or without `in_words`, dates in plain words are words like others.
    """
    text = _shortened(clean(text))
    found = filters(text, today=today)
    for filter in found:
        if filter.problem:
            raise QueryError(filter.problem, hint=filter.hint)
    said = _said(text, found, today) if today is not None and in_words else None
    words = _without(text, found)
    if not words:
        if found:
            raise QueryError(
                "There is nothing to look for yet, only filters.", hint="Add a word or a question to them."
            )
        raise QueryError("The question is empty.", hint='Type a few words, for example: brain search "garden pump"')
    scope = scope_from(
        within=_values(found, "in"),
        tags=_values(found, "tag"),
        types=_values(found, "type"),
        after=_values(found, "after"),
        before=_values(found, "before"),
        on=_values(found, "on"),
        today=today,
    )
    scope = replace(scope, machine=bool(_values(found, "is")))
    window = said.window if said and not (scope.after or scope.before) else None
    if said and window and said.spans:
        words = _without(text, found, said.spans) or words
    return Query(
        words, () if _asks(text, found) else _values(found, "phrase"), _values(found, "without"), scope, window
    )


def whole_file(text: str) -> tuple[str, str] | None:
    """The file and the question of "@@handbook.pdf list all …", which asks for the whole file; None for anything else."""
    found = _WHOLE.match(text)
    return None if found is None else (_bare(found[1]), found[2].strip())


def scope_from(
    *,
    within: Sequence[str] = (),
    tags: Sequence[str] = (),
    types: Sequence[str] = (),
    after: Sequence[str] = (),
    before: Sequence[str] = (),
    on: Sequence[str] = (),
    today: date | None = None,
) -> Scope:
    """A scope from values as people write them (flags, chips), checked like the filters. Raises QueryError.

    Several dates narrow: the latest `after` and the earliest `before` win.
    """
    first, last = date.min, date.max
    for name, values in (("after", after), ("before", before), ("on", on)):
        for value in values:
            begin, end = _days(name, value, today)
            first, last = max(first, begin), min(last, end)
    return _checked(
        Scope(
            within=_unique(_place(value) for value in within if _place(value)),
            tags=_unique(value.strip().lstrip("#").strip("/") for value in tags if value.strip("#/ ")),
            formats=_unique(_format(value) for value in types),
            after=first.isoformat() if first > date.min else None,
            before=last.isoformat() if last < date.max else None,
        )
    )


def narrow(query: Query, scope: Scope) -> Query:
    """The query with a second scope laid over its own: places and formats are added up, tags and dates narrow.

    Raises QueryError where no day is left.
    """
    mine = query.scope
    merged = Scope(
        within=_unique((*mine.within, *scope.within)),
        tags=_unique((*mine.tags, *scope.tags)),
        formats=_unique((*mine.formats, *scope.formats)),
        after=max(filter(None, (mine.after, scope.after)), default=None),
        before=min(filter(None, (mine.before, scope.before)), default=None),
        machine=mine.machine or scope.machine,
    )
    window = None if scope.after or scope.before else query.window
    return replace(query, scope=_checked(merged), window=window)


def within(scope: Scope, window: Window) -> Scope:
    """The scope with the days of a window."""
    return replace(scope, after=window.after, before=window.before)


def unknown(kind: Literal["in", "tag"], value: str, known: Collection[str]) -> QueryError:
    """That no note is at a place or has a tag, and which there are: the nearest, else the first few of `known`."""
    mark = "@" if kind == "in" else "#"
    names = {name.strip("/").casefold(): name for name in reversed(list(known))}
    names |= {name.strip("/").rpartition("/")[2].casefold(): name for name in reversed(list(known)) if kind == "in"}
    near = get_close_matches(value.strip("/#").casefold(), names, 3, 0.6)
    shown = list(dict.fromkeys(names[name] for name in near)) or list(known)[:5]
    listed = ", ".join(f'{mark}"{name}"' if " " in name else mark + name for name in shown)
    hint = (f"Did you mean {listed}?" if near else f"There are {listed}.") if shown else "There are none yet."
    return QueryError(f"No note is at {value}." if kind == "in" else f"No note has the tag {value}.", hint=hint)


def _said(text: str, found: Sequence[Filter], today: date) -> Period | None:
    """The days in plain words among those that are no filter: what stands in quotes means itself."""
    for filter in found:
        text = text[: filter.start] + "\N{BROKEN BAR}" * (filter.end - filter.start) + text[filter.end :]
    return period(text, today=today)


def _filter(match: re.Match[str], today: date | None) -> Filter | None:
    """The filter a token is, or None for an ordinary word that looks a little like one."""
    start, end = match.span()
    if match["not"]:
        return Filter("without", _bare(match["not"]), start, end)
    if match["phrase"]:
        return Filter("phrase", _bare(match["phrase"]), start, end) if _bare(match["phrase"]) else None
    if match["tag"]:
        return Filter("tag", match["tag"].strip("/"), start, end)
    if match["place"]:
        quoted = match["place"][0] in '"“'
        value = match["place"] if quoted else match["place"].rstrip(_TRAILING)
        if not (quoted or "/" in value or re.search(r"\w\.\w+$", value)):
            return None
        return Filter("in", _place(value), start, start + 1 + len(value))
    name, value = match["name"].lower(), match["value"]
    if value[0] not in '"“':
        value = value.rstrip(_TRAILING)
    end = match.start("value") + len(value)
    if not value or not _bare(value):
        return None
    if name == "is":
        return Filter("is", "machine", start, end) if value.lower() == "machine" else None
    if name not in _NAMES:
        near = get_close_matches(name, [known for known in _NAMES if len(known) > 2], 1, 0.8)
        if not near:
            return None
        problem = f"There is no filter {name}:."
        return Filter("in", value, start, end, problem, f"Did you mean {near[0]}:? Filters: {_list_of_filters()}.")
    kind: Kind = _NAMES[_NAMES.index(name)]
    try:
        scope_from(today=today, **{_FIELD[name]: (_bare(value),)})
    except QueryError as error:
        return Filter(kind, _bare(value), start, end, error.reason, error.hint)
    return Filter(kind, _bare(value).lstrip("#") if name == "tag" else _bare(value), start, end)


_FIELD = {"in": "within", "tag": "tags", "type": "types", "after": "after", "before": "before", "on": "on"}


def _days(name: str, value: str, today: date | None) -> tuple[date, date]:
    """The first and the last day that `name:value` leaves, both inclusive."""
    begin, end = _period(name, value.strip(), today)
    if name == "after":
        return begin, date.max
    if name == "on":
        return begin, end
    if begin == date.min:
        raise QueryError(f"There is no day before {value}.", hint=_FORMS)
    return date.min, begin - timedelta(days=1)


def _period(name: str, value: str, today: date | None) -> tuple[date, date]:
    """The days that a written date names, first and last."""
    if today is not None and value.lower() in ("today", "yesterday"):
        day = today if value.lower() == "today" else today - timedelta(days=1)
        return day, day
    match = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", value)
    try:
        if match is None:
            raise ValueError(value)
        year, month, day_ = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        begin = date(year, month, day_)
    except ValueError as error:
        raise QueryError(f"{name}:{value} is not a date.", hint=_FORMS) from error
    if match[3]:
        return begin, begin
    if match[2]:
        return begin, month_end(year, month)
    return begin, date(year, 12, 31)


def _format(value: str) -> str:
    name = value.strip().lower().lstrip(".")
    if name not in _FORMATS:
        raise QueryError(f"type:{value} is not a type.", hint=f"Types: {', '.join(_FORMATS)}.")
    return _FORMATS[name]


def _checked(scope: Scope) -> Scope:
    if scope.after and scope.before and scope.after > scope.before:
        raise QueryError(
            f"No day is both after {scope.after} and before {scope.before}.",
            hint="Change or remove one of the dates.",
        )
    return scope


def _without(text: str, found: Sequence[Filter], spans: Sequence[tuple[int, int]] = ()) -> str:
    """The text with its filters, and the words in `spans`, taken out; of an exact phrase only the quotes go."""
    cuts = [(one.start, one.end, one.value if one.kind == "phrase" else "") for one in found]
    kept, at = [], 0
    for start, end, instead in sorted([*cuts, *((start, end, " ") for start, end in spans)]):
        kept += [text[at:start], instead]
        at = end
    words = " ".join("".join([*kept, text[at:]]).split())
    if spans:
        words = re.sub(r"^(?:['’]s\b)?[\s,;:?!.]+|\s+(?=[,;:?!.])|(?<=\s)['’]s\b\s*", "", words)
    return words if any(letter.isalnum() for letter in words) or not (found or spans) else ""


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST - _TAIL - 1].rsplit(None, 1)[0] + "\n" + text[-_TAIL:]


def _values(found: Sequence[Filter], kind: Kind) -> tuple[str, ...]:
    return _unique(filter.value for filter in found if filter.kind == kind)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _bare(value: str) -> str:
    return " ".join(value.strip('"“”').split())


def _place(value: str) -> str:
    return _bare(value.strip()).removeprefix("@").removeprefix("./")


def _asks(text: str, found: Sequence[Filter]) -> bool:
    """Whether it is a sentence with a question mark, and not only a phrase that is looked for."""
    around = _without(text, [replace(one, value="") for one in found])
    return text.rstrip().endswith("?") and len(around.split()) >= ASKING_WORDS


def _list_of_filters() -> str:
    return ", ".join(["@folder/", "#tag", *(f"{name}:" for name in _NAMES), '"exact words"', "-word"])
