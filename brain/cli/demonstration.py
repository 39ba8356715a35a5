"""`brain demo`: the main job on a machine that has nothing. It keeps its own small store beside the real one."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from brain.cli.commands import run_pass, show_answer
from brain.cli.output import print_json, say
from brain.cli.shelf import pull
from brain.cli.stopping import cancelling
from brain.engine import open_brain
from brain.errors import BrainError
from brain.sample import QUESTIONS, VAULT
from brain.seams import Cancel
from brain.settings import Settings, save
from brain.wire import answer_json

STARTERS = "starter"
NEXT = """\
That was the sample. Now your own:
  brain ~/notes                    add a folder and ask in the terminal
  brain add ~/notes                the same without the terminal UI
  brain ask "what did I decide about the garden?"
  brain --help                     everything else"""


def demo(options: argparse.Namespace, settings: Settings) -> int:
    """Pull the starter models, index the sample vault, ask its questions, and say what to type next."""
    own = replace(settings, home=settings.home / "demo", models_folder=str(settings.shelf))
    save(own.home, "", "models_folder", own.models_folder)  # so that `brain --home` finds the models there as well
    with cancelling() as cancel:
        answers = _run(options, own, cancel)
    if cancel.is_set():
        return 130
    if options.json:
        print_json({"vault": str(VAULT), "home": str(own.home), "answers": answers})
    else:
        say(NEXT)
    return 0


def _run(options: argparse.Namespace, settings: Settings, cancel: Cancel) -> list[object]:
    answers: list[object] = []
    tell = sys.stderr if options.json else sys.stdout
    with open_brain(settings, own=True) as brain:
        say("1  Models: a small embedder and a small chat model, both open, about 190 MB once.", to=tell)
        pull(brain.shelf, STARTERS, cancel=cancel)
        if cancel.is_set():
            return answers
        say(f"2  Notes: {VAULT}", to=tell)
        brain.warm()
        brain.add(VAULT)
        finished = run_pass(brain.sync(cancel=cancel))
        if finished is None or cancel.is_set():
            return answers
        if finished.failed:
            raise BrainError("The sample vault could not be read whole.", hint="brain status --home DIR says why.")
        now = brain.status()
        say(f"   {now.indexed} documents, {now.chunks} passages, in {finished.seconds:.1f} s", to=tell)
        say("3  Just ask.", to=tell)
        for question in QUESTIONS:
            say(f"\n> {question.text}", to=tell)
            events = brain.ask(question.text, cancel=cancel)
            answered = show_answer(events, to=tell)
            if answered is None:
                break
            answers.append(answer_json(answered))
            say(to=tell)
    return answers
