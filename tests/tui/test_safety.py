"""Text from notes, file names, models and servers stays text: nothing of it reaches the terminal as a command."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from brain.events import Failed, FellBack, Retrieved, Thought, Token
from brain.types import Chunk, Citation, Document, Evidence, Failure, Folder, Sentence, Window
from tests.tui.fakes import NOTES, FakeBrain, answered, app, status
from tests.tui.pilot import ready, shows, type_text, until

MARK = "owned"
HOSTILE = (
    f"\x1b]52;c;b3duZWQ=\x07 \x1b]0;{MARK}\x07 \x1b]8;;http://{MARK}\x1b\\link\x1b]8;;\x1b\\ \x1b[31mred \x1b[2J"
    f"\x9b31m \x9d0;{MARK}\x9c \x1bP{MARK}\x1b\\ \x1b_{MARK}\x1b\\ \x07\x00\x08 \u202egnp.exe\u202c \u2066x\u2069 "
    f"[@click=app.quit]x[/] [/] [bold $error]b[/] &#27;]52;c;x &#x202e;cba &#155;31m "
)
SEQUENCES = (b"\x1b]52", b"\x1b]0", b"\x1b]8", MARK.encode(), b"\x1bP", b"\x1b_", b"\x07", b"\x00", b"\x08")
CHARACTERS = ("\u202e", "\u202c", "\u2066", "\u2069", "\x9b", "\x9d", "\x9c")
PATH = NOTES / f"no{HOSTILE.replace('/', '')[:120]}te.md"


def hostile_brain(**standing: object) -> FakeBrain:
    """A Brain of which every string is hostile, the answers included."""
    text = f"{HOSTILE}\nThe word garden {HOSTILE}\n"
    document = Document(PATH, HOSTILE, text, ())
    at = text.index("The word")
    passage = Evidence(
        1, Chunk(PATH, at, len(text), text[at:], (HOSTILE,)), HOSTILE, 1.0, date=HOSTILE, date_origin="name"
    )
    quote = text[at : at + 60]
    sentence = Sentence(f"It says {HOSTILE.strip()}.", (1,), True)
    answer = answered(
        answer=f"{sentence.text}\n\n| a{HOSTILE} | b |\n|---|---|\n| `{HOSTILE}` | [l]({HOSTILE}) |\n\n```\n{HOSTILE}\n```\n",
        sentences=(sentence, Sentence(HOSTILE.strip())),
        citations=(Citation(1, PATH, HOSTILE, at, at + 60, quote),),
        evidence=(passage,),
        model=HOSTILE,
    )
    found = Retrieved(HOSTILE, (passage,), window=Window("2026-03-01", "2026-03-31", HOSTILE))
    brain = FakeBrain(
        [
            found,
            Thought(HOSTILE),
            Token(HOSTILE),
            Token("\x1b"),
            Token(f"]52;c;{MARK}\x07"),
            FellBack("chat", HOSTILE, HOSTILE),
            answer,
        ],
        [found, Failed(HOSTILE, HOSTILE)],
        standing=status(
            chat=HOSTILE,
            failed=1,
            failures=(Failure(PATH, HOSTILE, HOSTILE),),
            folders=(Folder(NOTES, 1, True),),
            **standing,
        ),
    )
    brain.documents = {PATH: document}
    brain.found = lambda query: found
    return brain


async def test_nothing_hostile_acts_on_any_surface():
    brain = hostile_brain()
    async with app(brain).run_test(notifications=True, size=(120, 36)) as pilot:
        await ready(pilot)
        await type_text(pilot, "garden")
        await shows(pilot, "garden link")
        pilot.app.screen.query_one("#prompt").insert(HOSTILE)
        await pilot.press("enter")
        await shows(pilot, "1 passage ")
        await pilot.press("escape", "enter")
        screen = await shows(pilot, "1 of 1", "[@click=app.quit]x[/]")
        await pilot.press("escape", "t")
        await shows(pilot, "Why this answer")
        await pilot.press("escape", "Y", "r")
        await until(pilot, lambda: len(brain.asked) == 2)
        pilot.app.say(HOSTILE)
        screen += await shows(pilot, "! ")
        assert not [character for character in (*CHARACTERS, "\x1b", "\x07", "\x00") if character in screen]
        assert pilot.app.is_running


SCRIPT = """
import sys
from contextlib import contextmanager
from tests.tui.test_safety import hostile_brain
from tui.app import BrainApp

@contextmanager
def connect():
    yield hostile_brain()

sys.exit(BrainApp(connect).run())
"""


class Terminal:
    """A program in a real pseudo terminal: what it writes, byte for byte."""

    def __init__(self, *command: str, size: tuple[int, int] = (120, 36), **environment: str) -> None:
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        root = str(Path(__file__).parents[2])
        self.process = subprocess.Popen(
            command,
            stdin=side,
            stdout=side,
            stderr=side,
            cwd=root,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "PYTHONPATH": root,
                "TEXTUAL_ANIMATIONS": "none",
                **environment,
            },
            start_new_session=True,
        )
        os.close(side)
        self.written = b""

    def read_until(self, *needles: str, seconds: float = 20) -> None:
        """Read until all of these were written since the last call."""
        end, start = time.monotonic() + seconds, len(self.written)
        while not all(needle.encode() in self.written[start:] for needle in needles):
            assert time.monotonic() < end, self.written[start:]
            if select.select([self.main], [], [], 0.1)[0]:
                try:
                    self.written += os.read(self.main, 65536)
                except OSError:
                    raise AssertionError(self.written[start:]) from None

    def type(self, text: str) -> None:
        """Send keys."""
        os.write(self.main, text.encode())

    def end(self, key: str = "", seconds: float = 30) -> int:
        """Read to the end and return the exit code; `key` is typed again and again, as one that comes too early is lost."""
        end = time.monotonic() + seconds
        typed = 0.0
        while self.process.poll() is None:
            assert time.monotonic() < end, self.written[-2000:]
            if key and time.monotonic() - typed > 1:
                typed = time.monotonic()
                self.type(key)
            if select.select([self.main], [], [], 0.1)[0]:
                try:
                    self.written += os.read(self.main, 65536)
                except OSError:
                    break
        return self.process.wait(20)

    def kill(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.main)


@pytest.fixture
def terminal(request):
    """Starts programs in terminals and ends them."""
    started: list[Terminal] = []

    def start(*command: str, **environment: str) -> Terminal:
        started.append(Terminal(*command, **environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def test_no_hostile_byte_is_written_to_the_terminal(terminal):
    screen = terminal(sys.executable, "-c", SCRIPT)
    screen.read_until("Just ask.")
    screen.type("garden")
    screen.read_until("gnp")
    screen.type("\r")
    screen.read_until("It says ")
    screen.type("\x07")  # ctrl+g: leaves the bar
    screen.read_until("next source")
    screen.type("\r")
    screen.read_until("1 of 1")
    screen.type("t")
    screen.read_until("searched")
    assert screen.end("\x11") == 0
    written = screen.written.replace(b"\x1b]22;default\x07", b"")  # Textual's own: the shape of the mouse pointer
    decoded = written.decode("utf-8", "replace")
    assert not [sequence for sequence in SEQUENCES if sequence in written]
    assert not [character for character in CHARACTERS if character in decoded]
    assert decoded.index("\x1b[?1049h") < decoded.index("\x1b[?1049l")  # the terminal is given back


def test_first_frame_loads_nothing_heavy(terminal):
    script = """
import sys
from contextlib import contextmanager
from tui.app import BrainApp

class Stopped(BrainApp):
    def connect_again(self):
        heavy = "chromadb llama_cpp onnxruntime numpy pypdf pypdfium2 httpx tree_sitter tantivy markdown_it".split()
        self.exit(message=f"loaded: {[name for name in heavy if name in sys.modules]}")

Stopped(lambda: None).run()
"""
    screen = terminal(sys.executable, "-c", script)
    screen.read_until("loaded: []")


def test_terminal_editor_gets_the_screen_and_gives_it_back(terminal, tmp_path):
    note = tmp_path / "told"
    vim = tmp_path / "vim"
    vim.write_text(f'#!/bin/sh\nfor word in "$@"; do echo "$word" >> {note}; done\necho in the editor\n')
    vim.chmod(0o755)
    script = SCRIPT.replace("hostile_brain", "FakeBrain").replace("tests.tui.test_safety", "tests.tui.fakes")
    screen = terminal(sys.executable, "-c", script, VISUAL=str(vim))
    screen.read_until("Just ask.")
    screen.type("garden\r")
    screen.read_until("4.1 s")
    screen.type("\x0f")  # ctrl+o
    screen.read_until("in the editor", "\x1b[?1049h")
    assert note.read_text().splitlines() == ["+call cursor(12,28)", f"{NOTES}/meetings/2025-03-12-board.md"]
    assert screen.end("\x11") == 0
