"""`brain service`: the files it writes, and what it says where nothing can start them."""

from __future__ import annotations

import json
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from brain.cli import DONE, FAILED, main
from brain.cli.service import agent, command_of, keeper_of, unit
from brain.errors import SettingsError
from brain.settings import load
from brain.store.claim import claim_store

ODD = ["/opt/my $brain 100%/bin/brain", "serve", "--home", '/home/é/a "b" \\c $HOME 50% x']


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "con fig"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "con fig" / "systemd" / "user" / "brain.service"


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """A systemctl that notes what it is told, and says yes unless `refuse` is there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    tool = folder / "systemctl"
    tool.write_text(
        f'#!/bin/sh\necho "$@" >> "{folder}/told"\n[ ! -e "{folder}/refuse" ] || {{ echo "no bus" >&2; exit 1; }}\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def parsed(exec_start: str) -> list[str]:
    """An ExecStart line as systemd takes it apart (systemd.service(5), COMMAND LINES), for what `unit` writes."""
    found, at = [], 0
    while at < len(exec_start):
        assert exec_start[at] == '"'
        at, part = at + 1, ""
        while exec_start[at] != '"':
            at += exec_start[at] == "\\"
            part += exec_start[at]
            at += 1
        part = part.replace("%%", "%")
        found.append(part if not found else part.replace("$$", "$"))
        at += 2
    return found


def test_a_unit_runs_the_command_whatever_is_in_it():
    (line,) = [line for line in unit(ODD).splitlines() if line.startswith("ExecStart=")]
    assert parsed(line.removeprefix("ExecStart=")) == ODD


def test_a_unit_restarts_after_failures_only_and_starts_at_login():
    lines = unit(["brain"]).splitlines()
    assert {"Restart=on-failure", "UMask=0077", "WantedBy=default.target"} <= set(lines)
    assert not [line for line in lines if line.startswith(("User=", "Group="))]


@pytest.mark.parametrize("odd", ["a\nExecStart=/bin/evil", "a\rb", "a\0b"])
def test_a_line_break_cannot_add_a_line_to_the_unit(odd):
    with pytest.raises(SettingsError):
        unit(["brain", odd])


def test_an_agent_runs_the_command_whatever_is_in_it():
    found = plistlib.loads(agent(ODD))
    assert found["ProgramArguments"] == ODD
    assert (found["RunAtLoad"], found["KeepAlive"], found["Umask"]) == (True, {"SuccessfulExit": False}, 0o77)


def test_the_command_is_this_brain_on_this_home(home):
    command = command_of(load())
    assert Path(command[0]).is_absolute()
    assert command[-4:] == ["serve", "--wait", "--home", str(home)]
    assert command_of(load(offline=True))[-1] == "--offline"


def test_macs_have_an_agent_in_the_users_library(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    keeper = keeper_of("darwin", ODD)
    assert keeper.path == tmp_path / "Library" / "LaunchAgents" / "org.brain-notes.serve.plist"
    assert keeper.start[0][:2] == ("launchctl", "bootstrap")
    assert keeper_of("win32", ODD) is None


def test_install_writes_the_unit_and_starts_it(config, systemctl, home, capsys):
    assert main(["service", "install"]) == DONE
    assert str(home) in config.read_text()
    assert (systemctl / "told").read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable brain.service",
        "--user restart brain.service",
    ]
    assert str(config) in capsys.readouterr().out
    assert main(["service", "--json"]) == DONE
    now = json.loads(capsys.readouterr().out)
    assert now == {
        "kind": "systemd",
        "path": str(config),
        "installed": True,
        "current": True,
        "running": True,
        "owner": None,
    }


def test_uninstall_stops_it_and_takes_the_unit_away(config, systemctl, home, capsys):
    main(["service", "install"])
    assert main(["service", "uninstall"]) == DONE
    assert not config.exists()
    assert (systemctl / "told").read_text().splitlines()[-1] == "--user disable --now brain.service"
    capsys.readouterr()
    assert main(["service", "uninstall"]) == DONE
    assert "There is no service" in capsys.readouterr().out


def test_a_systemd_that_refuses_is_named_with_what_to_do_by_hand(config, systemctl, home, capsys):
    (systemctl / "refuse").touch()
    assert main(["service", "install"]) == FAILED
    assert config.exists()
    printed = capsys.readouterr()
    assert "refused: no bus" in printed.err
    assert "systemctl --user enable brain.service" in printed.err
    assert main(["service", "status"]) == DONE
    assert "does not run" in capsys.readouterr().out


def test_without_systemd_the_unit_is_there_and_the_rest_is_said(config, home, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["service", "install", "--json"]) == DONE
    assert config.exists()
    printed = capsys.readouterr()
    assert json.loads(printed.out)["by_hand"][0] == ["systemctl", "--user", "daemon-reload"]
    assert "systemctl is not here" in printed.err


def test_status_says_who_owns_the_index_and_that_a_unit_is_old(config, systemctl, home, capsys):
    config.parent.mkdir(parents=True)
    config.write_text("[Service]\nExecStart=/old/brain serve\n")
    with claim_store(home) as claim:
        assert main(["service"]) == DONE
    printed = capsys.readouterr().out
    assert "brain service install" in printed
    assert f"pid {claim.owner.pid}" in printed


def test_an_unwritable_folder_is_said(config, home, capsys):
    config.parents[2].touch()
    assert main(["service", "install"]) == FAILED
    assert "cannot be written" in capsys.readouterr().err


def test_where_nothing_is_known_to_start_it_the_command_is_told(home, capsys, monkeypatch):
    monkeypatch.setattr("sys.platform", "plan9")
    assert main(["service", "install"]) == FAILED
    assert "serve --wait" in capsys.readouterr().err


def test_systemd_itself_accepts_the_unit(tmp_path, monkeypatch):
    import shutil

    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    runtime = tmp_path / "run"
    runtime.mkdir()
    path = tmp_path / "brain.service"
    path.write_text(unit([sys.executable, "-c", *ODD[1:]]))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(path)],
        env={"XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "initialize manager" in done.stderr:
        pytest.skip("systemd cannot look at units here")
    assert str(path.name) not in done.stderr
