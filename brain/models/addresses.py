"""An endpoint's address taken apart; refused where what is sent there could be read or led astray. Pure: no look-ups."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from brain.errors import SettingsError

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_PATH = re.compile(r"(/[\w.~%!$&'()*+,;=:@-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is."""

    scheme: str  # "https"; "http" on this machine only
    name: str  # of the host, without brackets
    port: int
    path: str  # without a slash at its end
    is_home: bool  # a loopback address or "localhost", by its letters: no DNS is asked

    @property
    def host(self) -> str:
        """The host as people write it, with the port where it is not the usual one."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        usual = {"https": 443, "http": 80}[self.scheme]
        return name if self.port == usual else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.host}{self.path}"


def address_of(url: str, *, owner: str) -> Address:
    """The address that `url` means for the endpoint `owner`. Raises SettingsError; what is refused is not repeated."""
    where = f"The address of the endpoint {owner}"
    example = 'Write it as in url = "https://api.example.com/v1".'
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"{where} cannot be read.", hint=example) from error
    if parts.username is not None or parts.password is not None:
        hint = "Take it out of the url; put the key into an environment variable and name that as key."
        raise SettingsError(f"{where} holds a user name or a password.", hint=hint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{where} does not begin with https:// or http://.", hint=example)
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path) or port == 0:
        raise SettingsError(f"{where} has more in it than a host, a port and a path.", hint=example)
    name = parts.hostname
    is_home = is_loopback(name)
    if not is_home and not _is_ip(name) and not _HOST.fullmatch(name):
        hint = "Letters of other alphabets can look like these; write such a name in its xn-- form."
        raise SettingsError(f"{where} has a host that is not written in plain letters.", hint=hint)
    if parts.scheme == "http" and not is_home:
        hint = f"Use https://, or a tunnel to this machine: ssh -N -L 8080:localhost:{port or 80} {name}"
        raise SettingsError(f"{where} is http:// to another machine, where everyone on the way can read it.", hint=hint)
    default = 443 if parts.scheme == "https" else 80
    return Address(parts.scheme, name, port or default, parts.path.rstrip("/"), is_home)


def is_loopback(name: str) -> bool:
    """Whether a host is this machine, by its letters alone."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
