import os
import signal
import subprocess
import sys
import time
import warnings
from itertools import count
from pathlib import Path

import pytest

from brain.errors import ReadError
from brain.readers import pdf, pdf_worker
from brain.readers.pdf_text import readable, tidy
from brain.readers.pdf_worker import Extract, PdfWorker

NOTES = Path(__file__).parent.parent / "notes"
REPORT = (NOTES / "report.pdf").read_bytes()


def bare_pdf(contents: str, *, pages: int = 1, compressed: bytes | None = None) -> bytes:
    """A PDF whose every page is one content stream, shared, in Helvetica; without a cross-reference table."""
    stream = compressed if compressed is not None else contents.encode("latin-1")
    kind = "/Filter/FlateDecode" if compressed is not None else ""
    kids = " ".join("3 0 R" for _ in range(pages))
    return (
        f"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[{kids}]/Count {pages}>>\n"
        "endobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
        f"\nendobj\n4 0 obj\n<<{kind}/Length {len(stream)}>>\nstream\n"
    ).encode() + stream + b"\nendstream\nendobj\n5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n"  # fmt: skip


def test_report_has_title_date_pages_and_labels() -> None:
    document = pdf.read(NOTES / "report.pdf")
    assert (document.title, document.titled, document.date) == ("Garden report", True, "2024-03-09")
    assert (document.pages, document.unread_pages, document.page_labels) == (3, (2,), ("i", "1", "2"))


def test_outline_gives_the_headings_and_blocks_keep_to_their_page() -> None:
    document = pdf.read(NOTES / "report.pdf")
    assert [(block.page, block.headings) for block in document.blocks] == [
        (1, ("Soil",)),
        (1, ("Soil", "Water")),
        (3, ("Harvest",)),
    ]
    assert document.text[document.blocks[1].start :].startswith("2 Water")


def test_lines_become_sentences_that_read_well() -> None:
    text = pdf.read(NOTES / "report.pdf").text
    assert "holds water for many days after rain. It was tested in March and the result was a pH of 6.4" in text


def test_empty_password_opens_and_a_real_one_is_named() -> None:
    assert "without a password" in pdf.read(NOTES / "locked-empty.pdf").text
    with pytest.raises(ReadError, match=r"locked\.pdf is protected by a password") as caught:
        pdf.read(NOTES / "locked.pdf")
    assert caught.value.hint


def test_pages_without_text_are_a_state_not_a_failure() -> None:
    document = pdf.read(NOTES / "scanned.pdf")
    assert (document.pages, document.unread_pages, document.blocks) == (2, (1, 2), ())


def test_glyph_names_are_not_text() -> None:
    assert pdf.read(NOTES / "glyph-names.pdf").unread_pages == (2,)


def test_file_without_its_table_is_mended() -> None:
    document = pdf.parse(Path("cut.pdf"), bare_pdf("BT /F1 12 Tf 20 200 Td (Still here.) Tj ET"))
    assert document.text == "Still here."


def test_hang_is_ended_and_the_next_file_is_read() -> None:
    worker = PdfWorker(page_seconds=0.5, file_seconds=5)
    loop = bare_pdf("BT /F1 1 Tf " + "(a) Tj " * 900_000 + "ET")
    try:
        assert worker.extract(loop).trouble == "took too long to read"
        worker._page_seconds = 10
        assert worker.extract(REPORT).pages == 3
    finally:
        worker.close()


def test_a_process_that_stood_still_does_not_blame_the_file() -> None:
    looks = count()
    worker = PdfWorker(clock=lambda: time.monotonic() + (3600.0 if next(looks) >= 3 else 0.0))
    try:
        extract = worker.extract(REPORT)
    finally:
        worker.close()
    assert (extract.trouble, extract.pages, len(extract.texts)) == (None, 3, 3)
    assert next(looks) > 3


def test_file_clock_keeps_the_pages_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = PdfWorker(page_seconds=5, file_seconds=1.0)
    monkeypatch.setattr(pdf, "WORKER", worker)
    try:
        document = pdf.parse(Path("many.pdf"), bare_pdf("BT /F1 12 Tf 20 200 Td (One page.) Tj ET", pages=60_000))
    finally:
        worker.close()
    assert document.pages == 60_000 and document.blocks and document.unread_pages


def test_death_of_the_child_costs_one_file() -> None:
    worker = PdfWorker()
    try:
        assert worker.extract(REPORT).pages == 3
        assert worker._child is not None
        os.kill(worker._child.pid, signal.SIGKILL)
        worker._child.wait()
        assert worker.extract(REPORT).pages == 3
    finally:
        worker.close()


@pytest.mark.parametrize("trouble", ["took too long to read", "made the PDF reader crash"])
def test_trouble_before_the_first_page_is_a_read_error(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_worker.PdfWorker, "extract", lambda self, data: Extract(trouble=trouble))
    with pytest.raises(ReadError, match=rf"^bad\.pdf {trouble}"):
        pdf.parse(Path("bad.pdf"), REPORT)


def test_nothing_is_left_over_when_the_program_ends() -> None:
    code = (
        "from pathlib import Path; from brain.readers import pdf, pdf_worker; "
        f"pdf.read(Path({str(NOTES / 'report.pdf')!r})); print(pdf_worker.WORKER._child.pid)"
    )
    root = Path(pdf.__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_child_sees_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "canary")
    worker = PdfWorker()
    try:
        worker.extract(REPORT)
        assert worker._child is not None
        environment = Path(f"/proc/{worker._child.pid}/environ")
        if environment.exists():
            assert b"canary" not in environment.read_bytes()
    finally:
        worker.close()


def test_closing_twice_is_fine_and_leaves_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        worker = PdfWorker()
        worker.extract(REPORT)
        worker.close()
        worker.close()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("the de\ufffesirability of it", "the desirability of it"),
        ("self\ufffeattention is like self-attention", "self-attention is like self-attention"),
        ("pre\ufffe2024", "pre-2024"),
        ("an eﬃcient ﬁle", "an efficient file"),
        ("x² costs 3½ €", "x² costs 3½ €"),
        ("NUL\x00s and \x1b[31mred", "NULs and \ufffd[31mred"),
        ("北京是中国\n的首都，人口众多", "北京是中国\n\n的首都，人口众多"),
    ],
)
def test_page_text_is_made_readable(raw: str, text: str) -> None:
    assert tidy(raw) == text


@pytest.mark.parametrize("raw", ["", " \n", "/g523/g883/g12", "(cid:12)(cid:7)a", "\x14\x15\x16ab\x17", "--- ..."])
def test_unreadable_pages_are_recognised(raw: str) -> None:
    assert not readable(raw)


def test_readable_page() -> None:
    assert readable("Revenue rose by 4 %.\n中文")
