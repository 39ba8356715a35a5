"""A folder of notes that a seeded driver changes as people, editors and sync programs do."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

VOCABULARY = [
    first + middle + last
    for first in ("ba", "do", "ki", "lu", "me", "ra", "su", "ti")
    for middle in ("lan", "mor", "net", "pil", "rus", "vek")
    for last in ("a", "en", "is", "o", "um")
]
LEAST = 20  # so many notes stay: a folder that is suddenly empty is taken for unmounted


class Vault:
    """Notes below `root`. Each change is drawn from `seed` alone."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self._made = 0
        root.mkdir(parents=True, exist_ok=True)

    def notes(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*.md") if path.is_file())

    def fill(self, count: int) -> None:
        for _ in range(count):
            self.create()

    def change(self) -> str:
        """Do one thing to the folder; returns what."""
        kinds: dict[str, Callable[[], None]] = {
            "create": self.create,
            "edit": self.edit,
            "save": self.save,
            "same size": self.same_size,
            "move": self.move,
            "copy": self.copy,
            "swap": self.swap,
            "delete": self.delete,
            "rename folder": self.rename_folder,
        }
        kind = self.random.choices(list(kinds), weights=(4, 6, 4, 1, 2, 1, 1, 4, 1))[0]
        kinds[kind]()
        return kind

    def create(self) -> None:
        self._free().write_text(self._text())

    def edit(self) -> None:
        path = self._any()
        parts = path.read_text().split("\n\n")
        at = self.random.randrange(len(parts) + 1)
        parts[at : at + self.random.choice((0, 1))] = [self._paragraph()]
        path.write_text("\n\n".join(parts))

    def save(self) -> None:
        """As careful editors do: a new file takes the place of the old."""
        path = self._any()
        draft = path.with_name(f".{path.name}.tmp")
        draft.write_text(path.read_text() + "\n\n" + self._paragraph())
        draft.replace(path)

    def same_size(self) -> None:
        path = self._any()
        text = path.read_text()
        path.write_text(text[:-3] + "".join(self.random.choices("abcdefgh", k=3)))

    def move(self) -> None:
        self._any().rename(self._free())

    def copy(self) -> None:
        self._free().write_bytes(self._any().read_bytes())

    def swap(self) -> None:
        one, other = self._any(), self._any()
        if one != other:
            aside = one.with_name(".aside")
            one.rename(aside)
            other.rename(one)
            aside.rename(other)

    def delete(self) -> None:
        if len(notes := self.notes()) > LEAST:
            self.random.choice(notes).unlink()

    def rename_folder(self) -> None:
        folders = sorted(path for path in self.root.iterdir() if path.is_dir())
        if folders:
            self._made += 1
            self.random.choice(folders).rename(self.root / f"folder{self._made}")

    def _any(self) -> Path:
        return self.random.choice(self.notes())

    def _free(self) -> Path:
        self._made += 1
        folder = self.root / self.random.choice(("", "", "plans", "plans/old", "letters"))
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"note{self._made}.md"

    def _text(self) -> str:
        body = [self._paragraph() for _ in range(self.random.randint(1, 8))]
        return "\n\n".join([f"# {self.random.choice(VOCABULARY)} {self._made}", *body])

    def _paragraph(self) -> str:
        words = self.random.choices(VOCABULARY, k=self.random.randint(20, 120))
        words.insert(self.random.randrange(len(words)), f"q{self.random.getrandbits(40):010x}")
        return " ".join(words) + "."
