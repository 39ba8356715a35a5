"""Keys of endpoints: out of the environment, else out of the system's keyring, and never shown.

A key is in no setting, no file of ours, no error and no log; nor, as plain text, in a variable, because crash reports show
those. Without the package `keyring` there is the environment alone.
"""

from __future__ import annotations

import os
import re
from typing import Any, Literal, NoReturn

from brain.errors import EndpointError, SettingsError

SERVICE = "brain"  # under which the keyring lists our entries
TELLING = 8  # so many characters of a key in a row are taken out of every text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_KEY = re.compile(r"[!-~]{1,4096}")


class Secret:
    """A key. Its text is had by `reveal` alone: printing, formatting or pickling it gives nothing away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._text

    def taken_out_of(self, text: str) -> str:
        """The text without the key, or any longer part of it, for what a server says: some repeat what they were sent."""
        text = text.replace(self._text, "…")
        parts = {self._text[at : at + TELLING] for at in range(len(self._text) - TELLING + 1)}
        while found := [part for part in parts if part in text]:
            for part in found:
                text = text.replace(part, "…")
        return text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def check_name(name: str, *, owner: str) -> None:
    """Raises SettingsError where the name of a key is no name, perhaps the key itself; it is not repeated."""
    looks_like_a_key = any(len(part) >= 16 and re.search(r"\d", part) for part in name.split("_"))  # also gsk_…, hf_…
    if not _NAME.fullmatch(name) or looks_like_a_key:
        raise SettingsError(
            f"key of the endpoint {owner} should be the name of an environment variable, never the key itself.",
            hint=f'Write key = "{_suggested(owner)}". If a key stood there, make a new one: files are copied and backed up.',
        )


def find_key(name: str) -> Secret | None:
    """The key of this name, or None. Raises EndpointError for one that cannot be a key."""
    found = _in_environment(name) or _in_keyring(name)
    return checked(found, name=name) if found else None


def where(name: str) -> Literal["", "environment", "keyring"]:
    """Where the key of this name is; "": nowhere."""
    if _in_environment(name):
        return "environment"
    return "keyring" if _in_keyring(name) else ""


def checked(key: Secret, *, name: str) -> Secret:
    """The key without what stands around it. Raises EndpointError, without a word of it, where no header could carry it."""
    if not _KEY.fullmatch(key.reveal().strip()):
        hint = "Copy it once more, without spaces or line breaks in it."
        raise EndpointError(
            f"What {name} holds cannot be a key: it is empty, or not plain letters and digits.", hint=hint
        )
    return Secret(key.reveal().strip())


def keep_key(name: str, key: Secret) -> None:
    """Put a key into the system's keyring. Raises EndpointError where there is none."""
    keyring = _keyring()
    hint = f"Set the environment variable {name} instead."
    if keyring is None:
        hint = f"pip install keyring, or set the environment variable {name} instead."
        raise EndpointError("There is no way to the system's keyring: the package keyring is not installed.", hint=hint)
    kept = False
    try:
        keyring.set_password(SERVICE, name, key.reveal())
        kept = keyring.get_password(SERVICE, name) == key.reveal()
    except Exception:  # noqa: BLE001 - every backend raises its own kinds; some put the entry into their message
        pass
    if not kept:
        raise EndpointError("The system's keyring does not take the key.", hint=hint)


def forget_key(name: str) -> bool:
    """Take a key out of the keyring; whether one was there. Raises EndpointError where it stays."""
    keyring = _keyring()
    if keyring is None or not _in_keyring(name):
        return False
    try:
        keyring.delete_password(SERVICE, name)
    except Exception as error:  # as above: each backend raises its own kinds
        raise EndpointError(f"The system's keyring does not give up {name}.", hint="Delete it there.") from error
    return True


def _in_environment(name: str) -> Secret | None:
    return Secret(os.environ[name]) if os.environ.get(name, "").strip() else None


def _in_keyring(name: str) -> Secret | None:
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        found = Secret(keyring.get_password(SERVICE, name) or "")
    except Exception:  # noqa: BLE001 - no keyring, a locked one, no session bus: each backend raises its own kinds
        return None
    return found if found.reveal().strip() else None


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        return None
    return keyring


def _suggested(owner: str) -> str:
    return re.sub(r"\W+", "_", owner, flags=re.ASCII).upper().strip("_") + "_API_KEY"
