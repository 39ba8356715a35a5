"""The `brain` command. Without a command it opens the terminal UI, after adding the folders it was given; else it is brain.cli."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

FLAGS_WITH_VALUE = ("--home",)
FLAGS = ("--offline", "--verbose", "--plain")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `brain` and return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    folders = _folders(arguments)
    if folders is None:
        from brain import cli

        return cli.main(arguments)
    return _open(arguments, folders)


def _folders(arguments: Sequence[str]) -> list[Path] | None:
    """The folders to add before the UI opens, or None where the arguments are a command."""
    from brain.cli import COMMANDS

    folders: list[Path] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument in FLAGS_WITH_VALUE:
            next(waiting, None)
        elif argument in FLAGS or argument.startswith(tuple(f"{flag}=" for flag in FLAGS_WITH_VALUE)):
            continue
        elif argument in COMMANDS or argument.startswith("-"):
            return None
        else:
            folders.append(Path(argument))
    named_like_a_path = all(
        folder.exists() or os.sep in str(folder) or str(folder).startswith("~") for folder in folders
    )
    return folders if named_like_a_path else None


def _open(arguments: Sequence[str], folders: Sequence[Path]) -> int:
    import argparse

    from brain.cli import USAGE, report
    from brain.errors import BrainError, FolderMissing
    from brain.log import open_log
    from brain.offline import go_offline
    from brain.settings import load

    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--home", type=Path)
    flags.add_argument("--offline", action="store_true")
    flags.add_argument("--verbose", action="store_true")
    flags.add_argument("--plain", action="store_true")
    options, _ = flags.parse_known_args(arguments)
    if not options.plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "brain: the terminal UI needs a terminal. For scripts: brain ask QUESTION, brain --help",
            file=sys.stderr,
        )
        return USAGE
    os.umask(0o077)
    try:
        settings = load(options.home, offline=options.offline)
        if settings.offline:
            go_offline()
        for folder in folders:
            if not folder.expanduser().is_dir():
                raise FolderMissing(f"{folder} is not a folder.", hint="Check the spelling.")
        open_log(settings.home, verbose=options.verbose)
        if options.plain:
            from brain.cli.plain import talk

            return talk(settings, folders)
        from tui.app import run

        return run(settings, list(folders))
    except BrainError as error:
        return report(error)


if __name__ == "__main__":
    sys.exit(main())
