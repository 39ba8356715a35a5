"""The composition root: `open_brain` owns the store, reaches its owner, or reads beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from typing import Literal, overload

from brain.attached import Attached, Reached, reach_soon
from brain.errors import OwnerEnded, StoreBusy, StoreError, StoreOutdated
from brain.local import LocalBrain, busy
from brain.log import log
from brain.remote import attach
from brain.seams import Brain
from brain.serve import Server
from brain.settings import Settings
from brain.store.catalog import Catalog
from brain.store.claim import Claim, Door, claim_store, look_at_store

ATTACH_SECONDS = 1.0  # an owner that has just begun has no socket yet, one that ends has none any more


@overload
def open_brain(settings: Settings, *, own: bool, background: bool = ...) -> AbstractContextManager[LocalBrain]: ...
@overload
def open_brain(settings: Settings, *, own: None = ..., background: bool = ...) -> AbstractContextManager[Brain]: ...
def open_brain(
    settings: Settings, *, own: bool | None = None, background: bool = False
) -> AbstractContextManager[LocalBrain] | AbstractContextManager[Brain]:
    """The Brain of `settings.home`.

    `own` True: own the store or raise StoreBusy. False: read it beside whoever owns it. None: own it if it is free, else
    let its owner answer and take its place when it ends; where that owner cannot be talked to, read.
    `background`: an owner keeps the store current while this lasts. Every owner answers other processes.
    Raises StoreError for a store that cannot be opened.
    """
    if own is None:
        return _with_whoever(settings, background=background)
    return _owning(settings, background=background) if own else _beside(settings)


@contextmanager
def _with_whoever(settings: Settings, *, background: bool) -> Iterator[Brain]:
    reach = partial(_reach, settings, background=background)
    read = partial(_kept_open, lambda: _beside(settings), "reader")
    try:
        first = reach_soon(reach, ATTACH_SECONDS) or read()
        is_writable = True
    except StoreError:
        first, is_writable = read(), False  # a home that cannot be written can still be read
    if first.role == "owner" or not is_writable:
        with ExitStack() as house:
            house.callback(first.close)
            yield first.brain
    else:
        with closing(Attached(first, reach, read)) as brain:
            yield brain


def _reach(settings: Settings, *, background: bool) -> Reached | None:
    """Own the store or reach its owner. None: not now, perhaps soon. Raises StoreBusy for an owner that cannot be talked to."""
    try:
        return _kept_open(lambda: _owning(settings, background=background), "owner")
    except _Owned as owned:
        if owned.door is None:
            return None
        try:
            brain = attach(owned.door.address, owned.door.key, offline=settings.offline)
        except OwnerEnded:
            return None
        return Reached(brain, "guest", brain.close, brain.wait_for_end)


def _kept_open(opening: Callable[[], AbstractContextManager[LocalBrain]], role: Literal["owner", "reader"]) -> Reached:
    with ExitStack() as house:
        brain = house.enter_context(opening())
        return Reached(brain, role, house.pop_all().close)


@contextmanager
def _owning(settings: Settings, *, background: bool) -> Iterator[LocalBrain]:
    with ExitStack() as house:
        claim = house.enter_context(claim_store(settings.home))
        if not claim.ours:
            raise _Owned(claim)
        server = _server(settings, claim)
        if server is not None:
            house.callback(server.close)
        catalog = Catalog(settings.home / "catalog.db")
        house.callback(catalog.close)
        brain = LocalBrain(settings, catalog, claim)
        house.callback(brain.close)
        if background:
            house.enter_context(brain.background())
        if server is not None:
            house.enter_context(server.answering(brain))
        yield brain


def _server(settings: Settings, claim: Claim) -> Server | None:
    """The socket, announced before the store is open, so that whoever is refused finds it. Without one, others only read."""
    try:
        server = Server(settings.home, offline=settings.offline)
        claim.announce(Door(server.address, server.key))
    except OSError as error:
        log.warning("no socket", extra={"why": error.strerror})
        return None
    return server


@contextmanager
def _beside(settings: Settings) -> Iterator[LocalBrain]:
    path = settings.home / "catalog.db"
    with ExitStack() as house:
        try:
            if not path.exists():
                _bring_about(settings)  # an empty store can be read like any other
            catalog = Catalog(path, read_only=True)
        except StoreOutdated:
            _bring_about(settings)
            catalog = Catalog(path, read_only=True)
        house.callback(catalog.close)
        brain = LocalBrain(settings, catalog, look_at_store(settings.home))
        house.callback(brain.close)
        yield brain


def _bring_about(settings: Settings) -> None:
    """Make the catalog, or bring its tables to this version, unless another process owns it."""
    with claim_store(settings.home) as claim:
        if claim.ours:
            Catalog(settings.home / "catalog.db").close()


class _Owned(StoreBusy):
    """Who owns the store, and where it answers."""

    def __init__(self, claim: Claim) -> None:
        said = busy(claim)
        super().__init__(said.reason, hint=said.hint)
        self.door = claim.door
