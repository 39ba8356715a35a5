"""The dated price file: what comes with Brain, and prices.toml in the home over it. It never looks anything up elsewhere."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from brain.costs import Price
from brain.errors import SettingsError

PRICES_FILE = "prices.toml"
PACKAGED = Path(__file__).with_name(PRICES_FILE)
ANY_MODEL = "*"
HIGHEST = 1_000_000  # USD per million tokens; also of a multiplier
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBERS = ("hit", "miss", "output", "peak")
_KEYS = (*_NUMBERS, "hours", "days", "dated")

Prices = dict[tuple[str, str], Price]


def price_of(host: str, model: str, *, home: Path) -> Price | None:
    """What a model of a host costs, or None where no price is known: `host` may carry a port, which need not match.

    The person's own entries come first, and among those of one file the exact model before "*". Raises SettingsError where
    prices.toml in the home is not right.
    """
    host, model = host.lower(), model.lower()
    named = dict.fromkeys((host, _without_port(host)))
    for prices in (_read(home / PRICES_FILE), _packaged()):
        for wanted in (model, ANY_MODEL):
            for name in named:
                if found := prices.get((name, wanted)):
                    return found
    return None


@cache
def _packaged() -> Prices:
    return _read(PACKAGED)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal() or (":" in name and not name.endswith("]")):
        return host.strip("[]")  # no port: a name, or an IPv6 address
    return name.strip("[]")


def _read(path: Path) -> Prices:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read.", hint="Check its permissions and encoding (UTF-8).") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}.", hint="Mend that line, or delete the file."
        ) from error
    prices: Prices = {}
    for host, models in given.items():
        for model, entry in models.items() if isinstance(models, dict) else [("", models)]:
            if not isinstance(entry, dict):
                reason = f'{path}: {host} should be a table ["HOST"."MODEL"].'
                raise SettingsError(reason, hint='Quote both names: ["api.deepseek.com"."deepseek-flash"].')
            prices[host.lower(), model.lower()] = _price(entry, where=f'{path}: ["{host}"."{model}"]')
    return prices


def _price(entry: dict[str, Any], *, where: str) -> Price:
    for key in entry:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(_KEYS)}."
            raise SettingsError(f"{where} has an unknown key {key!r}.", hint=hint)
    for key in ("hit", "miss", "output"):
        if key not in entry:
            raise SettingsError(f"{where} lacks {key}.", hint="Give hit, miss and output, in USD per million tokens.")
    numbers = {key: _number(entry[key], f"{where}: {key}") for key in _NUMBERS if key in entry}
    hours = entry.get("hours", [])
    if not isinstance(hours, list) or not all(_is_span(span) for span in hours):
        raise SettingsError(f"{where}: hours = {hours!r} is not right.", hint="For example [[1, 4], [6, 10]], UTC.")
    days = entry.get("days", list(_DAYS))
    if not isinstance(days, list) or not all(day in _DAYS for day in days):
        raise SettingsError(f"{where}: days = {days!r} is not right.", hint=f"Any of {', '.join(_DAYS)}.")
    dated = entry.get("dated")
    if dated is not None and (not isinstance(dated, date) or isinstance(dated, datetime)):
        raise SettingsError(f"{where}: dated = {dated!r} should be a day.", hint="For example dated = 2026-11-15.")
    return Price(
        **numbers,
        hours=tuple((start, end) for start, end in hours),
        days=tuple(_DAYS.index(day) for day in days),
        dated=dated,
    )


def _number(value: Any, where: str) -> float:
    if type(value) not in (int, float) or not 0 <= value <= HIGHEST:  # which no NaN is
        raise SettingsError(f"{where} = {value!r} is not an amount.", hint=f"A number from 0 to {HIGHEST}.")
    return float(value)


def _is_span(span: Any) -> bool:
    return (
        isinstance(span, list)
        and len(span) == 2
        and all(type(hour) is int for hour in span)
        and 0 <= span[0] < span[1] <= 24
    )
