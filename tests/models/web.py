"""A web server on this machine that serves files, and can be slow, wrong, silent, cut short or without ranges."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Faults:
    """What goes wrong. By default nothing does."""

    ranges: bool = True  # False: all of the file whatever is asked for
    etag: bool = True
    cut_after: int = 0  # bytes of every answer, then the connection ends
    silent_after: int = 0  # bytes of every answer, then nothing until the end
    slice: int = 1 << 16  # bytes at a time
    pause: float = 0.0  # seconds between two of them
    lies_about_size: int = 0  # bytes more than it has
    statuses: dict[str, int] = field(default_factory=dict)  # by file name
    redirects: dict[str, str] = field(default_factory=dict)  # by file name, to which address
    linked: str = ""  # the SHA-256 that the hub gives for every file, instead of the right one


class Web(ThreadingHTTPServer):
    """Serves `files` by the last part of their path, and lists them as the model hub does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files: dict[str, bytes] = {}
        self.faults = Faults()
        self.asked: list[tuple[str, str, str, str]] = []  # method, path, range, if-range
        self.end = threading.Event()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/some/where/{name}"

    @property
    def ranges(self) -> list[str]:
        """The ranges that were asked for of a file's end."""
        return [wanted for _, _, wanted, _ in self.asked if wanted and not wanted.startswith("bytes=0-")]

    def handle_error(self, request: Any, client_address: Any) -> None: ...  # clients are killed here on purpose


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        web, faults = self.server, self.server.faults
        wanted, condition = self.headers.get("Range", ""), self.headers.get("If-Range", "")
        web.asked.append((self.command, self.path, wanted, condition))
        if self.path.startswith("/api/models/"):
            listed = [
                {"type": "file", "path": name, "size": len(web.files[name]), "oid": "0" * 40} for name in web.files
            ]
            self._say(200, json.dumps(listed).encode())
            return
        name = self.path.partition("?")[0].rpartition("/")[2]
        content = web.files.get(name)
        if name in faults.redirects:
            self.send_response(302)
            self.send_header("Location", faults.redirects[name])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if content is None or name in faults.statuses:
            self._say(faults.statuses.get(name, 404), b"")
            return
        digest = hashlib.sha256(content).hexdigest()
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if not body or not wanted or not faults.ranges or (condition and condition != f'"{digest}"'):
            start = -1
        if start >= len(content):
            self._say(416, b"")
            return
        self.send_response(200 if start < 0 else 206)
        if faults.etag:
            self.send_header("ETag", f'"{digest}"')
        if "/resolve/" in self.path:
            self.send_header("X-Linked-Etag", f'"{faults.linked or digest}"')
            self.send_header("X-Repo-Commit", "c" * 40)
        if start >= 0:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        start = max(0, start)
        self.send_header("Content-Length", str(len(content) - start + faults.lies_about_size))
        self.end_headers()
        if body:
            self._send(content[start:])

    def _send(self, content: bytes) -> None:
        faults = self.server.faults
        stop = faults.cut_after or faults.silent_after or len(content)
        for at in range(0, min(stop, len(content)), faults.slice):
            self.wfile.write(content[at : min(stop, at + faults.slice)])
            if faults.pause and self.server.end.wait(faults.pause):
                break
        if faults.cut_after:
            self.close_connection = True
        elif faults.silent_after or faults.lies_about_size:
            self.wfile.flush()
            if faults.silent_after:
                self.server.end.wait(60)
            self.close_connection = True

    def _say(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def serving() -> Iterator[Web]:
    """A server while the block runs."""
    server = Web()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.end.set()
        server.shutdown()
        thread.join()
        server.server_close()
