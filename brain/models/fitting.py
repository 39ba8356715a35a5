"""How long a window the memory holds. Pure: the header and the free bytes are handed in."""

from __future__ import annotations

from dataclasses import dataclass

from brain.models.header import Header, memory_needed

STEP = 256  # llama.cpp takes windows in multiples of it
LEAST = 2048  # tokens: in less, a question and its passages have no room


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model goes into memory: the window it gets, the one it would have, and the bytes it takes with the first."""

    window: int
    wanted: int
    needed: int
    fits: bool

    @property
    def is_shrunk(self) -> bool:
        """The window is shorter than it would be with more memory."""
        return self.fits and self.window < self.wanted

    @property
    def said(self) -> str:
        """That the window is shorter, for people; empty where it is not."""
        return shrunk_in_words(self.window, self.wanted) if self.is_shrunk else ""


def fitting_window(header: Header, wanted: int, free_bytes: int | None) -> int:
    """The longest window up to `wanted`, and to what the model was trained for, that `free_bytes` hold.

    That one itself where it fits, else a multiple of 256 and at least 2,048; 0 where not even that fits. What is free
    being unknown (None), everything fits.
    """
    wanted = max(1, min(wanted, header.context_length or wanted))
    if free_bytes is None or memory_needed(header, wanted) <= free_bytes:
        return wanted
    low, high = LEAST // STEP, wanted // STEP
    if high < low or memory_needed(header, low * STEP) > free_bytes:
        return 0
    while low < high:  # halving, not a formula: what a window takes is known in one place alone
        middle = (low + high + 1) // 2
        low, high = (middle, high) if memory_needed(header, middle * STEP) <= free_bytes else (low, middle - 1)
    return low * STEP


def shrunk_in_words(window: int, wanted: int) -> str:
    """That a window is shorter than it should be."""
    return f"window {window:,} of {wanted:,} to fit"


def fit(header: Header, wanted: int, free_bytes: int | None) -> Fit:
    """How the model goes into `free_bytes` with a window of up to `wanted`. One that does not go in is told with the least."""
    wanted = max(1, min(wanted, header.context_length or wanted))
    window = fitting_window(header, wanted, free_bytes)
    least = window or min(wanted, LEAST)
    return Fit(least, wanted, memory_needed(header, least), fits=window > 0)
