"""What `brain models pull` can be given besides a name: a place on the model hub, a URL, a file. Only the text is looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from brain.errors import ModelError
from brain.models.splits import part_names, part_of

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = re.compile(rf"(?P<repository>{_WORD}/{_WORD})(?:/(?P<path>[^:?#]+)|:(?P<tag>[A-Za-z0-9_.-]+))?")
_PAGE = re.compile(rf"/(?P<repository>{_WORD}/{_WORD})/(?:resolve|blob)/[^/]+/(?P<path>[^:?#]+)")
_HUB_HOSTS = ("huggingface.co", "hf.co")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
FORM = "Write it as hf:owner/repository, hf:owner/repository:Q4_K_M or hf:owner/repository/file.gguf."


@dataclass(frozen=True, slots=True)
class OnHub:
    """A file on the model hub, or the one of a repository that a tag such as Q4_K_M picks out."""

    repository: str
    path: str = ""
    tag: str = ""

    def __str__(self) -> str:
        return f"hf:{self.repository}" + (f"/{self.path}" if self.path else f":{self.tag}" if self.tag else "")


@dataclass(frozen=True, slots=True)
class AtUrl:
    """A file on a web server. It never holds a name or password."""

    url: str

    @property
    def host(self) -> str:
        """The server's name."""
        return urlsplit(self.url).hostname or ""

    def __str__(self) -> str:
        return self.host


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file of this machine."""

    path: Path

    def __str__(self) -> str:
        return "this machine"


Address = OnHub | AtUrl | OnDisk


def parse_address(text: str) -> Address | None:
    """What a person typed, understood; None for what can only be a name. Raises ModelError for an address that cannot be used."""
    if text.startswith("hf:"):
        match = _REPOSITORY.fullmatch(text.removeprefix("hf:"))
        if match is None:
            raise ModelError(f"{text} is no place on the model hub", hint=FORM)
        return _on_hub(match["repository"], match["path"] or "", match["tag"] or "")
    if "://" in text:
        return _at_url(text)
    path = Path(text).expanduser()
    if path.suffix == ".gguf" or "/" in text or path.is_file():
        return OnDisk(path)
    return None


def spelled(address: Address) -> str:
    """An address so that `parse_address` understands it again; what follows a "?" in a URL may be a key and is left out."""
    match address:
        case AtUrl(url):
            return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
        case OnDisk(path):
            return str(path.absolute())
        case OnHub():
            return str(address)


def next_hop(url: str, location: str) -> str:
    """Where a server sends us on to. Raises ModelError where that is no encrypted connection, or leaves loopback without one."""
    there = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(there)
    stays = old.scheme == new.scheme == "http" and is_loopback(old.hostname or "") and is_loopback(new.hostname or "")
    if new.scheme != "https" and not stays:
        raise ModelError(
            f"{old.hostname} sends us on to {new.hostname or 'nowhere'} without encryption",
            hint="Choose another address.",
        )
    return there


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and can be nothing else."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def urls_of(url: str) -> tuple[str, ...]:
    """The addresses of all parts of the model that the file at `url` belongs to."""
    split = urlsplit(url)
    return tuple(urlunsplit(split._replace(path=path)) for path in parts_of_path(split.path))


def name_for(file: str) -> str:
    """What a model from a file of this name is called on the shelf: letters, digits, dots and dashes only."""
    base = PurePosixPath(unquote(file)).name
    part = part_of(base)
    name = _ODD.sub("-", part.stem if part else base.removesuffix(".gguf")).strip(".-")
    if not name:
        raise ModelError("That file has no name a model could be called by", hint="Rename it first.")
    return name[:100]


def choose(paths: Sequence[str], address: OnHub) -> tuple[str, ...]:
    """Which of a repository's files are meant: one, or all parts of one. Raises ModelError where that is not clear."""
    models = sorted(
        path
        for path in paths
        if path.endswith(".gguf") and _stays_inside(path) and not PurePosixPath(path).name.lower().startswith("mmproj")
    )
    firsts = [path for path in models if (part := part_of(PurePosixPath(path).name)) is None or part.number == 1]
    if address.path:
        firsts = [path for path in firsts if path == parts_of_path(address.path)[0]]
    elif address.tag:
        wanted = address.tag.lower()
        found = [path for path in firsts if _tagged(path).endswith(wanted)]
        exact = [path for path in found if re.search(rf"(^|[-.]){re.escape(wanted)}$", _tagged(path))]
        plain = [path for path in exact if f"ud-{wanted}" not in _tagged(path)]
        firsts = plain or exact or found
    if not firsts:
        known = ", ".join(_names(models)) or "none at all"
        raise ModelError(f"{address} is not there; of GGUF files there are: {known[:120]}", hint=FORM)
    if len(firsts) > 1:
        raise ModelError(f"{address} is more than one file, name one of: {', '.join(_names(firsts))[:150]}", hint=FORM)
    wanted_paths = parts_of_path(firsts[0])
    for number, path in enumerate(wanted_paths, 1):
        if path not in paths:
            raise ModelError(f"{address} lacks part {number} of {len(wanted_paths)}", hint="Choose another file.")
    return wanted_paths


def parts_of_path(path: str) -> tuple[str, ...]:
    """The paths of all parts of the model that the file at `path` belongs to, the path alone where it is whole."""
    whole = PurePosixPath(path)
    return tuple(str(whole.with_name(name)) for name in part_names(whole.name))


def _stays_inside(path: str) -> bool:
    """A repository's path that leads nowhere else when it is joined to a folder of ours."""
    return not path.startswith("/") and not {"", ".", ".."} & {*path.split("/")}


def _tagged(path: str) -> str:
    name = PurePosixPath(path).name
    part = part_of(name)
    return (part.stem if part else name.removesuffix(".gguf")).lower()


def _names(paths: Sequence[str]) -> list[str]:
    return [PurePosixPath(path).name for path in paths]


def _on_hub(repository: str, path: str, tag: str) -> OnHub:
    if path and not path.endswith(".gguf"):
        raise ModelError(f"{path} is no GGUF file", hint=FORM)
    if path and not _stays_inside(path):
        raise ModelError(f"{path} is no place on the model hub", hint=FORM)
    return OnHub(repository, path, tag)


def _at_url(text: str) -> Address:
    try:
        split = urlsplit(text)
        host = split.hostname or ""
        _ = split.port
    except ValueError as error:
        raise ModelError("That is no address", hint="Check it for typing errors.") from error
    if split.username is not None or split.password is not None:
        raise ModelError(f"The address on {host} holds a password", hint="Fetch the file yourself, then pull its path.")
    if split.scheme != "https" and not (split.scheme == "http" and is_loopback(host)):
        raise ModelError(f"{host or 'That'} would be asked without encryption", hint="Use an address with https://.")
    if host in _HUB_HOSTS and (match := _PAGE.fullmatch(split.path)):
        return _on_hub(match["repository"], unquote(match["path"]), "")
    if not host or not split.path.endswith(".gguf"):
        raise ModelError(f"The address on {host or 'nowhere'} is not that of a GGUF file", hint="It ends in .gguf.")
    return AtUrl(text)
