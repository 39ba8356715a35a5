"""What every test gets: a Brain home of its own, no network beyond this machine, and files that are private."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import brain.offline

# The same examples in every run, so that a red run is a change's own doing. To look for more: HYPOTHESIS=wild pytest …
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("wild", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS", "steady"))

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


def is_real(request: pytest.FixtureRequest) -> bool:
    """Whether a test is marked `real`: those may fetch the starter models."""
    return request.node.get_closest_marker("real") is not None


def is_loopback(host: object) -> bool:
    """Whether a name or address stays on this machine. Names are not looked up: only localhost counts."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def private_files() -> Iterator[None]:
    """Files and folders of the whole run are the user's own. `open_umask` undoes it, for tests about permissions."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The usual umask of a desktop, 022: under it only what the product itself makes private is private."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def own_surroundings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's own Brain, keys or proxies, whether it asks for `home` or not."""
    monkeypatch.setenv("BRAIN_HOME", str(tmp_path / "brain-home"))
    monkeypatch.setattr(brain.offline, "_is_on", False)  # what a test turns on for the process ends with it
    monkeypatch.setenv("HF_HUB_OFFLINE", os.environ.get("HF_HUB_OFFLINE", ""))
    monkeypatch.setenv("BRAIN_OFFLINE", "")
    monkeypatch.delenv("BRAIN_OFFLINE")
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    if is_real(request):
        return
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if constants := sys.modules.get("huggingface_hub.constants"):  # read from the environment once, when it is imported
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A log that a test opens is closed after it, and the next test's caplog hears the engine again."""
    yield
    log = logging.getLogger("brain")
    for handler in tuple(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.propagate = True


@pytest.fixture
def home(own_surroundings: None) -> Path:
    """An empty $BRAIN_HOME of this test's own."""
    home = Path(os.environ["BRAIN_HOME"])
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def keyring(monkeypatch) -> Iterator[dict[tuple[str, str], str]]:
    """A keyring that is a dictionary."""
    library = pytest.importorskip("keyring")
    kept: dict[tuple[str, str], str] = {}

    class InMemory(library.backend.KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return kept.get((service, username))

        def set_password(self, service, username, password):
            kept[service, username] = password

        def delete_password(self, service, username):
            del kept[service, username]

    before = library.get_keyring()
    library.set_keyring(InMemory())
    yield kept
    library.set_keyring(before)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Refuses every connection and look-up beyond this machine, and fails the test that tried, coped or not.

    Covers Python's sockets in this process; not child processes, nor libraries with a network stack of their own.
    Gives the list of what was tried: a test that means to try empties it.
    """
    tried: list[str] = []
    if is_real(request):
        yield tried
        return
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(this: socket.socket, address: Any) -> None:
        if this.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
            tried.append(f"connect to {address[0]}:{address[1]}")
            raise ConnectionRefusedError(f"tests do not leave this machine: {address}")

    def guarded_connect(this: socket.socket, address: Any) -> None:
        check(this, address)
        connect(this, address)

    def guarded_connect_ex(this: socket.socket, address: Any) -> int:
        check(this, address)
        return connect_ex(this, address)

    def guarded_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if not is_loopback(host.decode() if isinstance(host, bytes) else host):
            tried.append(f"look up {host}")
            raise socket.gaierror(socket.EAI_AGAIN, f"tests do not leave this machine: {host}")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield tried
    assert not tried, f"the test reached for the network: {', '.join(tried)}"
