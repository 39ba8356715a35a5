"""config.toml as one frozen `Settings`. Read once at a door and passed down; an unknown key is an error that names the nearest."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from brain.errors import SettingsError
from brain.offline import is_wanted
from brain.privacy import Rules

CONFIG_FILE = "config.toml"
ASKING = ("conversation", "always")  # what [privacy] ask may be
LARGEST = 1e12  # of a number with a fraction


@dataclass(frozen=True, slots=True)
class NotesSettings:
    """[notes]: what counts as a note."""

    max_mb: int = 50  # larger files are listed as failed, with this reason
    ignore: tuple[str, ...] = ()  # rules as in .gitignore, for every watched folder; a .brainignore in it counts more
    follow_links: bool = False  # a link out of a watched folder is followed, and each file it leads to read once


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    """[embed]: the model that turns passages into vectors."""

    model: str = "all-minilm-l6-v2"  # a name on the shelf or the path of a GGUF file
    threads: int = 0  # 0: as many as fit the machine
    gpu_layers: int = -1  # on a graphics card, where the build can use one; -1: as many as fit, 0: none


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """[store]: where the vectors are kept that make search quick."""

    chroma: str = ""  # a Chroma server on this machine, "http://127.0.0.1:8000"; empty: a folder in the home


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """[chat]: the model that phrases answers."""

    model: str = "smollm2-135m-instruct"
    threads: int = 0
    gpu_layers: int = -1
    batch: int = 0  # tokens of a prompt read at once; 0: as many as suit the machine
    window: int = 8192  # tokens, prompt and answer together; never more than the model was trained for
    limit: int = 400  # tokens of one answer
    keep_mb: int = (
        1000  # of disk for what the model has read of whole files, so that it need not read them again; 0: none
    )


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """[search]: how passages are found."""

    limit: int = 10  # hits shown


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """[rerank]: a model that reads question and passage together and puts the best passages in order. Off without one."""

    model: str = ""  # a name on the shelf or the path of a GGUF file
    threads: int = 0
    passages: int = 20  # how many of the best are judged
    milliseconds: int = 1000  # for one search; what is not judged by then keeps its place


@dataclass(frozen=True, slots=True)
class ConversationsSettings:
    """[conversations]: what is kept of questions and answers."""

    save: bool = True  # each answer as it comes, with its evidence


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """[endpoints.NAME]: a server that answers, here or elsewhere. Empty fields: what is known of an endpoint of that name."""

    url: str = ""  # up to and with /v1 where the server wants it
    model: str = ""  # the one that is meant by NAME alone; NAME/MODEL names another
    key: str = ""  # the environment variable, or the entry in the system keyring, that holds the key; never the key
    window: int = 0  # tokens, prompt and answer together
    thinking: bool = False  # let the model think before it answers, where it can


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """[privacy]: what never leaves this machine, and when it is asked before anything else does."""

    private: tuple[str, ...] = ()  # folders ("journal/"), files ("plans/secret.md", "*.key.md"), tags ("#health")
    ask: str = "conversation"  # before the first question of a conversation that leaves; "always": before every one


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """[budget]: USD that may be spent on endpoints; 0: no limit."""

    day: float = 1.0
    month: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Every key has a default that is right for almost everyone."""

    home: Path
    offline: bool = False  # nothing but loopback is contacted
    models_folder: str = ""  # where models are kept; empty: models/ in the home
    notes: NotesSettings = field(default_factory=NotesSettings)
    embed: EmbedSettings = field(default_factory=EmbedSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    rerank: RerankSettings = field(default_factory=RerankSettings)
    conversations: ConversationsSettings = field(default_factory=ConversationsSettings)
    endpoints: Mapping[str, EndpointSettings] = field(default_factory=dict)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)

    @property
    def shelf(self) -> Path:
        """The folder of the models."""
        return Path(self.models_folder).expanduser() if self.models_folder else self.home / "models"


def default_home() -> Path:
    """`$BRAIN_HOME`, else the platform's user data folder."""
    if given := os.environ.get("BRAIN_HOME"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path  # a third of a bare start, paid only without $BRAIN_HOME

    return user_data_path("brain", appauthor=False)


def load(home: Path | None = None, *, offline: bool = False) -> Settings:
    """The settings in `home`/config.toml over the defaults. Raises SettingsError for a file that is not right."""
    home = (home or default_home()).expanduser().absolute()
    settings = Settings(home, offline=offline or is_wanted())
    path = home / CONFIG_FILE
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return settings
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read.", hint="Check its permissions and encoding (UTF-8).") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}.", hint="Mend that line, or delete the file."
        ) from error
    merged: Settings = _merge(settings, given, where="", path=path)
    _check_privacy(merged.privacy, path)
    return replace(merged, offline=merged.offline or settings.offline)


def _check_privacy(privacy: PrivacySettings, path: Path) -> None:
    """Raises SettingsError for what would leave less private than its writer thinks."""
    try:
        Rules(privacy.private)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.reason}", hint=error.hint) from error
    if privacy.ask not in ASKING:
        hint = f"Known are: {', '.join(ASKING)}."
        raise SettingsError(f"{path}: privacy.ask = {privacy.ask!r} is not known.", hint=hint)


def _merge(target: Any, given: dict[str, Any], *, where: str, path: Path) -> Any:
    known = {item.name for item in fields(target)} - {"home"}
    types = get_type_hints(type(target))
    changes: dict[str, Any] = {}
    for key, value in given.items():
        name = f"{where}{key}"
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"Did you mean {where}{near[0]}?" if near else f"Known here: {', '.join(sorted(known))}."
            raise SettingsError(f"{path} has an unknown key {name!r}.", hint=hint)
        current = getattr(target, key)
        if key == "endpoints" and isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
            changes[key] = {
                named: _merge(EndpointSettings(), one, where=f"endpoints.{named}.", path=path)
                for named, one in value.items()
            }
        elif isinstance(current, tuple) and isinstance(value, list) and all(isinstance(one, str) for one in value):
            changes[key] = tuple(value)
        elif isinstance(value, dict) and hasattr(current, "__dataclass_fields__"):
            changes[key] = _merge(current, value, where=f"{name}.", path=path)
        elif types[key] is float and type(value) in (int, float):
            if not 0 <= value < LARGEST:  # which NaN is not
                reason = f"{path}: {name} = {value!r} is no amount that can be kept to."
                raise SettingsError(reason, hint=f"0 or more; the default is {current!r}.")
            changes[key] = float(value)
        elif type(value) is not types[key]:
            raise SettingsError(
                f"{path}: {name} = {value!r} should be {_kind(types[key])}.",
                hint=f"The default is {list(current) if isinstance(current, tuple) else current!r}.",
            )
        elif types[key] is int and value < min(0, current):  # only -1 for a default allows -1
            raise SettingsError(f"{path}: {name} = {value} is negative.", hint=f"The default is {current!r}.")
        else:
            changes[key] = value
    return replace(target, **changes)


def _kind(wanted: Any) -> str:
    return "a list of texts" if get_origin(wanted) is tuple else f"of type {wanted.__name__}"


def save(home: Path, section: str, key: str, value: str | int | bool) -> None:
    """Change one key of config.toml and leave the rest, comments included, as it stands. The file is replaced whole.

    `section` is "" for a key outside the sections.
    """
    import tomlkit

    path = home / CONFIG_FILE
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    document = tomlkit.parse(written)
    if section and section not in document:
        document[section] = tomlkit.table()
    table = document[section] if section else document
    table[key] = value
    scratch = path.with_suffix(".toml.new")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(tomlkit.dumps(document))
        file.flush()
        os.fsync(file.fileno())
    scratch.chmod(0o600)
    scratch.replace(path)
