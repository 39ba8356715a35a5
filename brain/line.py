"""A line between two Brains on one machine: JSON objects as frames of bytes over a Unix socket, both ends proven first.

Bytes only, never pickles. It knows nothing of questions and answers. Plain sockets rather than multiprocessing's: those
have no deadlines, cannot be woken to end, and let a client that says nothing keep everyone else waiting.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import socket
import stat
import struct
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from brain.wire import from_bytes, to_bytes

KEY_BYTES = 32
PATH_LIMIT = 100  # bytes of a socket's path: Linux takes 107, macOS 103
GREETING_BYTES = 4096  # nobody who has not proven the key may send more
REQUEST_BYTES = 16 << 20
REPLY_BYTES = 1 << 30  # a document of 50 MB, the most that is read, and every character escaped
GREETING_SECONDS = 2.0
SEND_SECONDS = 10.0  # one who does not take what was asked for (a stopped process) is let go

_HEADER = struct.Struct(">I")


class Line:
    """One end of a connection. One thread may receive while others send; `end` may be called from any."""

    def __init__(self, connected: socket.socket, *, limit: int) -> None:
        """`limit` is how many bytes a frame from the other end may have."""
        self.limit = limit
        self._socket = connected
        self._sending = threading.Lock()
        self._patience: float | None = None
        self._come = bytearray()  # of a frame that is not whole yet
        # The kernel's own deadlines: each is for one direction, where Python's would be for both.
        connected.setblocking(True)
        self._deadline(socket.SO_SNDTIMEO, SEND_SECONDS)

    def send(self, body: dict[str, Any]) -> None:
        """Send one object. Raises OSError when the other end is gone or does not listen; the line is over then."""
        frame = to_bytes(body)
        try:
            with self._sending:
                self._socket.sendall(_HEADER.pack(len(frame)) + frame)
        except OSError:
            self.end()  # half a frame may be out: nothing after it would be understood
            raise

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """The next object, or None where none comes in time. Raises EOFError at the end, ValueError for what is no frame."""
        try:
            if timeout != self._patience:
                self._deadline(socket.SO_RCVTIMEO, timeout or 0.0)
                self._patience = timeout
            self._fill(_HEADER.size)
            (size,) = _HEADER.unpack_from(self._come)
            if size > self.limit:
                raise ValueError("a frame over the limit")
            self._fill(_HEADER.size + size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise EOFError from error
        frame, self._come = bytes(self._come[_HEADER.size :]), bytearray()
        return from_bytes(frame)

    def end(self) -> None:
        """Hang up: whoever waits at either end hears it at once. The line's file is given back by `close`."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up and give the file back. No other thread may use the line any more."""
        self.end()
        self._socket.close()

    def _fill(self, size: int) -> None:
        while len(self._come) < size:
            part = self._socket.recv(min(size - len(self._come), 1 << 20))
            if not part:
                raise EOFError
            self._come += part

    def _deadline(self, which: int, seconds: float) -> None:
        whole = int(seconds)
        self._socket.setsockopt(socket.SOL_SOCKET, which, struct.pack("@ll", whole, int((seconds - whole) * 1e6)))


def greet(line: Line, key: bytes, about: dict[str, Any]) -> None:
    """The owner's side: say who we are, hear the proof, give ours. Raises OSError, EOFError, ValueError for who has none."""
    ours = nonce()
    line.send({**about, "nonce": ours})
    said = line.receive(GREETING_SECONDS) or {}
    theirs = str(said.get("nonce"))
    if not is_proven(key, said.get("proof"), "guest", ours, theirs):
        raise ValueError("no proof")
    line.send({"proof": proof(key, "owner", ours, theirs)})
    line.limit = REQUEST_BYTES


def hear_greeting(line: Line) -> dict[str, Any]:
    """The guest's side, first half: what the owner says of itself. Raises EOFError, ValueError; TimeoutError where it is silent."""
    if (said := line.receive(GREETING_SECONDS)) is None:
        raise TimeoutError
    return said


def answer_greeting(line: Line, key: bytes, greeting: dict[str, Any]) -> None:
    """The guest's side, second half: give the proof, hear the owner's. Raises OSError, EOFError, ValueError."""
    ours, theirs = nonce(), str(greeting.get("nonce"))
    line.send({"nonce": ours, "proof": proof(key, "guest", theirs, ours)})
    said = hear_greeting(line)
    if not is_proven(key, said.get("proof"), "owner", theirs, ours):
        raise ValueError("no proof")


def listen(home: Path) -> tuple[socket.socket, Path]:
    """A socket that only this user can reach, in `home` or, where that is too long or has none, in a folder of its own.

    Raises OSError. Whoever calls owns the store: a socket that is there already is of a process that died.
    """
    failed: OSError | None = None
    for path in (home / "socket", *_elsewhere(home)):
        if len(os.fsencode(path)) > PATH_LIMIT:
            continue
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            listening.bind(os.fspath(path))
            path.chmod(0o600)
            listening.listen(64)
            return listening, path
        except OSError as error:
            listening.close()
            failed = error
    raise failed or OSError("no path for a socket is short enough")


def hush(path: Path, home: Path) -> None:
    """Take a socket's path away again."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        if path.parent != home:
            path.parent.rmdir()


def connect(path: Path) -> Line:
    """A line to who listens there; nothing is proven yet. Raises OSError; TimeoutError where nobody takes the call."""
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connecting.settimeout(GREETING_SECONDS)  # where nobody takes the call
        connecting.connect(os.fspath(path))
        if peer_user(connecting) not in (None, os.getuid()):
            raise PermissionError("the socket is another user's")
        return Line(connecting, limit=REPLY_BYTES)
    except BlockingIOError as error:  # so many wait already that no more may
        connecting.close()
        raise TimeoutError from error
    except OSError:
        connecting.close()
        raise


def peer_user(connected: socket.socket) -> int | None:
    """The user at the other end, as the kernel knows it; None where it does not say."""
    if hasattr(socket, "SO_PEERCRED"):
        _, user, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(user)
    with suppress(OSError, struct.error):  # macOS: struct xucred of SOL_LOCAL (0), LOCAL_PEERCRED (1)
        version, user = struct.unpack("Ii", connected.getsockopt(0, 1, 76)[:8])
        return int(user) if version == 0 else None
    return None


def proof(key: bytes, who: str, *nonces: str) -> str:
    """What only a holder of the key can say, about these nonces only."""
    return hmac.new(key, "/".join((who, *nonces)).encode(), hashlib.sha256).hexdigest()


def is_proven(key: bytes, said: object, who: str, *nonces: str) -> bool:
    """Whether a proof is right, in a time that does not tell how nearly."""
    return isinstance(said, str) and hmac.compare_digest(
        said.encode("utf-8", "replace"), proof(key, who, *nonces).encode()
    )


def nonce() -> str:
    """A number used once."""
    return secrets.token_hex(16)


def new_key() -> bytes:
    """A secret for one owner's life."""
    return secrets.token_bytes(KEY_BYTES)


def _elsewhere(home: Path) -> list[Path]:
    """Short private folders for a socket: one that is the same for this home each time, then one made new."""
    name = f"brain-{os.getuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    found = []
    for root in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # macOS: a long temporary folder
        if root and (folder := _private(Path(root) / name)):
            found.append(folder / "socket")
    return found


def _private(folder: Path) -> Path | None:
    """The folder, made if need be; None where it is not ours alone: anyone may have made it in a shared place."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        now = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(now.st_mode) and now.st_uid == os.getuid() and not now.st_mode & 0o077
    return folder if ours else None
