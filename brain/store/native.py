"""Errors of libraries written in Rust, in our words: some are no Exception at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from brain.errors import BrainError


@contextmanager
def translated(say: Callable[[str], BrainError]) -> Iterator[None]:
    """Raise `say(first line of the library's error)` for whatever a library raises in the block."""
    try:
        yield
    except BrainError:
        raise
    except Exception as error:  # tantivy and Chroma promise no set of exceptions
        raise say(_first_line(error)) from error
    except BaseException as error:
        if type(error).__module__ == "pyo3_runtime":  # a panic in the library
            raise say(_first_line(error)) from error
        raise


def _first_line(error: BaseException) -> str:
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__
