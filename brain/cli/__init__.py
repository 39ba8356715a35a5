"""The commands: what is typed, what is printed, which exit code. Doors are the only place that prints."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from brain import __version__
from brain.cli.evaluation_parser import add_eval
from brain.cli.shelf_parser import MODELS, add_models
from brain.errors import BrainError, Cancelled, QueryError, SettingsError
from brain.offline import go_offline
from brain.settings import Settings, load

DONE, BUG, USAGE, FAILED, CANCELLED = 0, 1, 2, 3, 130

EXAMPLES = """\
examples:
  brain demo                              see the whole thing work, on sample notes
  brain ~/notes                           add a folder and ask in the terminal UI
  brain --plain                           the same, line by line: for screen readers and plain terminals
  brain ask "what did we decide about the garden?"
  brain search "@work/ #tax after:2025 fees"

filters, in any question: @folder/  @file.md  #tag  type:pdf  after:2025-01  before:2025-03-15  "exact phrase"  -word
Everything Brain knows is in one folder: $BRAIN_HOME, or the platform's user data folder. It never changes your notes."""


CHATS = """\
  brain chats                        those used last
  brain chats search WORDS…          those that hold all of these words, in questions, answers or titles
  brain chats show ID                every question, answer and source, compared with the files as they are now:
                                     [1]~ marks a source whose words were changed or deleted since
  brain chats rename ID TITLE…
  brain chats delete ID…
  brain chats export ID [--to FILE]  as Markdown, with the sources as footnotes
  brain chats save ID --to NOTE.md   an answer as a note, marked as written by a machine: it is never evidence for
                                     another answer, unless asked for with --machine or is:machine

What is asked in the terminal UI and by `brain ask` is kept, unless config.toml says `[conversations] save = false`.
Conversations are yours: only you delete them. Quotes in them stay when a note is edited or deleted. When a folder is
forgotten (brain remove), every passage, quote and file name of it, and every sentence that rests on it, leaves them too.

--json prints {"conversations": [{"id", "title", "began", "changed", "questions", "found"}]}; for show
{"id", "title", "scope", "began", "turns": [{"asked", "forgotten", and what ask --json prints}]}, where "verdicts" has for
each citation its "standing" (ok, moved, changed or gone), where its words stand now, and what they say "now"."""

ENDPOINTS = """\
  brain endpoints              those of config.toml and those that are known: where, which model, whether the key is there
  brain endpoints check NAME   is it there, does it take the key, which models has it, what money is left; costs nothing
  brain endpoints key NAME     read its key from the terminal, or one line of stdin, into the system's keyring
  brain endpoints forget NAME  take the key out of the keyring

A key is looked for in the environment variable that config.toml names, then in the system's keyring under the same name
(with the package keyring: pip install keyring). It is never in config.toml.

--json prints {"endpoints": [{"name", "url", "model", "key", "key_in", "has_key", "stays_home", "window", "note", "problem"}]};
for check {"name", "host", "model", "has_model", "models", "window", "money"}; else {"name", "key", "key_in"}."""


LEDGER = """\
Every question that goes to an endpoint is written down before a byte of it leaves: when, to whom, the names of the notes in
it, how much, what it cost, and the SHA-256 of what was sent. No text of a note, no question, no answer, no key. The record is
egress.jsonl in Brain's folder, each line with the SHA-256 of the one before; --verify names the first line that was changed,
taken out, cut off or put elsewhere, and then exits 3. Names of notes stay in it when a folder is forgotten: it is your own
record of what left.

--json prints {"path", "faults", "sent_today", "spent_today", "spent_month", "budget_day", "budget_month",
"days": [{"day", "calls", "bytes", "usd"}], "months": [{"month", "calls", "bytes", "usd"}], "entries": [ENTRY…]}
ENTRY = {"number", "time", "host", "model", "files": [path…], "characters", "bytes", "tokens" and "estimate_usd" as
estimated before, "sha256", "usage", "cost_usd" and "outcome" (answered, stopped, broken or refused) as known after, else null}
--verify --json prints {"path", "holds", "faults": [sentence…], "calls"}. Amounts are USD; days and months are local."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a bug, 2 wrong usage, 3 could not be done, 130 cancelled."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    options = parser().parse_args(arguments)
    if options.command is None:
        parser().print_help()
        return USAGE
    os.umask(0o077)  # nobody else on this machine reads what Brain writes
    try:
        settings = load(options.home, offline=options.offline)
        if settings.offline:
            go_offline()
        return run(options, settings)
    except BrainError as error:
        return report(error)
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def run(options: argparse.Namespace, settings: Settings) -> int:
    """One parsed command under these settings. A bug goes to the log, with one line of apology."""
    from brain.log import log, open_log

    path = open_log(settings.home, verbose=options.verbose)
    try:
        module, function = options.run
        code: int = getattr(import_module(f"brain.cli.{module}"), function)(options, settings)
        return code
    except (BrainError, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception:  # noqa: BLE001 - the last door: whatever is not a BrainError is a bug
        log.exception("bug", extra={"command": options.command})
        print(f"Sorry, Brain stumbled over a bug of its own. Details are in {path}.", file=sys.stderr)
        return BUG


def report(error: BrainError) -> int:
    """Say on stderr what went wrong and what to do, and return the exit code."""
    from brain.cleaning import one_line

    reason = one_line(error.reason)
    print(f"brain: {reason}" + ("" if reason.endswith((".", "!", "?")) else "."), file=sys.stderr)
    if error.hint:
        print(f"       {one_line(error.hint)}", file=sys.stderr)
    if isinstance(error, Cancelled):
        return CANCELLED
    return USAGE if isinstance(error, SettingsError | QueryError) else FAILED


def parser() -> argparse.ArgumentParser:
    """Every command and flag, with help a newcomer understands."""
    common = _common()

    scope = argparse.ArgumentParser(add_help=False)
    _add_filters(scope)

    top = argparse.ArgumentParser(
        prog="brain",
        description="The search bar for your own notes. `brain` alone, or `brain FOLDER`, opens the terminal UI.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"brain {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(
        name: str, help: str, *parents: argparse.ArgumentParser, module: str = "commands", more: str = ""
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}." + (f"\n\n{more}" if more else ""),
            parents=[*parents, common],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=(module, name))
        return made

    command(
        "demo",
        "pull the starter models, index sample notes, and answer two questions about them",
        module="demonstration",
    )

    add = command("add", "watch folders of notes and PDFs, and index them now")
    add.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    add.add_argument(
        "--words-only", action="store_true", help="leave the vectors for later: words can be found at once"
    )
    remove = command(
        "remove",
        "forget folders; the files in them are not touched",
        more="Saved conversations lose what they hold of them: passages, quotes, file names, and what rests on them.",
    )
    remove.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    command("folders", "list the watched folders")
    sync = command(
        "sync",
        "bring the index up to date with the folders",
        more="Files that cannot be read are listed; that is no failure.\n"
        "A folder that looks unmounted (empty, or another one than before) keeps what is known of it.",
    )
    sync.add_argument("--accept-deletes", action="store_true", help="the files really are gone from it: forget them")
    sync.add_argument(
        "--words-only", action="store_true", help="leave the vectors for later: words can be found at once"
    )

    search = command("search", "find passages, without any model's prose", scope)
    search.add_argument("query", nargs="+", metavar="QUERY")
    search.add_argument(
        "--explain",
        action="store_true",
        help="say for each passage which words of the query stand in it, and where; with --json as `explain`",
    )
    search.add_argument("-k", "--limit", type=_positive, metavar="N", help="how many passages (default 10)")
    ask = command(
        "ask",
        "answer a question from your notes, with the sources that carry each sentence",
        scope,
        more="""--whole FILE goes through one file from its first page to its last, for questions like "list all …". With --quotes,
without a chat model, or with a very small one, its own sentences answer; a model that is named with --model reads it, at
once where it fits the model's window, else part by part. --json then has "coverage": {"path", "characters", "spans",
"pages", "read": [page…], "without_text": [page…], "not_read": [page…], "complete"}; --plan --json prints the plan.

A model elsewhere (--model deepseek; brain endpoints lists them) is sent nothing before you have seen it and allowed it:
the question, the passages, earlier turns, their size and price. Private notes and what looks like a secret never leave.
Where nobody can be asked, as in a script, nothing is sent without --send, and the exit code is 3.""",
    )
    _add_ask(ask)

    _add_chats(
        command(
            "chats",
            "saved conversations: list, search, show, rename, delete or export them, or save an answer as a note",
            module="chats",
            more=CHATS,
        )
    )

    ledger = command(
        "ledger", "show what has left this machine, to whom, and what it cost", module="egress", more=LEDGER
    )
    ledger.add_argument("-k", "--limit", type=_positive, default=20, metavar="N", help="how many calls (default 20)")
    ledger.add_argument("--verify", action="store_true", help="only say whether the record is whole")

    models = command(
        "models",
        "list the models that are here and that could be; pull, use, inspect or remove one",
        module="shelf",
        more=MODELS,
    )
    add_models(models)

    endpoints = command(
        "endpoints",
        "servers that can answer instead: list or check them, keep or forget their keys",
        module="endpoints",
        more=ENDPOINTS,
    )
    endpoints.add_argument("action", nargs="?", choices=("list", "check", "key", "forget"), default="list")
    endpoints.add_argument("name", nargs="?", metavar="NAME", help="an endpoint, or NAME/MODEL for one of its models")

    serve = command(
        "serve",
        "keep the index current in the background and answer every other brain command",
        module="background",
        more="Ends in good order on ctrl+c or SIGTERM. With --json, one event a line.",
    )
    serve.add_argument(
        "--wait", action="store_true", help="where another brain owns the index, wait until it has ended"
    )
    service = command(
        "service",
        "run `brain serve` at login: a systemd user unit, or a launchd agent on macOS",
        module="service",
        more='status --json prints {"kind", "path", "installed", "current", "running", "owner"}.',
    )
    service.add_argument("action", nargs="?", choices=("install", "uninstall", "status"), default="status")

    command("status", "show what is indexed, by whom, and what does not work")
    doctor = command(
        "doctor",
        "compare folders, catalog and indexes, and say what is wrong",
        module="checkup",
        more="""Your notes are only read, with --repair too. Exits 3 when something is wrong and left unrepaired.

--json prints {"home", "healthy", "repaired", "seconds", "found": [FINDING…], "left": [FINDING…]}
FINDING = {"part", "what", "where", "level", "repair", "hint"}
part is one of notes catalog words vectors models files; level is note, warning or error; repair names what --repair
does about it: sync reread catalog words vectors chroma modes clear, or is empty. Notes do not make a store unhealthy.""",
    )
    doctor.add_argument("--repair", action="store_true", help="mend what can be mended, then look again")
    doctor.add_argument(
        "--thorough", action="store_true", help="look at every file, passage and vector instead of a sample"
    )
    rebuild = command("rebuild", "make the words index and the vector index again from the catalog; no model is needed")
    rebuild.add_argument("--vectors", action="store_true", help="also embed every passage again (slow)")
    add_eval(commands, _common)
    return top


def _add_filters(scope: argparse.ArgumentParser) -> None:
    """The filters of a question, as flags."""
    narrow = scope.add_argument_group(
        "narrow the search (also inside the question: @folder/ #tag type:pdf after:2025-01)"
    )
    narrow.add_argument("--in", dest="within", action="append", default=[], metavar="PLACE", help="a folder/ or a file")
    narrow.add_argument("--tag", action="append", default=[], metavar="TAG", help="notes with this tag")
    narrow.add_argument("--type", action="append", default=[], metavar="TYPE", help="markdown, text or pdf")
    narrow.add_argument(
        "--after",
        action="append",
        default=[],
        metavar="DATE",
        help="dated on or after, e.g. 2025, 2025-01 or 2025-01-31",
    )
    narrow.add_argument(
        "--machine", action="store_true", help="with notes a machine wrote (saved answers); also is:machine"
    )
    narrow.add_argument("--before", action="append", default=[], metavar="DATE", help="dated before")


def _add_conversing(ask: argparse.ArgumentParser) -> None:
    """What asking has to do with saved conversations."""
    ask.add_argument(
        "--continue", dest="go_on", action="store_true", help="go on with the conversation that was used last"
    )
    ask.add_argument("--chat", type=int, metavar="ID", help="go on with this conversation; brain chats lists them")
    ask.add_argument("--unsaved", action="store_true", help="do not keep this question and its answer")
    ask.add_argument(
        "--save", type=Path, metavar="NOTE.md", help="also write the answer with its sources as a new note"
    )


def _add_chats(chats: argparse.ArgumentParser) -> None:
    """The words after `brain chats`."""
    chats.add_argument(
        "action",
        nargs="?",
        choices=("list", "search", "show", "rename", "delete", "export", "save"),
        default="list",
    )
    chats.add_argument("rest", nargs="*", metavar="ID or WORDS")
    chats.add_argument(
        "-k", "--limit", type=_positive, default=50, metavar="N", help="how many are listed (default 50)"
    )
    chats.add_argument("--to", type=Path, metavar="FILE", help="write here, to a file that does not exist yet")
    chats.add_argument(
        "--answer", type=_positive, metavar="N", help="save: which answer of the conversation (default: the last)"
    )


def _common(argument_default: str | None = None) -> argparse.ArgumentParser:
    """The flags every command has."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argument_default)
    common.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="the folder that holds all Brain knows (default: $BRAIN_HOME)",
    )
    common.add_argument("--json", action="store_true", help="print JSON on stdout and nothing else")
    common.add_argument(
        "--offline", action="store_true", help="contact nothing but this machine, whatever the settings say"
    )
    common.add_argument("--verbose", action="store_true", help="write more into the log")
    return common


def _add_ask(ask: argparse.ArgumentParser) -> None:
    """The words after `brain ask`."""
    ask.add_argument("question", nargs="+", metavar="QUESTION")
    ask.add_argument("--quotes", action="store_true", help="no chat model: the best sentences, word for word")
    ask.add_argument(
        "--model",
        metavar="NAME",
        help="the chat model for this question: a name on the shelf, a GGUF file, quotes, or an endpoint (NAME or NAME/MODEL)",
    )
    ask.add_argument(
        "--send",
        action="store_true",
        help="with a model elsewhere: what leaves this machine leaves without being asked",
    )
    ask.add_argument(
        "--preview",
        action="store_true",
        help="print the exact bytes that would leave this machine, and send nothing",
    )
    ask.add_argument(
        "--whole",
        metavar="FILE",
        help="read this whole file instead of searching: a path, or the end of a note's path; the plan is told first",
    )
    ask.add_argument("--plan", action="store_true", help="with --whole: only the plan (pages, tokens, seconds, cost)")
    _add_conversing(ask)
    ask.add_argument(
        "--events", action="store_true", help="with --json: one event a line as it happens, the answer last"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


COMMANDS = (
    "demo", "add", "remove", "folders", "sync", "search", "ask", "chats", "ledger", "models", "endpoints", "serve", "service",
    "status", "doctor", "rebuild", "eval",
)  # fmt: skip
