"""What never leaves this machine: notes that say so of themselves, and those that the settings name. Pure.

In doubt a note is private: what cannot be told apart from a mark is one, and a rule that can never match is refused.
Brain's own question whether a text *looks* secret is another one; see hiding.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from brain.errors import SettingsError
from brain.scoping import Places, folded, relative_parts, tags_named

SAYS_SO = "the note says private"
TOO_MANY = "it has too many tags to tell"
MOST_TAGS = 200  # of one document are kept: of one that has them all the rest is not known
TAG = "private"  # the tag that marks a note, and what is below it

_FRONT = 64_000  # characters of front matter that are looked at
_NO = r"(?:false|no|n|0|off|none|null|nein|nicht|non)"
_YES = r"(?:true|yes|y|1|on|x|ja|oui|si|sí)"
_QUOTE = "[\"']?"
_END = r"(?![\w-])"
# `private` with any value but a clear no, or `public` with one, anywhere in front matter: also in {flow: style} and on the
# next line. What a YAML or TOML reader takes for the key is always among them.
_KEY = re.compile(
    rf"(?<![\w-])(?:private{_QUOTE}\s*[:=]++(?!\s*{_QUOTE}{_NO}{_QUOTE}\s*(?:[#,}}\]\n]|$))"
    rf"|public{_QUOTE}\s*[:=]+\s*{_QUOTE}{_NO}{_QUOTE}{_END})",
    re.IGNORECASE,
)
# A head without fences is running text as often as not: only a clear yes (or of `public` a clear no) counts.
_HEAD = re.compile(
    rf"(?<![\w-])(?:private{_QUOTE}[ \t]*[:=]+[ \t]*{_QUOTE}{_YES}|public{_QUOTE}[ \t]*[:=]+[ \t]*{_QUOTE}{_NO}){_END}",
    re.IGNORECASE,
)
# Logseq's and Dataview's `private:: true`, wherever it stands; `private::` alone too.
_PROPERTY = re.compile(
    rf"(?:^[ \t>]*(?:[-*+][ \t]+)?|[\[(])(?:private::(?![ \t]*{_QUOTE}{_NO}{_END})|public::[ \t]*{_QUOTE}{_NO}{_END})",
    re.IGNORECASE | re.MULTILINE,
)
_TAGS = re.compile(
    rf"(?<![\w-])(?:tags?|keywords|filetags){_QUOTE}[ \t]*[:=]+([^\n]*(?:\n(?:[ \t]+|-)[^\n]*)*)", re.IGNORECASE
)
_NAMED = re.compile(rf"(?<![\w/-]){TAG}(?![\w-])", re.IGNORECASE)
_INLINE = re.compile(rf"(?<![\w/#&])(?<!\]\()#(?:\[\[)?{TAG}(?![\w-])", re.IGNORECASE)
_NEVER = re.compile(r"[\0\n\r]|\[\[")  # no name holds the first; the others are a link, not a place
_CODE = re.compile(r"`[^`\n]+`")
_ENDS = {fence: re.compile(rf"\n(?:{re.escape(fence)}|\.\.\.)[ \t]*(?:\n|$)") for fence in ("---", "+++")}


def is_marked(text: str, tags: Iterable[str] = ()) -> bool:
    """Whether a note says of itself that it is private, by its text or its tags. Linear in the text.

    `private:` in front matter with anything but a clear no (true, yes, 1, on …), `public:` with a clear no, Logseq's
    `private:: true`, and the tag #private or one below it, also where the tag stands in a heading or a block of code.
    """
    if tags_named(TAG, tags):
        return True
    text = (text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text).lstrip("\ufeff \t\n")
    front = _front(text)
    if front and (_KEY.search(front) or any(_NAMED.search(found[1]) for found in _TAGS.finditer(front))):
        return True
    head = text[:_FRONT].partition("\n\n")[0]
    if not front and (_HEAD.search(head) or any(_NAMED.search(found[1]) for found in _tag_lines(head))):
        return True
    if "::" in text and _PROPERTY.search(text):
        return True
    return "#" in text and _INLINE.search(_CODE.sub(" ", text) if "`" in text else text) is not None


def _front(text: str) -> str:
    """The front matter; where its end is missing, as much as front matter may have."""
    fence = text[:3]
    if fence not in _ENDS or text[3:4] not in ("", " ", "\t", "\n"):
        return ""
    end = _ENDS[fence].search(text, 3)
    return text[3 : end.start()] if end else text[3:_FRONT]


def _tag_lines(head: str) -> Iterable[re.Match[str]]:
    """`tags:: a, b` and `#+filetags: :a:b:` of a head without fences; "tags: …" alone begins many a sentence."""
    return (found for found in _TAGS.finditer(head) if "::" in found[0] or "#+" in head)


class Rules:
    """The rules of `[privacy] private`: folders ("journal/"), files ("plans/secret.md"), patterns ("*.key.md"), tags ("#health").

    Whatever the case: a folder anywhere in the path from the watched folder's own name downwards, a file by the end of
    its path, with or without its ending, both also from `~/` or `/` on, the disk's or a watched folder's; `*` and `?`
    within one name, `**` across folders; a tag with those below it. Raises SettingsError for a rule that can never match.
    """

    def __init__(
        self,
        private: Sequence[str] = (),
        *,
        folders: Collection[Path] = (),
        real: Callable[[str], str] | None = None,
    ) -> None:
        """`folders` are the watched ones; `real` says where a path really leads, and is given where links are followed."""
        self.private = tuple(private)
        self.folders = tuple(folders)
        self._real = real
        self._tags: list[tuple[str, str]] = []
        self._places: list[tuple[str, Places | _Pattern]] = []
        spelt = tuple(map(os.fspath, folders))
        for rule in private:
            self._add(rule, rule.strip(), spelt)

    def _add(self, rule: str, place: str, folders: Collection[str]) -> None:
        if place.startswith("#"):
            tag = place.strip("#[]/ \t")
            if not tag:
                raise _useless(rule, "A tag has a name: #health")
            self._tags.append((rule, tag))
            return
        written = place.replace("\\", "/")
        place = os.path.expanduser(written)  # noqa: PTH111 -- of text
        parts = [part for part in place.split("/") if part not in ("", ".")]
        if not (parts or place.endswith("/")) or ".." in parts or place.startswith("~") or _NEVER.search(place):
            raise _useless(rule, 'A folder is "journal/", a file "plans/secret.md", a tag "#health".')
        ways = [place]
        if written.startswith("/"):  # as .gitignore means it, too: from a watched folder on
            ways += [f"{folder.rstrip('/')}{place}" for folder in folders]
        if place.startswith("/") and (real := os.path.realpath(place)) != place.rstrip("/"):
            ways.append(f"{real}/" if place.endswith("/") else real)  # a watched folder is known by where it really is
        self._places.append((rule, Places(ways, folders)))
        if "*" in place or "?" in place:
            self._places += [(rule, _Pattern(way, folders)) for way in ways]

    @property
    def of_tags(self) -> bool:
        """Whether any rule is of a tag."""
        return bool(self._tags)

    @property
    def of_places(self) -> bool:
        """Whether any rule is of a folder or a file."""
        return bool(self._places)

    def why(self, path: Path, *, tags: Sequence[str], marked: bool) -> str:
        """Why a document must not leave this machine, in a few words; "": it may."""
        if marked or tags_named(TAG, tags):
            return SAYS_SO
        if self._places:
            spelt = os.fspath(path)
            for one in (spelt,) if self._real is None else dict.fromkeys((spelt, self._real(spelt))):
                for rule, places in self._places:
                    if places.hold(one):
                        return f"{rule} is private"
        for rule, tag in self._tags:
            if tags_named(tag, tags):
                return f"{rule} is private"
        return TOO_MANY if self._tags and len(tags) >= MOST_TAGS else ""


class _Pattern:
    """A place with `*` or `?` in it."""

    def __init__(self, place: str, folders: Collection[str]) -> None:
        self._folders = folders
        self._is_absolute = place.startswith("/")
        parts = [part for part in folded(place).split("/") if part not in ("", ".")]
        body = "/".join("\0" if part == "**" else re.sub(r"[^*?]+|\*+|\?", _as_regex, part) for part in parts)
        body = body.replace("\0/", "(?:.*/)?").replace("\0", ".*")
        start = r"\A/" if self._is_absolute else "/"
        self._regex = re.compile(start + body + ("/" if place.endswith("/") else r"(?:/|\Z)"), re.DOTALL)

    def hold(self, path: str) -> bool:
        """Whether the file at a path is meant."""
        spelt = path if self._is_absolute else "/" + "/".join(relative_parts(path, self._folders))
        return self._regex.search(folded(spelt)) is not None


def _as_regex(found: re.Match[str]) -> str:
    return {"*": "[^/]*", "?": "[^/]"}.get(found[0][0]) or re.escape(found[0])


def _useless(rule: str, hint: str) -> SettingsError:
    return SettingsError(f"[privacy] private: the rule {rule!r} can never match.", hint=hint)
