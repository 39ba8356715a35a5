"""The guards of conftest.py work: a test that is not fenced in would not know it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from brain.settings import load

FAR = "192.0.2.1"  # reserved for examples: nobody answers there


def test_connection_beyond_this_machine_is_refused_and_noted(no_network: list[str]) -> None:
    with socket.socket() as far, pytest.raises(ConnectionRefusedError):
        far.connect((FAR, 443))
    with socket.socket(socket.AF_INET6) as far, pytest.raises(ConnectionRefusedError):
        far.connect_ex(("2001:db8::1", 443))
    assert len(no_network) == 2
    no_network.clear()


def test_name_beyond_this_machine_is_not_looked_up(no_network: list[str]) -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("example.invalid", 443))
    assert no_network == ["look up example.invalid"]
    no_network.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_can_be_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1])).close()


def test_sockets_in_the_file_system_can_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of such a socket is short on every system
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("door")
        server.listen()
        client.connect("door")


def test_home_is_empty_and_where_settings_look(home: Path) -> None:
    assert load().home == home
    assert list(home.iterdir()) == []
    assert not load().offline


def test_files_are_private_unless_a_test_asks_otherwise(tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("private", encoding="utf-8")
    assert (tmp_path / "note.md").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("open_umask")
def test_files_are_as_on_a_desktop_where_a_test_asks(tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("shared", encoding="utf-8")
    assert (tmp_path / "note.md").stat().st_mode & 0o077 == 0o044


def test_environment_asks_the_hub_for_nothing() -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert "BRAIN_OFFLINE" not in os.environ


@pytest.mark.real
def test_real_tests_are_not_fenced_in(no_network: list[str]) -> None:
    assert socket.getaddrinfo.__module__ == "socket"
    assert "BRAIN_HOME" in os.environ
