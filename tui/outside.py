"""Programs outside of Brain: the editor, the system's viewer and the clipboard. No shell is ever involved."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path

# How an editor is told where to go. Those not named here get the file alone.
_FORMS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("vi", "vim", "nvim", "view"), ("+call cursor({line},{column})", "{file}")),
    **dict.fromkeys(("nano", "pico"), ("+{line},{column}", "{file}")),
    **dict.fromkeys(("emacs", "emacsclient", "micro"), ("+{line}:{column}", "{file}")),
    **dict.fromkeys(("hx", "helix", "zed", "zeditor", "subl"), ("{file}:{line}:{column}",)),
    **dict.fromkeys(("code", "codium", "code-insiders", "cursor"), ("--goto", "{file}:{line}:{column}")),
    "kate": ("--line", "{line}", "--column", "{column}", "{file}"),
    "gedit": ("+{line}:{column}", "{file}"),
}
_WINDOWED = frozenset({"zed", "zeditor", "subl", "code", "codium", "code-insiders", "cursor", "kate", "gedit"})
_USUAL = ("nano", "micro", "nvim", "vim", "hx", "emacs", "vi")
_PATIENCE = 2.0  # seconds a clipboard program may take


def editor() -> list[str]:
    """The person's editor as the start of a command line; empty where there is none."""
    for variable in ("VISUAL", "EDITOR"):
        if given := os.environ.get(variable, "").strip():
            return shlex.split(given)
    return next(([name] for name in _USUAL if shutil.which(name)), [])


def edit_command(program: Sequence[str], path: Path, line: int, column: int) -> list[str]:
    """The command line that opens a file at a line and column."""
    name = Path(program[0]).name
    file = str(path.absolute())  # never starts with "-"
    if name == "vi" and len(program) == 1:
        return [*program, f"+{line}", file]  # a plain vi may not know cursor()
    form = _FORMS.get(name, ("{file}",))
    values = {"{file}": file, "{line}": str(line), "{column}": str(column)}
    return [*program, *(_filled(part, values) for part in form)]


def _filled(part: str, values: Mapping[str, str]) -> str:
    if part.startswith("{file}"):  # the name itself may hold "{line}"
        return values["{file}"] + _filled(part[6:], values)
    return part.replace("{line}", values["{line}"]).replace("{column}", values["{column}"])


def has_window(program: Sequence[str]) -> bool:
    """The editor opens a window of its own and leaves the terminal alone."""
    return Path(program[0]).name in _WINDOWED


def viewer() -> list[str]:
    """The system's way to open a file with its own program; empty where there is none."""
    name = "open" if sys.platform == "darwin" else "xdg-open"
    return [name] if shutil.which(name) else []


def start(command: Sequence[str]) -> None:
    """Start a program with a window and leave it alone. Raises OSError."""
    subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(command: Sequence[str]) -> None:
    """Run a program in this terminal until it ends. Raises OSError."""
    subprocess.run(list(command), check=False)


def _clipboards() -> list[list[str]]:
    found = []
    if os.environ.get("TMUX"):
        found.append(["tmux", "load-buffer", "-w", "-"])
    if os.environ.get("WAYLAND_DISPLAY"):
        found.append(["wl-copy"])
    if os.environ.get("DISPLAY"):
        found.append(["xclip", "-selection", "clipboard"])
    if sys.platform == "darwin":
        found.append(["pbcopy"])
    return [command for command in found if shutil.which(command[0])]


async def copy(text: str) -> str:
    """Put text on the clipboard. Returns the name of the program that took it; empty where none did."""
    for command in _clipboards():
        try:
            program = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)
        except OSError:
            continue
        try:
            await asyncio.wait_for(program.communicate(text.encode("utf-8", "replace")), _PATIENCE)
        except TimeoutError:
            program.kill()
            await program.wait()
            continue
        if program.returncode == 0:
            return command[0]
    return ""


def keep_copy(folder: Path, text: str) -> Path:
    """Write text to a file that only its owner can read, for when no clipboard answers. Raises OSError."""
    path = folder / "copied.txt"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
