"""Offline means offline: once it is on, this process' sockets reach nothing but this machine. It cannot be taken back.

An audit hook refuses before the system is asked, whoever asks, libraries included. Python looks up a name that is given to
`connect` before the hook hears of it, so the methods of sockets are guarded as well. Neither sees code that calls the system
without Python, so what does is not started: nothing is fetched (`models/fetching.py`).
"""

from __future__ import annotations

import errno
import functools
import os
import sys
from typing import Any

VARIABLE = "BRAIN_OFFLINE"
REASON = "Brain is offline, so only this machine is contacted"
_LOCAL = ("", "localhost")

_is_on = False
_is_hooked = False


class NetworkRefused(PermissionError):
    """Something reached beyond this machine while Brain is offline: an OSError, because libraries know what to do with one."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, REASON)


def go_offline() -> None:
    """From now on only loopback addresses and Unix sockets can be reached, by this process and our own that it starts."""
    global _is_on, _is_hooked  # noqa: PLW0603 - it is the process that is offline
    os.environ[VARIABLE] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    _is_on = True
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_hook)
        _guard_names()


def is_offline() -> bool:
    """Whether this process is, or should be by its environment."""
    return _is_on or is_wanted()


def is_wanted() -> bool:
    """Whether the environment says so."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def is_refused(error: BaseException | None) -> bool:
    """Whether an error of a library comes from this guard: then what to say is REASON, and not that a server is down."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, NetworkRefused):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def is_here(host: object) -> bool:
    """Whether an address is of this machine. Names are not looked up: localhost alone counts."""
    if host is None:
        return True
    name = host.decode("utf-8", "replace") if isinstance(host, bytes | bytearray) else str(host)
    if name.lower() in _LOCAL:
        return True
    import ipaddress

    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False  # "127.1" and the like too: what is not plainly this machine is not
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket.") or not _is_on:
        return
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        _check(arguments[0], arguments[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        if not is_here(arguments[0]):
            raise NetworkRefused
    elif event == "socket.getnameinfo" and not is_here(arguments[0][0]):
        raise NetworkRefused


def _guard_names() -> None:
    """Each method that takes an address looks at it first: a name in it would be looked up before anything else is told."""
    import socket

    def guarded(name: str, place: int) -> Any:
        method = getattr(socket.socket, name)
        needed = -place if place < 0 else place + 1

        def first_look(this: Any, *arguments: Any) -> Any:
            if _is_on and len(arguments) >= needed:
                _check(this, arguments[place])
            return method(this, *arguments)

        return functools.wraps(method)(first_look)

    for name, place in (("connect", 0), ("connect_ex", 0), ("bind", 0), ("sendto", -1), ("sendmsg", 3)):
        if hasattr(socket.socket, name):
            setattr(socket.socket, name, guarded(name, place))


def _check(this: Any, address: Any) -> None:
    import socket

    if this.family == getattr(socket, "AF_UNIX", None) or address is None:  # None: where it is connected to already
        return
    is_internet = this.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address
    if not is_internet or not address[0] or not is_here(address[0]):  # bound to "", it hears every network
        raise NetworkRefused
