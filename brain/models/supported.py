"""Which kinds of model the llama.cpp on this machine can open, found without loading it.

Its library holds the name of every architecture it knows, as text that ends in a zero. A name that is not in it is
surely unknown; one that is may still turn out to be something else, and then the model's own process says so.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "llama-cpp-python"


def refusal(architecture: str) -> tuple[str, str]:
    """Why a model of this architecture cannot run here and what to do about it; two empty texts where it may."""
    names = _library()
    if not names or architecture.encode("utf-8", "replace") + b"\0" in names:
        return "", ""
    return (
        f"it is of a kind that {PACKAGE} {_version()} does not know: {architecture[:60]}",
        f"A newer one may: pip install --upgrade {PACKAGE}",
    )


@cache
def _library() -> bytes:
    """The bytes of llama.cpp's library; nothing where it is not found, and then no model is refused."""
    found = find_spec("llama_cpp")
    if found is None or found.origin is None:
        return b""
    for name in ("libllama.so", "libllama.dylib", "llama.dll"):
        try:
            return (Path(found.origin).parent / "lib" / name).read_bytes()
        except OSError:
            continue
    return b""


def _version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "on this machine"
