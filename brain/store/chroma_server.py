"""Vectors in a Chroma server on this machine. Derived as the folder is: whatever it lacks or loses is given to it again.

A vector can be turned back into much of its text, so none goes to another machine. What the server says is not believed: a
collection that names an embedding function, which Chroma would construct here, is refused, and only numbers are taken from it.
While it does not answer, exact search over the catalog's vectors serves, and it is tried again after 1 to 60 seconds.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from brain.cleaning import one_line
from brain.errors import SettingsError, StoreError
from brain.seams import VectorIndex, Vectors
from brain.store.catalog import CHROMA_MARK, Catalog
from brain.store.native import translated
from brain.store.nearest import ScopedSearch, checked, refuse_functions
from brain.types import Hit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
BATCH = 1000
SECONDS, WRITE_SECONDS = 2.0, 30.0  # for one request; a search that waits for longer is answered by exact search
AGAIN, AT_LAST = 1.0, 60.0  # seconds until it is tried again: doubled after each failure, up to the second


class ServedVectors(ScopedSearch):
    """A collection of a Chroma server, of this store and model alone. `exact` serves while the server does not."""

    def __init__(
        self,
        url: str,
        catalog: Catalog,
        model: str,
        *,
        exact: Callable[[], VectorIndex],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is contacted yet. Raises SettingsError for an address that is none, or not of this machine."""
        self._host, self._port, self._is_tls = address(url)
        self._catalog = catalog
        self._model = model
        self._exact = exact
        self._clock = clock
        self._lock = threading.RLock()
        self._scope = None
        self._client: Any = None
        self._collection: Any = None
        self._wait, self._again_at = AGAIN, 0.0
        self.trouble = ""  # why it does not serve now; "": it does, as far as is known

    @property
    def name(self) -> str:
        """What the collection is called: two stores, or two models, never share one."""
        whose = f"{self._catalog.path.absolute()}\n{self._model}"
        return "brain-" + sha256(whose.encode("utf-8", "surrogateescape")).hexdigest()[:20]

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace. Raises StoreError."""
        matrix = checked(ids, vectors)
        with self._asking(seconds=WRITE_SECONDS) as collection:
            for at in range(0, len(matrix), BATCH):
                names = [str(int(chunk)) for chunk in ids[at : at + BATCH]]
                collection.upsert(ids=names, embeddings=matrix[at : at + BATCH])

    def remove(self, ids: Sequence[int]) -> None:
        """Forget; unknown ids are fine. Raises StoreError."""
        with self._asking(seconds=WRITE_SECONDS) as collection:
            for at in range(0, len(ids), BATCH):
                collection.delete(ids=[str(int(chunk)) for chunk in ids[at : at + BATCH]])

    def search(self, vector: Vectors, limit: int, within: Collection[int] | None = None) -> list[Hit]:
        """The nearest to one vector, best first; scores are cosines. Exact search answers where the server does not."""
        try:
            return super().search(vector, limit, within)
        except StoreError:
            return self._exact().search(vector, limit, within)

    def count(self) -> int:
        """How many vectors it holds. Raises StoreError."""
        with self._asking() as collection:
            return int(collection.count())

    def look(self) -> None:
        """Whether it is there and still holds what it was given; where not, everything waits for it again. Raises StoreError."""
        with self._asking() as collection:
            self._check(collection)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._let_go()

    def drop(self) -> None:
        """Delete the collection, as far as the server answers: a later one of this name is checked before it is used."""
        with self._lock, suppress(StoreError):
            with self._asking():
                self._client.delete_collection(self.name)
            self._let_go()

    def _ask(self, vector: Vectors, limit: int) -> list[Hit]:
        with self._asking() as collection:
            found = collection.query(query_embeddings=[vector], n_results=limit, include=["distances"])
            hits = [
                Hit(int(chunk), 1.0 - float(far))
                for chunk, far in zip(found["ids"][0], found["distances"][0], strict=True)
            ]
            given, _ = self._catalog.indexed()
            if len(hits) > limit or not all(math.isfinite(hit.score) for hit in hits):
                raise _Odd("it said what nobody asked for")
            if len(hits) < min(limit, given):
                self._start_over()  # it has lost what it was given: a server that was emptied, or made anew
                raise _Odd("it has lost vectors, and is given them again")
        return hits

    @contextmanager
    def _asking(self, *, seconds: float = SECONDS) -> Iterator[Any]:
        """The collection for one request, alone on the connection. Whatever goes wrong, the server rests for a while."""
        with self._lock:
            if self._collection is None and self._clock() < self._again_at:
                raise self._unusable()
            with translated(self._failed):
                collection = self._open() if self._collection is None else self._collection
                self._client._server._session.timeout = seconds
                yield collection

    def _open(self) -> Any:
        """The collection, checked to hold what it was given."""
        # Chroma's client waits for ever, and asks before it can be told not to, through a proxy if one is set.
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = _without_proxy(os.environ.get("no_proxy", ""))
        import chromadb
        import httpx
        from chromadb.config import Settings

        scheme, host = "https" if self._is_tls else "http", f"[{self._host}]" if ":" in self._host else self._host
        with httpx.Client(timeout=SECONDS, trust_env=False) as first:
            first.get(f"{scheme}://{host}:{self._port}/api/v2/heartbeat").raise_for_status()
        quiet = Settings(anonymized_telemetry=False)
        self._client = chromadb.HttpClient(host=self._host, port=self._port, ssl=self._is_tls, settings=quiet)
        self._client._admin_client._server._session.close()
        server = self._client._server
        with closing(server._session) as waiting:
            server._session = httpx.Client(headers=waiting.headers, timeout=SECONDS, trust_env=False)
        collection = self._collection_of()
        if self._catalog.setting(CHROMA_MARK):  # a folder was used until now: were it used again, it starts over
            self._catalog.set_setting(CHROMA_MARK, "")
            self._start_over()
        else:
            self._collection = collection
            self._check(collection)
        self._wait, self.trouble = AGAIN, ""
        return self._collection

    def _collection_of(self) -> Any:
        collection = self._client.get_or_create_collection(
            self.name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        try:
            refuse_functions(collection)
        except StoreError as error:
            raise _Odd(error.reason) from error
        return collection

    def _check(self, collection: Any) -> None:
        given, gone = self._catalog.indexed()
        if not given <= collection.count() <= given + gone:
            self._start_over()

    def _start_over(self) -> None:
        self._client.delete_collection(self.name)
        self._catalog.all_index_pending()
        self._collection = self._collection_of()

    def _let_go(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            client._server._session.close()

    def _failed(self, said: str) -> StoreError:
        self._let_go()
        self._again_at = self._clock() + self._wait
        self._wait = min(AT_LAST, self._wait * 2)
        self.trouble = f"The Chroma server at {self._host}:{self._port} cannot be used: {one_line(said)[:200]}"
        return self._unusable()

    def _unusable(self) -> StoreError:
        hint = "Start it (chroma run), or take `chroma` out of [store]. Search is exact meanwhile, and misses nothing."
        return StoreError(self.trouble, hint=hint)


class _Odd(Exception):
    """The server said what it should not."""


def address(url: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS is spoken. Raises SettingsError for an address that is none, or not of this machine."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 8000)
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if parts.scheme not in ("http", "https") or not host or parts.path.strip("/") or parts.username or parts.query:
        raise SettingsError(f"[store] chroma = {url!r} is no address.", hint='For example "http://127.0.0.1:8000".')
    if host not in LOOPBACK:
        raise SettingsError(
            f"[store] chroma names {host}, another machine.",
            hint="Vectors can be turned back into text, so Brain gives them to a server on this machine only.",
        )
    return host, port, parts.scheme == "https"


def _without_proxy(given: str) -> str:
    return ",".join(dict.fromkeys(one for one in (*given.split(","), *LOOPBACK) if one))
