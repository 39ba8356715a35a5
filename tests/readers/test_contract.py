from pathlib import Path

import pytest

from brain import readers
from brain.chunking import EstimatedTokenizer, cut
from brain.errors import ReadError
from tests.contracts.reader import check_document

NOTES = Path(__file__).parent.parent / "notes"
REFUSED = {
    "binary.txt": "a program",
    "zipped.md": "a ZIP archive",
    "locked.pdf": "protected by a password",
    "not-a.pdf": "not a PDF",
}


def every_note() -> list[Path]:
    return sorted(NOTES.iterdir())


@pytest.mark.parametrize("note", [n for n in every_note() if n.name not in REFUSED], ids=lambda note: note.name)
def test_reader_keeps_its_promises(note: Path) -> None:
    document = readers.read(note, max_bytes=1_000_000)
    check_document(document)
    assert document.path == note
    chunks = cut(document, EstimatedTokenizer())
    assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_says_why(name: str) -> None:
    with pytest.raises(ReadError, match=REFUSED[name]) as caught:
        readers.read(NOTES / name, max_bytes=1_000_000)
    assert name in caught.value.reason and caught.value.hint
