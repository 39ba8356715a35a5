"""A long computation beside what else there is to do: started in a thread of its own, asked now and then whether it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """Runs `work` once, at once. Whoever loses interest just lets go of it: what it finds is thrown away then."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._found: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="beside", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, after so long at most."""
        return self._done.wait(seconds)

    def result(self) -> T:
        """What `work` returned, once it is done; raises what it raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        self._done.set()
