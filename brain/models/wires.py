"""One HTTP exchange that can be stopped at any moment: while a name is looked up, a connection made, an answer waited for.

The only user of httpcore, which is what httpx sends through: httpx itself has no place for sockets of one's own, and
without those nothing can be stopped before the first byte has come. No redirect is followed, nothing is unpacked, and what
the library says in its errors goes no further, because it repeats headers.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar, cast

from brain.models.addresses import Address, is_loopback
from brain.models.keys import Secret
from brain.seams import Cancel

SLICE = 0.05  # seconds between two looks at `cancel`
HOME = (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))  # what "localhost" is, whatever a resolver says

Trouble = Literal[
    "lookup",
    "barred",
    "refused",
    "unreachable",
    "slow",
    "certificate",
    "tls",
    "proxy",
    "silent",
    "cut",
    "endless",
    "garbled",
]
BEFORE = frozenset[Trouble](  # what comes before a byte of a body has left
    ("lookup", "barred", "refused", "unreachable", "slow", "certificate", "tls", "proxy")
)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that are waited."""

    connect: float = 5.0
    idle: float = 300.0  # without one byte; a keep-alive counts as one
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0)  # before another try, where the server is busy
    longest_pause: float = 60.0  # that a server may ask for


class Stopped(Exception):
    """The person asked to stop."""


class Fault(Exception):
    """The network did not do as it should. `detail` holds nothing that a server wrote."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says ahead of its body; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]


class Exchange:
    """One request and its answer. `close` ends the connection, whatever is still to come."""

    def __init__(self, address: Address, *, cancel: Cancel, patience: Patience) -> None:
        self._address = address
        self._patience = patience
        self._network = _Network(cancel)
        self._pool: Any = None
        self._response: Any = None

    @property
    def sent(self) -> int:
        """How many bytes have left this process."""
        return self._network.sent

    def open(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, key: Secret | None = None
    ) -> Reply:
        """Send a request, to `path` below the address, and wait for the head of the answer. Raises Fault, Stopped."""
        response = self._response = self._calling(lambda: self._begin(method, path, headers, body, key))
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, told)

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, as it was sent. Raises Fault, Stopped."""
        stream = self._response.iter_stream()
        while (piece := self._calling(lambda: next(stream, None))) is not None:
            yield piece

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(Exception):  # it is over either way
            if self._response is not None:
                self._response.close()
        with contextlib.suppress(Exception):
            if self._pool is not None:
                self._pool.close()
        self._network.close()

    def _begin(self, method: str, path: str, headers: Mapping[str, str], body: bytes, key: Secret | None) -> Any:
        import httpcore

        logging.getLogger("httpcore").setLevel(logging.WARNING)  # its debug log has every header that comes
        at = self._address
        context = _certificates() if at.scheme == "https" else None
        options = {"ssl_context": context, "network_backend": cast(Any, self._network), "http2": False}
        proxy = None if at.is_home else _proxy_for(at)
        if proxy is None:
            self._pool = httpcore.ConnectionPool(**options)
        else:
            url, user = proxy
            self._pool = httpcore.HTTPProxy(proxy_url=url, proxy_auth=user, **options)
        wait = self._patience
        limits = {"connect": wait.connect, "read": wait.idle, "write": wait.idle, "pool": wait.connect}
        told = {"Host": at.host, **headers}
        if body:
            told["Content-Length"] = str(len(body))
        if key is not None:
            told["Authorization"] = f"Bearer {key.reveal()}"
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=at.scheme, host=at.name, port=at.port, target=at.path + path),
            headers=list(told.items()),
            content=body or None,
            extensions={"timeout": limits},
        )
        return self._pool.handle_request(request)

    def _calling(self, step: Callable[[], Found]) -> Found:
        import httpcore

        try:
            return step()
        except Stopped:
            raise
        except Fault as error:
            fault = error.with_traceback(None)
        except httpcore.ProxyError as error:
            status = str(error)[:3]
            fault = Fault("proxy", status if status.isdecimal() else "")
        except httpcore.RemoteProtocolError as error:
            # "Server disconnected without sending …", "peer closed connection without sending …"
            fault = Fault("cut" if "without sending" in str(error) else "garbled")
        except Exception:  # noqa: BLE001 - the library's kinds are many, and h11's lie below them
            fault = Fault("garbled")
        # Out here, so that neither the library's own error nor its frames hang on to it: what was sent is in both, the key
        # too, and a crash report that shows local variables would show it.
        raise fault


class _Network:
    """Connections for httpcore: its NetworkBackend."""

    def __init__(self, cancel: Cancel) -> None:
        self._cancel = cancel
        self._lines: list[_Line] = []
        self.sent = 0

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **_: Any) -> _Line:
        deadline = time.monotonic() + (timeout or 5.0)
        found = _addresses(host, port, self._cancel, deadline)
        for at, (family, address) in enumerate(found):
            end = time.monotonic() + (deadline - time.monotonic()) / (len(found) - at)
            line = _Line(socket.socket(family, socket.SOCK_STREAM), self._cancel, self)
            try:
                line.connect(address, end)
            except Fault:
                line.close()
                if at == len(found) - 1:
                    raise
            except BaseException:  # stopped meanwhile, or interrupted: the socket goes in any case
                line.close()
                raise
            else:
                return line
        raise Fault("lookup")

    def keep(self, line: _Line) -> None:
        """Remember a connection, to be closed with the others."""
        self._lines.append(line)

    def close(self) -> None:
        for line in self._lines:
            line.close()


class _Line:
    """One connection for httpcore: its NetworkStream. Waits in slices, and looks at `cancel` between them."""

    def __init__(self, plug: socket.socket, cancel: Cancel, network: _Network) -> None:
        plug.setblocking(False)
        self._plug = plug
        self._cancel = cancel
        self._network = network
        network.keep(self)

    def connect(self, address: Any, deadline: float) -> None:
        try:
            code = self._plug.connect_ex(address)
        except PermissionError as error:
            raise Fault("barred", error.strerror or "") from error
        except OSError as error:
            raise Fault("unreachable", error.strerror or "") from error
        if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._ready(selectors.EVENT_WRITE, deadline, "slow")
            code = self._plug.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            kind: Trouble = "refused" if code == errno.ECONNREFUSED else "unreachable"
            raise Fault("slow" if code == errno.ETIMEDOUT else kind, os.strerror(code))
        self._plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._again(lambda: self._plug.recv(max_bytes), selectors.EVENT_READ, timeout, "silent")
        except OSError as error:
            raise Fault("cut") from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        import httpcore

        left = memoryview(buffer)
        try:
            while left:
                count = self._again(partial(self._plug.send, left), selectors.EVENT_WRITE, timeout, "silent")
                self._network.sent += count
                left = left[count:]
        except OSError as error:  # httpcore goes on to read then: many a refusal comes before all is sent
            raise httpcore.WriteError from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _Line:
        try:
            plug = ssl_context.wrap_socket(self._plug, server_hostname=server_hostname, do_handshake_on_connect=False)
            line = _Line(plug, self._cancel, self._network)
            line._again(plug.do_handshake, selectors.EVENT_READ, timeout, "slow")
        except ssl.SSLCertVerificationError as error:
            raise Fault("certificate", error.verify_message) from error
        except ssl.SSLError as error:
            raise Fault("tls", error.reason or "") from error
        except OSError as error:
            raise Fault("cut") from error
        return line

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._plug.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._plug.close()

    def get_extra_info(self, _info: str) -> None:
        """Nothing: httpcore asks whether an idle connection is still good, and here none is used twice."""

    def _again(self, step: Callable[[], Found], side: int, timeout: float | None, late: Trouble) -> Found:
        """Do it as soon as it can be done without waiting."""
        deadline = time.monotonic() + timeout if timeout is not None else float("inf")
        while True:
            if self._cancel.is_set():
                raise Stopped
            try:
                return step()
            except ssl.SSLWantReadError:
                wanted = selectors.EVENT_READ
            except ssl.SSLWantWriteError:
                wanted = selectors.EVENT_WRITE
            except (BlockingIOError, InterruptedError):
                wanted = side
            self._ready(wanted, deadline, late)

    def _ready(self, side: int, deadline: float, late: Trouble) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._plug, side)
            while not self._cancel.is_set():
                left = deadline - time.monotonic()
                if selector.select(max(0.0, min(SLICE, left))):
                    return
                if left <= 0:
                    raise Fault(late)
        raise Stopped


def _addresses(host: str, port: int, cancel: Cancel, deadline: float) -> list[tuple[socket.AddressFamily, Any]]:
    """Where to connect to. A look-up cannot be stopped, so it has a thread that is left to itself."""
    if host == "localhost":
        return [(family, (number, port)) for number, family in HOME]
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    if is_loopback(host):
        ask()
    else:
        threading.Thread(target=ask, name="look-up", daemon=True).start()
    while not cancel.is_set():
        try:
            answer = answers.get(timeout=SLICE)
        except queue.Empty:
            if time.monotonic() > deadline:
                raise Fault("lookup") from None
            continue
        if isinstance(answer, PermissionError):
            raise Fault("barred", answer.strerror or "") from answer
        if isinstance(answer, Exception):
            raise Fault("lookup") from answer
        return [(family, address) for family, _, _, _, address in answer]
    raise Stopped


def _certificates() -> ssl.SSLContext:
    """Who is trusted: $SSL_CERT_FILE and $SSL_CERT_DIR, else the system, else, where that has none, the list httpcore brings."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context()
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _proxy_for(address: Address) -> tuple[str, tuple[str, str] | None] | None:
    """The proxy of the environment for this address and who to be there. It tunnels: it sees the host, no key, no body."""
    from urllib.parse import unquote, urlsplit
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    given = getproxies_environment()
    url = given.get(address.scheme) or given.get("all")
    if not url or proxy_bypass_environment(f"{address.name}:{address.port}", given):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        raise Fault("proxy", "address") from None
    if parts.scheme != "http" or not parts.hostname:
        raise Fault("proxy", "address")
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"http://{name}:{port}", user
