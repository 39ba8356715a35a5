"""What runs in the child process that reads PDFs: the only file that knows pypdfium2 and pypdf.

One file at a time: a line of JSON with its size, then its bytes, on standard input. Lines of JSON come back: how many
pages, every page, what the file says about itself, the end. Who starts it keeps the clock.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from brain.offline import go_offline
from brain.readers.pdf_text import readable, tidy

Line = dict[str, Any]
_MEMORY = 2 << 30  # 100 MB are usual; bombs stop here
_PAGE_CHARACTERS = 1_000_000
_OUTLINE_ENTRIES = 2_000
_PASSWORD_NEEDED = 4  # FPDF_ERR_PASSWORD
_UNREADABLE = "is not a readable PDF"
_CATALOG = re.compile(rb"(\d{1,9}) 0 obj\s*<<[^>]{0,200}?/Type\s*/Catalog")
_LOCKED = "is protected by a password"


def main() -> None:
    """Serve files until standard input ends."""
    go_offline()  # a document needs no network, whatever is in it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    _limit()
    questions = sys.stdin.buffer
    while line := questions.readline():
        order = json.loads(line)
        data = questions.read(order["size"])
        if len(data) < order["size"]:
            return
        _watch(order["seconds"])
        for answer in _answers(data):
            _send(answers, answer)
        _watch(0)


def _send(answers: BinaryIO, answer: Line) -> None:
    answers.write(json.dumps(answer).encode("ascii") + b"\n")
    answers.flush()


def _limit() -> None:
    """No files, no core, 2 GB. A system that refuses one of them still has the clock."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, _MEMORY)):
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):
            continue


def _watch(seconds: int) -> None:
    """End this process should it outlive whoever keeps the clock."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _answers(data: bytes) -> Iterator[Line]:
    try:
        yield from _with_pdfium(data)
    except _Refused as refused:
        try:
            yield from _with_pypdf(data)
        except Exception as error:  # noqa: BLE001 - pypdf documents that a broken file may raise anything; pdfium said why
            yield {"error": _LOCKED if _is_lock(error) else refused.reason}
    except Exception as error:  # noqa: BLE001 - a broken file may raise anything, and costs this file only
        yield {"error": f"{_UNREADABLE} ({type(error).__name__})"}


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _is_lock(error: Exception) -> bool:
    return type(error).__name__ in ("FileNotDecryptedError", "WrongPasswordError")


def _with_pdfium(data: bytes) -> Iterator[Line]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)  # tries the empty password itself
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_NEEDED:
            yield {"error": _LOCKED}
            return
        try:
            document = pypdfium2.PdfDocument(data + _trailer(data))
        except pypdfium2.PdfiumError as worse:
            raise _Refused(_UNREADABLE) from worse
    try:
        count = len(document)
        if count == 0:
            raise _Refused("has no pages")
        yield {"pages": count}
        for at in range(count):
            try:
                page = document[at]
                words = page.get_textpage()
                raw = words.get_text_range()[:_PAGE_CHARACTERS]
                words.close()
                page.close()
            except Exception:  # noqa: BLE001 - a page that cannot be read is an unread page, whatever pdfium said
                raw = ""
            yield _page(at + 1, raw)
        yield {"about": _about_with_pdfium(document, count)}
        yield {"done": True}
    finally:
        document.close()


def _trailer(data: bytes) -> bytes:
    """A new end for a file that lost its own, as by a broken download; pdfium then finds the objects itself."""
    root = _CATALOG.search(data)
    return b"\ntrailer\n<</Root %s 0 R>>\nstartxref\n0\n%%%%EOF\n" % root[1] if root else b""


def _page(number: int, raw: str) -> Line:
    return {"page": number, "text": tidy(raw) if readable(raw) else ""}


def _about_with_pdfium(document: Any, count: int) -> Line:
    """Title, date, labels, outline: each only if it can be had."""
    about: Line = {}
    try:
        said = document.get_metadata_dict(skip_empty=True)
        about["title"], about["date"] = said.get("Title", "")[:1000], said.get("CreationDate", "")[:100]
        about["labels"] = [document.get_page_label(at)[:50] for at in range(count)]
        outline = []
        for entry in itertools.islice(document.get_toc(), _OUTLINE_ENTRIES):
            destination = entry.get_dest()
            at = destination.get_index() if destination else None
            if at is not None and 0 <= at < count:
                outline.append([entry.level, entry.get_title()[:500], at + 1])
        about["outline"] = outline
    except Exception:  # noqa: BLE001 - the pages are what matters
        pass
    return about


def _with_pypdf(data: bytes) -> Iterator[Line]:
    """Slower and more forgiving: for files whose tables are so broken that pdfium gives up."""
    import pypdf

    # jbig2dec is a program, and none is started from here
    with pypdf.apply_configuration(jbig2dec_binary=None):
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            yield {"error": _LOCKED}
            return
        pages = list(itertools.islice(reader.pages, 100_000))
        if not pages:
            raise _Refused("has no pages")
        yield {"pages": len(pages)}
        for number, page in enumerate(pages, 1):
            try:
                raw = page.extract_text()[:_PAGE_CHARACTERS]
            except Exception:  # noqa: BLE001 - a broken page may raise anything
                raw = ""
            yield _page(number, raw)
        try:
            said: Any = reader.metadata or {}
            about: Line = {
                "title": str(said.get("/Title", ""))[:1000],
                "date": str(said.get("/CreationDate", ""))[:100],
            }
        except Exception:  # noqa: BLE001 - title and date of a broken file may raise anything, and are no loss
            about = {}
        yield {"about": about}
        yield {"done": True}


if __name__ == "__main__":
    main()
