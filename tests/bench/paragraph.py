"""How many passages of a 300-page text are embedded again when one paragraph of it changes, comes or goes.

    python -m tests.bench.paragraph FOLDER [--characters 600000] [--places 9]

The text is the Markdown of FOLDER, file after file, up to so many characters; read as Markdown, and once more as plain
text, which has no headings. It is deterministic: the tokenizer is the estimate that cuts where no model is there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from brain import readers
from brain.chunking import EstimatedTokenizer, cut
from brain.store.rows import key_of

ADDED = "This paragraph was not there before. It says nothing of note."


def keys(name: str, parts: list[str]) -> list[bytes]:
    """What names each passage as it is embedded."""
    document = readers.parse(Path(name), "\n\n".join(parts).encode())
    title = document.title if document.titled else None
    chunks = cut(document, EstimatedTokenizer())
    return [key_of(title, chunk.headings, chunk.text, document.format) for chunk in chunks]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--characters", type=int, default=600_000)
    options.add_argument("--places", type=int, default=9)
    chosen = options.parse_args()
    text = ""
    for path in sorted(chosen.folder.rglob("*.md")):
        text += path.read_text(errors="replace").strip() + "\n\n"
        if len(text) >= chosen.characters:
            break
    parts = [part for part in text[: chosen.characters].split("\n\n") if part.strip()]
    for name in ("long.md", "long.txt"):
        before = keys(name, parts)
        known = set(before)
        for what in ("edited", "put in", "taken out"):
            fresh = []
            for place in range(chosen.places):
                at = place * (len(parts) - 1) // max(1, chosen.places - 1)
                middle = {"edited": [parts[at] + " And more."], "put in": [ADDED, parts[at]], "taken out": []}[what]
                fresh.append(sum(key not in known for key in keys(name, [*parts[:at], *middle, *parts[at + 1 :]])))
            print(f"{name}: {len(before)} passages; a paragraph {what}: embedded again {sorted(fresh)}", flush=True)


if __name__ == "__main__":
    main()
