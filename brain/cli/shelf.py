"""`brain models`: the shelf as a person sees it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from brain.ask import QUOTES
from brain.cli.output import Progress, print_json, say
from brain.cli.stopping import cancelling
from brain.errors import SettingsError
from brain.models.endpoint import is_endpoint, open_endpoint
from brain.models.fitting import fit
from brain.models.header import Header, free_memory, gigabytes, megabytes, read_header
from brain.models.machine import ALL, attempts, can_offload, fitting_batch, physical_cores
from brain.models.placing import SCRATCH
from brain.models.rendering import trial
from brain.models.shelf import OnShelf, Shelf
from brain.models.splits import stem_of
from brain.power import fitting_threads, is_on_battery
from brain.seams import Cancel
from brain.settings import Settings, save
from brain.wire import event_json, plain_json


def models(options: argparse.Namespace, settings: Settings) -> int:
    """List the models, or do one thing with one of them."""
    shelf = Shelf(settings.shelf, offline=settings.offline)
    if options.action == "list":
        return _list(shelf, settings, as_json=options.json)
    if not options.name:
        raise SettingsError(f"Which model? brain models {options.action} NAME", hint="brain models lists the names.")
    if options.action == "pull":
        with cancelling() as cancel:
            pull(shelf, options.name, cancel=cancel, as_json=options.json, sha256=options.sha256, anyway=options.anyway)
        return 0
    act: Callable[..., int] = {"use": _use, "info": _info, "remove": _remove}[options.action]
    return act(shelf, options.name, settings, as_json=options.json)


def pull(
    shelf: Shelf,
    name: str,
    *,
    cancel: Cancel,
    as_json: bool = False,
    sha256: Sequence[str] = (),
    anyway: bool = False,
) -> None:
    """Fetch a model with a progress bar. Raises ModelError, Cancelled."""
    with Progress(sys.stderr) as progress:
        for event in shelf.pull(name, cancel=cancel, sha256=sha256, anyway=anyway):
            if as_json:
                print_json(event_json(event))
            else:
                progress.show(event)


def _list(shelf: Shelf, settings: Settings, *, as_json: bool) -> int:
    used = _in_use(settings)
    found = shelf.models(window=settings.chat.window)
    if as_json:
        rows = [{**plain_json(model), "here": model.path is not None, "used": model.name in used} for model in found]
        print_json({"folder": str(shelf.folder), "models": rows})
        return 0
    free = free_memory()
    room = "" if free is None else f" ({gigabytes(free)} free)"
    away = [model for model in found if model.path is None]
    groups = {
        "Here": [model for model in found if model.path is not None],
        f"Not here, fits into memory now{room}": [model for model in away if model.fits is not False],
        f"Not here, needs more memory than there is now{room}": [model for model in away if model.fits is False],
    }
    for title, group in groups.items():
        if group:
            say(f"{title}:")
        for model in group:
            say(_row(model, model.name in used))
    say(f"Folder: {shelf.folder}. Any GGUF file put there can be used: brain models use NAME")
    if (left := shelf.unfinished()) > 1_000_000:
        where = shelf.folder / SCRATCH
        say(f"{megabytes(left)} of pulls that were stopped: pull again to go on, or delete {where}.")
    say("Fetch one: brain models pull NAME, or hf:OWNER/REPOSITORY:Q4_K_M, a URL or a file. --help says more.")
    return 0


def _in_use(settings: Settings) -> set[str]:
    return {settings.chat.model, settings.embed.model, settings.rerank.model}


def _row(model: OnShelf, used: bool) -> str:
    """One model on one line: what it is, what it takes, and what there is to say of it."""
    size = megabytes(model.bytes) if model.bytes else ""
    length = model.window or model.trained_window
    window = model.shrunk or (f"window {length:,}" if length else "")
    least = "" if model.path else "over "
    memory = f"needs {least}{gigabytes(model.memory_bytes)}" if model.memory_bytes else ""
    if model.path is None:
        state = f"for machines of {model.tier} GB" if model.tier else ""
    else:
        state = "used" if used else ""
        if model.fits is False:
            state = f"{state}, does not fit into memory now".removeprefix(", ")
    columns = f"{model.role:>8}  {model.name:<28} {size:>9}  {model.licence:<11} {window:<28} {memory:<18}"
    return f"{columns} {model.problem or state}".rstrip()


def _use(shelf: Shelf, name: str, settings: Settings, *, as_json: bool) -> int:
    if name == QUOTES or (is_endpoint(name, settings.endpoints) and not (shelf.folder / f"{name}.gguf").exists()):
        return _use_without_file(name, settings, as_json=as_json)
    path = shelf.find(name)
    role = read_header(path).role
    save(settings.home, role, "model", stem_of(path) if path.parent == shelf.folder else str(path.resolve()))
    if as_json:
        print_json({"role": role, "model": name, "path": str(path)})
        return 0
    say(f"{name} is the {role} model from now on.")
    if role == "embed":
        say("It reads every passage at the next sync, or in the background; until then the one before it serves on.")
        if settings.embed.model != name:
            say(f"To undo it, now or later: brain models use {settings.embed.model}")
    if role == "rerank":
        say('It judges the best passages of every search, which takes time. Off again: model = "" below [rerank].')
    return 0


def _use_without_file(name: str, settings: Settings, *, as_json: bool) -> int:
    """An endpoint, or the notes' own sentences, as the chat model. Raises SettingsError for an endpoint that is not right."""
    endpoint = None if name == QUOTES else open_endpoint(name, settings.endpoints)
    stays_home = endpoint is None or endpoint.stays_home
    save(settings.home, "chat", "model", name)
    if as_json:
        print_json({"role": "chat", "model": name, "path": None, "stays_home": stays_home})
        return 0
    say(f"{name} is the chat model from now on.")
    if endpoint is not None and not stays_home:
        say(f"It answers at {endpoint.host}: what would leave this machine is shown first, and private notes never do.")
    return 0


def _info(shelf: Shelf, name: str, settings: Settings, *, as_json: bool) -> int:
    path = shelf.find(name)
    header = read_header(path)
    found = fit(header, settings.chat.window, free_memory())
    facts = {
        "name": name,
        "role": header.role,
        "path": str(path),
        "bytes": header.size,
        "architecture": header.architecture,
        "trained_window": header.context_length,
        "window": found.window,
        "window_wanted": found.wanted,
        "dimensions": header.embedding_length,
        "layers": header.layers,
        "has_chat_template": bool(header.chat_template),
        "memory_bytes": found.needed,
        "fits": found.fits,
        "parts": header.parts,
        **_settled(header, settings),
    }
    if header.role == "chat":
        facts["chat_template"] = _TEMPLATES[trial(header.chat_template)]
    if as_json:
        print_json(facts)
        return 0
    for fact, value in facts.items():
        say(f"{fact.replace('_', ' '):>18}  {value}")
    return 0


_TEMPLATES = {
    "file": "its own",
    "missing": "none in the file: ChatML is used",
    "broken": "the file's own does not work: ChatML is used",
}


def _settled(header: Header, settings: Settings) -> dict[str, object]:
    """What the model would be given of this machine."""
    if header.role == "rerank":
        threads, layers = settings.rerank.threads, ALL
    else:
        own = settings.chat if header.role == "chat" else settings.embed
        threads, layers = own.threads, own.gpu_layers
    offloads = can_offload()
    asked = attempts(layers, header.layers, offloads=offloads)[0]
    cores = physical_cores()
    if header.role == "embed":
        cores = fitting_threads(cores, on_battery=is_on_battery())
    given: dict[str, object] = {
        "threads": threads or cores,
        "gpu_layers": header.layers if asked == ALL else min(asked, header.layers),
        "gpu": "as many layers as fit"
        if asked == ALL
        else "as set"
        if offloads
        else "this build of llama.cpp uses none",
    }
    if header.role == "chat":
        given["batch"] = fitting_batch(settings.chat.batch, offloads=offloads)
    return given


def _remove(shelf: Shelf, name: str, settings: Settings, *, as_json: bool) -> int:
    if name in _in_use(settings):
        say(f"{name} is in use: until another is chosen, what it does is off.", to=sys.stderr)
    path = shelf.remove(name)
    if as_json:
        print_json({"removed": str(path)})
    else:
        say(f"Removed {path}.")
    return 0
