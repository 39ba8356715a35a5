"""How much slower a question and a key are while a first index runs, against the same with the indexer at rest.

    python -m tests.bench.manners FOLDER QUESTIONS --models DIR [--questions N] [--rounds N] [--part answers|keys]

FOLDER is only read; QUESTIONS holds one question a line, or JSON lines with "text". Idle and busy take turns in one
process, by `pause` and `resume`, so that whatever else the machine does hits both alike.

answers: seconds to the first words of an answer, with the starter models, and with quotes alone. Each question is asked
idle and busy, far apart, so that neither finds the other's prompt still read.
keys: milliseconds from a key to its letter on the screen, through a pseudo terminal and the real front end, while it
reads the files for the first time, at rest, and while it embeds. The letters are of another alphabet, so that no other
text that is drawn can be taken for them; the search that each key starts runs as well.
"""

from __future__ import annotations

import argparse
import os
import pty
import random
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brain.engine import open_brain
from brain.errors import StoreError
from brain.events import Answered, Retrieved, Token, VectorsAdded
from brain.local import LocalBrain
from brain.settings import load
from brain.store.catalog import Catalog
from tests.bench.latency import questions

LETTERS = "абвгдж зийклм нопрст уфхцчш щъыьэю"
KEY_PAUSE = 0.12  # seconds between two keys: a quick typist's


class Follower:
    """Counts the batches that the indexer embeds."""

    def __init__(self, brain: LocalBrain) -> None:
        self._batch = threading.Condition()
        self._seen = 0
        self._over = threading.Event()
        self._brain = brain
        threading.Thread(target=self._follow, daemon=True).start()

    def wait(self, batches: int) -> None:
        with self._batch:
            wanted = self._seen + batches
            if not self._batch.wait_for(lambda: self._seen >= wanted, timeout=300):
                raise SystemExit("The indexer does nothing any more: choose a larger folder.")

    def close(self) -> None:
        self._over.set()

    def _follow(self) -> None:
        for event in self._brain.follow(cancel=self._over):
            if isinstance(event, VectorsAdded):
                with self._batch:
                    self._seen += 1
                    self._batch.notify_all()


def rest(brain: LocalBrain) -> None:
    brain.pause()
    with brain._indexer._passes.turn:  # the pass has ended
        pass


def asked(brain: LocalBrain, question: str, *, quotes: bool) -> tuple[float, float]:
    """Seconds until the passages are there, and until the first words."""
    began, cancel = time.monotonic(), threading.Event()
    found = first = 0.0
    events = brain.ask(question, cancel=cancel, quotes=quotes)
    for event in events:
        if isinstance(event, Retrieved):
            found = time.monotonic() - began
        if isinstance(event, Token | Answered) and not first:
            first = time.monotonic() - began
            cancel.set()
    return found, first


def answers(folder: Path, given: list[str], models: Path) -> None:
    with a_home(models) as home, open_brain(load(home), own=True, background=True) as brain:
        brain.add(folder)
        follower = Follower(brain)
        follower.wait(3)
        brain.warm()
        for question in given[:2]:
            asked(brain, question, quotes=False)
        took: dict[tuple[bool, bool], list[tuple[float, float]]] = {}
        for turn in (0, 1):
            for quotes in (True, False):
                for at, question in enumerate(given):
                    is_busy = (at + turn) % 2 == 1
                    if is_busy:
                        brain.resume()
                        follower.wait(2)
                        time.sleep(random.Random(at).random() * 0.5)
                    else:
                        rest(brain)
                    took.setdefault((quotes, is_busy), []).append(asked(brain, question, quotes=quotes))
        status = brain.status()
        follower.close()
    print(f"{status.vectors_pending} of {status.chunks} passages were still without a vector at the end")
    for quotes in (True, False):
        for at, what in enumerate(("passages", "first words")):
            idle, busy = (sorted(one[at] for one in took[quotes, is_busy]) for is_busy in (False, True))
            print(
                f"{'quotes' if quotes else 'model':<7} {what:<12} idle p50 {of(idle, 0.5):7.0f} ms p90 {of(idle, 0.9):7.0f}   "
                f"busy p50 {of(busy, 0.5):7.0f} ms p90 {of(busy, 0.9):7.0f}   ratio {of(busy, 0.5) / of(idle, 0.5):.2f}"
            )


def of(seconds: list[float], share: float) -> float:
    return 1000 * sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


class Window:
    """The real front end at the other end of a pseudo terminal."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(BRAIN_HOME=str(home), TERM="xterm-256color", COLUMNS="120", LINES="36")
            os.execv(sys.executable, [sys.executable, "-m", "tests.bench.manners", "--window", str(folder)])
        self.wait_for("Just ask", 30)

    def wait_for(self, text: str, seconds: float) -> float:
        """Seconds until a text was drawn."""
        began, seen = time.monotonic(), b""
        while (spent := time.monotonic() - began) < seconds:
            if select.select([self._terminal], [], [], 0.05)[0]:
                seen = (seen + os.read(self._terminal, 1 << 16))[-(1 << 17) :]
                if text.encode() in seen:
                    return time.monotonic() - began
        raise SystemExit(f"{text!r} was not drawn within {spent:.0f} s.")

    def drain(self, seconds: float) -> None:
        """Let it draw for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                os.read(self._terminal, 1 << 16)

    def type(self) -> list[float]:
        """Seconds from each key to its letter on the screen."""
        took = []
        for letter in LETTERS:
            os.write(self._terminal, letter.encode())
            if letter != " ":
                took.append(self.wait_for(letter, 10))
            self.drain(KEY_PAUSE)
        os.write(self._terminal, b"\x7f" * len(LETTERS))
        self.drain(1.0)
        return took

    def close(self) -> None:
        os.write(self._terminal, b"\x11")  # ctrl+q
        with suppress(OSError):
            self.drain(5.0)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def keys(folder: Path, models: Path, rounds: int) -> None:
    with a_home(models) as home:
        window = Window(home, folder)
        took: dict[str, list[float]] = {"reading": [], "at rest": [], "embedding": []}
        while not embedded(home):
            took["reading"] += window.type()
        for _ in range(rounds):
            for what, number in (("at rest", signal.SIGUSR1), ("embedding", signal.SIGUSR2)):
                os.kill(window.pid, number)
                window.drain(2.0)
                took[what] += window.type()
        window.close()
    for what, seconds in took.items():
        if seconds:
            print(
                f"key to screen, {what:<10} p50 {of(seconds, 0.5):5.1f} ms   p95 {of(seconds, 0.95):5.1f}   "
                f"p99 {of(seconds, 0.99):5.1f}   worst {max(seconds) * 1000:5.1f}   ({len(seconds)} keys)"
            )


def embedded(home: Path) -> int:
    """How many vectors there are."""
    with suppress(StoreError), Catalog(home / "catalog.db", read_only=True) as catalog:
        return catalog.vectors_done(catalog.model_in_use() or "")
    return 0


def show_window(folder: Path) -> None:
    """The front end, whose indexer rests after one signal and works after another."""
    from tui.app import BrainApp

    opened: list[LocalBrain] = []

    @contextmanager
    def connect() -> Iterator[LocalBrain]:
        with open_brain(load(), own=True, background=True) as brain:
            opened.append(brain)
            yield brain

    signal.signal(signal.SIGUSR1, lambda *_: opened[0].pause())
    signal.signal(signal.SIGUSR2, lambda *_: opened[0].resume())
    BrainApp(connect, folders=[folder]).run()


@contextmanager
def a_home(models: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "config.toml").write_text(f'models_folder = "{models.absolute()}"\n')
        yield Path(home)


def main() -> None:
    if sys.argv[1] == "--window":
        show_window(Path(sys.argv[2]))
        return
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("file", type=Path, metavar="QUESTIONS")
    options.add_argument("--models", type=Path, default=load().shelf)
    options.add_argument("--questions", type=int, default=15)
    options.add_argument("--rounds", type=int, default=8)
    options.add_argument("--part", choices=("answers", "keys"))
    chosen = options.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}")
    if chosen.part != "keys":
        answers(chosen.folder, questions(chosen.file)[: chosen.questions], chosen.models)
    if chosen.part != "answers":
        keys(chosen.folder, chosen.models, chosen.rounds)
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
