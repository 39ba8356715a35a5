"""The words after `brain models`, and what its help says."""

from __future__ import annotations

import argparse

MODELS = """\
  brain models                       what is here and what could be: size, licence, window, memory, and whether it fits
  brain models pull starter          both starter models
  brain models pull NAME             one of the catalogue, or again one that was pulled before
  brain models pull hf:OWNER/REPOSITORY[:Q4_K_M | /FILE.gguf]
                                     from the model hub: the only GGUF file there, the one of that name part, or this one
  brain models pull https://…/FILE.gguf
  brain models pull FILE.gguf        a copy of a file of this machine
  brain models use NAME              for what it is made for: chat, embed or rerank
  brain models info NAME
  brain models remove NAME

A pull that was stopped goes on where it was. The header is read first: what this llama.cpp cannot open, and what disk or
memory cannot hold, is refused before it is fetched. The SHA-256 is compared where one is known: of the starters, of what
the hub says of its files, or with --sha256; otherwise it is said that nobody knows it. A model in several files
(NAME-00001-of-00003.gguf) counts as one. Where memory holds only a shorter window, a chat model gets that one.

--json prints {"folder", "models": [MODEL…]}; pull prints one event a line.
MODEL = {"name", "role", "path", "bytes", "licence", "problem", "trained_window", "window", "window_wanted",
"memory_bytes", "fits", "tier", "parts", "here", "used"}: window is what it would be opened with now, window_wanted
without want of memory; memory_bytes is what that takes, of a model that is not here at least so much; fits is null where
free memory is not known; tier is the memory (GB) of the machines it is meant for; a number nobody knows is 0."""


def add_models(models: argparse.ArgumentParser) -> None:
    """What can be done with models."""
    models.add_argument("action", nargs="?", choices=("list", "pull", "use", "info", "remove"), default="list")
    models.add_argument("name", nargs="?", metavar="NAME", help="a model's name; for pull also an address")
    models.add_argument(
        "--sha256",
        action="append",
        default=[],
        metavar="HEX",
        help="pull: what the file must be; one for each of its parts",
    )
    models.add_argument(
        "--anyway", action="store_true", help="pull: also what does not fit into the memory that is free"
    )
