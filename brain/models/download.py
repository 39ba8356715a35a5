"""Fetches a file from a web server in a process of its own, so that it can be stopped at any moment.

`python -m brain.models.download fetch URL TARGET BYTES VALIDATOR` brings it to TARGET, going on where an earlier attempt
was cut as long as the server's file is the same (VALIDATOR: its ETag or date). `… look FOLDER URL…` finds out how large
the files are and what the first one's header says. Only encrypted connections, and loopback. Says "answered" on stdout
once the server has; ends with 1 and one line on stderr where it does not work.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from brain.errors import ModelError
from brain.models.arriving import CHUNK, alone_with, end_with_parent, keep_head, keep_look, say_answered
from brain.models.origins import next_hop

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS, SILENT_SECONDS = 5.0, 75.0  # the second is the parent's business, which stops us before
HOPS = 6
IN_VAIN = 3  # attempts in a row that bring nothing new
PAUSE_SECONDS = 0.5
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')


def main(what: str, *arguments: str) -> int:
    """Do what was asked; returns the exit status."""
    import httpx

    timeout = httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
    headers = {"User-Agent": "brain", "Accept-Encoding": "identity"}
    try:
        with httpx.Client(timeout=timeout, headers=headers, follow_redirects=False) as client:
            if what == "fetch":
                _fetch(client, *arguments)
            else:
                _look(client, *arguments)
    except ModelError as error:
        sys.stderr.write(f"{error.reason}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return 1
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        sys.stderr.write(f"{_in_words(error)}\n")
        return 1
    return 0


def _look(client: httpx.Client, folder: str, *urls: str) -> None:
    files: list[dict[str, str | int]] = []
    for url in urls:
        with _opened(client, url, {}) as (response, sha256):
            _check(response)
            if not files:
                say_answered()
            size = int(response.headers.get("Content-Length", 0))
            files.append({"where": url, "bytes": size, "sha256": sha256, "validator": _validator(response)})
            if url == urls[0]:
                keep_head(response.iter_bytes(CHUNK), size, Path(folder))
    keep_look(Path(folder), "", files)


def _fetch(client: httpx.Client, url: str, target: str, size: str, validator: str) -> None:
    path = Path(target)
    part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.note")
    with part.open("ab") as file:
        alone_with(file)
        if not validator or not note.is_file() or note.read_text(encoding="utf-8") != validator:
            file.truncate(0)
            note.write_text(validator, encoding="utf-8")
        _bring(client, url, file, int(size), validator)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _bring(client: httpx.Client, url: str, file: BinaryIO, size: int, validator: str) -> None:
    """All the rest of the file. A broken connection is made anew as long as each brings something."""
    import httpx

    furthest, in_vain = file.seek(0, os.SEEK_END), 0
    while True:
        try:
            _one_attempt(client, url, file, size, validator)
            return
        except (httpx.TransportError, _Again) as error:
            file.flush()
            have = file.seek(0, os.SEEK_END)
            in_vain = 0 if have > furthest else in_vain + 1
            furthest = max(furthest, have)
            if in_vain >= IN_VAIN:
                raise ModelError(f"{_in_words(error)}, at {have:,} of {size or 'unknown':,} bytes") from error
            time.sleep(PAUSE_SECONDS)


def _one_attempt(client: httpx.Client, url: str, file: BinaryIO, size: int, validator: str) -> None:
    have = file.seek(0, os.SEEK_END)
    if size and have >= size:
        if have == size:
            say_answered()
            return
        have = file.truncate(0)
    asked = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
    with _opened(client, url, asked) as (response, _):
        if response.status_code == 416:
            file.truncate(0)
            raise _Again("the server has less than it had")
        _check(response)
        say_answered()
        if _validator(response) != validator:
            file.truncate(0)
            raise ModelError("the file was replaced by another one in the meantime")
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if response.status_code != 206:
            have = file.truncate(0)  # it sends all of it, whatever was asked for
        elif start is None or int(start[1]) != have:
            file.truncate(0)
            raise _Again("the server sends another part than it was asked for")
        for chunk in response.iter_bytes(CHUNK):
            file.write(chunk)
            file.flush()
            have += len(chunk)
            if size and have > size:
                file.truncate(0)
                raise ModelError("the server sends more than it said")
    if size and have != size:
        raise _Again("the connection was cut")


@contextmanager
def _opened(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[tuple[httpx.Response, str]]:
    """The answer to a request, redirections followed, and the SHA-256 that one of the servers gave for the file."""
    sha256 = ""
    for _ in range(HOPS):
        with client.stream("GET", url, headers=headers) as response:
            linked = _SHA256.fullmatch(response.headers.get("X-Linked-Etag", ""))
            sha256 = sha256 or (linked[1] if linked else "")
            if not response.has_redirect_location:
                yield response, sha256
                return
            url = next_hop(url, response.headers["Location"])
    raise ModelError("the server sends us in circles")


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in (404, 410):
        raise ModelError(f"there is no such file ({status})")
    if status in (401, 403):
        raise ModelError(f"the file is not public ({status})")
    if status not in (200, 206):
        raise ModelError(f"the server answered with an error ({status})")


def _validator(response: httpx.Response) -> str:
    """What tells this version of the file from any other: a strong ETag, else its date."""
    etag: str = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else str(response.headers.get("Last-Modified", ""))


def _in_words(error: Exception) -> str:
    import httpx

    match error:
        case httpx.ConnectTimeout():
            return "it did not answer"
        case httpx.ConnectError():
            return f"it cannot be reached ({error})"
        case httpx.TimeoutException():
            return "it stopped sending"
        case httpx.TransportError():
            return "the connection was cut"
        case _:
            return str(error) or type(error).__name__


class _Again(Exception):
    """This attempt came to nothing; another may not."""


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(*sys.argv[1:]))
