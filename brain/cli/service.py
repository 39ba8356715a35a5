"""`brain service`: `brain serve` at login, as a systemd user unit or a launchd agent. Nothing here needs root."""

from __future__ import annotations

import argparse
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.cli.output import print_json, say
from brain.errors import BrainError, SettingsError
from brain.settings import Settings
from brain.store.claim import look_at_store
from brain.wire import plain_json

UNIT = "brain.service"
LABEL = "org.brain-notes.serve"
SECONDS = 30.0  # for one call of systemctl or launchctl


@dataclass(frozen=True, slots=True)
class Keeper:
    """What starts things at login here: where its file is, what stands in it, and the commands that make it look."""

    name: str
    tool: str
    path: Path
    text: bytes
    start: tuple[tuple[str, ...], ...]
    stop: tuple[tuple[str, ...], ...]
    asked: tuple[str, ...]  # exits 0 while the service runs


def service(options: argparse.Namespace, settings: Settings) -> int:
    """Install, uninstall or show the service."""
    keeper = keeper_of(sys.platform, command_of(settings))
    if keeper is None:
        raise BrainError(
            "Brain knows how to start at login with systemd and launchd only.",
            hint=f"Have your system run: {_shell(command_of(settings))}",
        )
    if options.action == "install":
        return _install(keeper, options)
    if options.action == "uninstall":
        return _uninstall(keeper, options)
    return _status(keeper, options, settings)


def command_of(settings: Settings) -> list[str]:
    """What the service runs: this installation of Brain, on this home."""
    beside = Path(sys.executable).with_name("brain")
    brain = [os.fspath(beside)] if os.access(beside, os.X_OK) else [sys.executable, "-m", "brain"]
    offline = ["--offline"] if settings.offline else []
    return [*brain, "serve", "--wait", "--home", os.fspath(settings.home), *offline]


def keeper_of(platform: str, command: Sequence[str]) -> Keeper | None:
    """What keeps services on this platform; None for one that is not known."""
    if platform.startswith("linux"):
        ctl = ("systemctl", "--user")
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return Keeper(
            "systemd",
            "systemctl",
            config / "systemd" / "user" / UNIT,
            unit(command).encode("utf-8", "surrogateescape"),
            start=((*ctl, "daemon-reload"), (*ctl, "enable", UNIT), (*ctl, "restart", UNIT)),
            stop=((*ctl, "disable", "--now", UNIT),),
            asked=(*ctl, "is-active", "--quiet", UNIT),
        )
    if platform == "darwin":
        path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        domain = f"gui/{os.getuid()}"
        return Keeper(
            "launchd",
            "launchctl",
            path,
            agent(command),
            start=(("launchctl", "bootstrap", domain, os.fspath(path)),),
            stop=(("launchctl", "bootout", f"{domain}/{LABEL}"),),
            asked=("launchctl", "print", f"{domain}/{LABEL}"),
        )
    return None


def unit(command: Sequence[str]) -> str:
    """A systemd user unit that runs a command, whatever characters are in it. Raises SettingsError for a line break.

    systemd puts variables into arguments but not into the program's path: there `$` is doubled, here not.
    """
    return f"""\
[Unit]
Description=Brain keeps the index of your notes current
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
ExecStart={" ".join([_quoted(command[0]), *(_quoted(part).replace("$", "$$") for part in command[1:])])}
Restart=on-failure
RestartSec=5
UMask=0077
Nice=5
TimeoutStopSec=60

[Install]
WantedBy=default.target
"""


def agent(command: Sequence[str]) -> bytes:
    """A launchd agent that runs a command."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 5,
            "ExitTimeOut": 60,
            "ProcessType": "Background",
            "Umask": 0o077,
        }
    )


def _quoted(part: str) -> str:
    """One argument as systemd reads it: backslash and quote escaped, `%` not taken for more than itself."""
    if any(character in part for character in "\n\r\0"):
        raise SettingsError(f"A service cannot run on {part!r}: there is a line break in it.")
    part = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{part}"'


def _install(keeper: Keeper, options: argparse.Namespace) -> int:
    try:
        keeper.path.parent.mkdir(parents=True, exist_ok=True)
        keeper.path.write_bytes(keeper.text)
        keeper.path.chmod(0o644)
    except OSError as error:
        raise BrainError(
            f"{keeper.path} cannot be written: {error.strerror}.", hint="Check its permissions."
        ) from error
    if keeper.name == "launchd":
        _run(keeper, keeper.stop)  # one that runs already does not read its file again
    failed = _run(keeper, keeper.start)
    _said(
        keeper, options, f"Installed {keeper.path}. Brain keeps your index current from login on.", failed, keeper.start
    )
    return 0 if failed is None or not _is_there(keeper) else 3


def _uninstall(keeper: Keeper, options: argparse.Namespace) -> int:
    if not keeper.path.exists():
        _said(keeper, options, f"There is no service: {keeper.path} does not exist.", None, ())
        return 0
    failed = _run(keeper, keeper.stop)
    keeper.path.unlink(missing_ok=True)
    _said(keeper, options, f"Removed {keeper.path}.", failed, keeper.stop)
    return 0


def _status(keeper: Keeper, options: argparse.Namespace, settings: Settings) -> int:
    runs = _is_there(keeper) and _run(keeper, (keeper.asked,)) is None
    owner = look_at_store(settings.home).owner
    is_installed = keeper.path.exists()
    is_current = is_installed and keeper.path.read_bytes() == keeper.text
    if options.json:
        print_json(
            {
                "kind": keeper.name,
                "path": os.fspath(keeper.path),
                "installed": is_installed,
                "current": is_current,
                "running": runs,
                "owner": plain_json(owner),
            }
        )
        return 0
    say(
        f"{'Installed' if is_installed else 'Not installed'}: {keeper.path}"
        + ("; it runs." if runs else "; it does not run.")
    )
    if is_installed and not is_current:
        say("It was installed for another place or version. Again: brain service install")
    if owner is not None:
        say(f"The index is kept by pid {owner.pid} ({owner.command}) since {owner.since}.")
    return 0


def _said(
    keeper: Keeper, options: argparse.Namespace, done: str, failed: str | None, commands: Sequence[Sequence[str]]
) -> None:
    if options.json:
        by_hand = [list(command) for command in commands] if failed is not None else []
        print_json(
            {"kind": keeper.name, "path": os.fspath(keeper.path), "installed": keeper.path.exists(), "by_hand": by_hand}
        )
    else:
        say(done)
    if failed is not None:
        say(f"{failed} By hand:", to=sys.stderr)
        for command in commands:
            say(f"  {_shell(command)}", to=sys.stderr)


def _is_there(keeper: Keeper) -> bool:
    return shutil.which(keeper.tool) is not None


def _run(keeper: Keeper, commands: Sequence[Sequence[str]]) -> str | None:
    """Run each; None if all went well, else why not."""
    if not _is_there(keeper):
        return f"{keeper.tool} is not here."
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return f"{keeper.tool} does not answer."
        if done.returncode != 0:
            why = done.stderr.strip().splitlines()
            return f"{keeper.tool} refused: {why[0] if why else f'exit code {done.returncode}'}."
    return None


def _shell(command: Sequence[str]) -> str:
    return shlex.join(command)
