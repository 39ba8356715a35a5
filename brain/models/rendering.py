"""Runs inside the model child, but for `trial`: turns to a prompt, by the template of the model's file or, failing that, by ChatML.

A template is a program from an untrusted file: the sandbox keeps it from acting, and limits keep it from looping.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from brain.models import dialogue
from brain.models.desk import Refused
from brain.models.dialogue import Turn

SECONDS = 3
BYTES = 1 << 30  # beyond what the process takes already


class Rendering:
    """The chat template of one model. `source` says whose it is: the file's, or ChatML because that is missing or broken."""

    def __init__(self, template: str, *, begin: str, end: str) -> None:
        self.source = "file" if template else "missing"
        self._template = template or dialogue.CHATML
        self._begin, self._end = begin, end
        self._switches = dialogue.switches(self._template)
        self._ends: tuple[str, ...] | None = None

    def prompt(self, turns: Sequence[Turn]) -> str:
        """What the model reads for these turns. Raises Refused where not even ChatML renders them."""
        try:
            with _bounded():
                prompt = dialogue.rendered(turns, self._render)
            if dialogue.is_true_to(prompt, turns):
                return prompt
        except Exception as error:  # a template is a program: it may raise anything
            if self.source != "file":
                raise Refused("The conversation could not be put to the model", "Start a new one.") from error
        self.source, self._template, self._ends = "broken", dialogue.CHATML, None
        return dialogue.rendered(turns, self._render)

    def ends(self) -> tuple[str, ...]:
        """The words that stand after an answer in this template."""
        if self._ends is None:
            try:
                with _bounded():
                    self._ends = dialogue.ends(dialogue.between(self._render))
            except Exception:  # noqa: BLE001 - as above; an answer then ends where the model ends it
                self._ends = ()
        return self._ends

    def _render(self, turns: list[Turn]) -> str:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        form = Jinja2ChatFormatter(template=self._template, bos_token=self._begin, eos_token=self._end)
        return str(form(messages=turns, **self._switches).prompt)


def trial(template: str) -> str:
    """What would come of a template, found out in a process of its own: "file" where it works, else "missing" or "broken"."""
    command = [sys.executable, "-P", "-m", "brain.models.rendering"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            command, input=template, capture_output=True, encoding="utf-8", timeout=60, check=True, env=environment
        )
    except (subprocess.SubprocessError, OSError):
        return "broken"
    return done.stdout.strip()


def main() -> None:
    """Try the template that comes over stdin, and say which one would be used."""
    turns = [{"role": role, "content": f"words of the {role}"} for role in ("system", "user", "assistant", "user")]
    rendering = Rendering(sys.stdin.buffer.read().decode("utf-8", "replace"), begin="<s>", end="</s>")
    rendering.prompt(turns)
    sys.stdout.write(rendering.source)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Limits of time and memory around a chat template: the sandbox keeps it from acting, not from looping."""

    def too_long(*_: object) -> None:
        raise TimeoutError("the chat template takes too long")

    limits = None
    if sys.platform == "linux":
        import resource

        limits = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as file:  # noqa: PTH123
            used = int(file.read().split()[0]) * resource.getpagesize()
        most = used + BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most if limits[1] < 0 else min(most, limits[1]), limits[1]))
    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if limits is not None:
            resource.setrlimit(resource.RLIMIT_AS, limits)


if __name__ == "__main__":
    main()
