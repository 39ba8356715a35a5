"""Which names are no notes: what programs keep beside notes, and what `.brainignore` and the settings leave out. Pure.

The rules are those of .gitignore: the last line that fits counts, a deeper file before the ones above it, `!` takes
back, and what lies in an ignored folder stays ignored. What Brain leaves out by itself counts least, so `!name` in a
`.brainignore` brings that back too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".brainignore"
# What programs keep beside the notes. Hidden folders (.git, .obsidian, .trash) and hidden files are left out as well;
# among those are what emacs (.#note), Syncthing (.syncthing.note.tmp) and vim leave for the blink of a save.
FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
BEGINNINGS = (".", "~$", "~syncthing~")
ENDINGS = ("~", ".tmp", ".swp", ".part", ".crdownload", ".icloud")


def is_left_out(name: str) -> bool:
    """Whether a file or folder of this name is left out where no rule says otherwise."""
    return name.startswith(BEGINNINGS) or name in FOLDERS or name.endswith(ENDINGS)


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts in one folder: the rules of the folders around it, then its own. Paths are relative to the watched folder."""

    levels: tuple[tuple[int, GitIgnoreSpec], ...] = ()  # how many characters of a path its rules do not look at

    def below(self, folder: str, lines: Iterable[str]) -> Rules:
        """These rules and those of a `.brainignore` in `folder`, which is "" or ends in "/"."""
        return Rules((*self.levels, (len(_composed(folder)), compiled(tuple(lines)))))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether the file or folder at a path is left out."""
        composed = _composed(path) + ("/" if is_folder else "")
        for start, spec in reversed(self.levels):
            if (said := spec.check_file(composed[start:]).include) is not None:
                return said
        return is_left_out(path.rpartition("/")[2])


@cache
def compiled(lines: tuple[str, ...]) -> GitIgnoreSpec:
    """Lines of a .gitignore, ready for use. A line that is no rule is passed over, as git does."""
    from pathspec import GitIgnoreSpec

    good = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(_composed(line))
    return GitIgnoreSpec.from_lines(good)


def _composed(text: str) -> str:
    """One spelling for an "é" that some file systems store as "e" and an accent."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
