"""What can answer: chat models on the shelf with the memory they need, endpoints, and the notes' own sentences."""

from __future__ import annotations

from collections.abc import Iterator

from brain.ask import QUOTES
from brain.errors import BrainError
from brain.models.endpoint import endpoint_names, open_endpoint
from brain.models.shelf import OnShelf
from brain.parts import Parts
from brain.types import Choice


def choices(parts: Parts) -> tuple[Choice, ...]:
    """All of them, in that order. Nothing is opened, and nothing is contacted."""
    here = parts.shelf.models(window=parts.settings.chat.window)
    files = (_file(parts, one) for one in here if one.role == "chat" and one.path is not None)
    used = parts.settings.chat.model == QUOTES
    return (*files, *_endpoints(parts), Choice(QUOTES, "quotes", stays_home=True, used=used))


def _file(parts: Parts, model: OnShelf) -> Choice:
    return Choice(
        model.name,
        "file",
        stays_home=True,
        window=model.window,
        bytes=model.bytes,
        memory=model.memory_bytes,
        fits=model.fits is not False and not model.problem,
        used=parts.settings.chat.model in (model.name, str(model.path)),
        note=model.problem or model.shrunk or model.licence,
    )


def _endpoints(parts: Parts) -> Iterator[Choice]:
    settings = parts.settings
    configured = set(settings.endpoints) | {settings.chat.model.partition("/")[0]}
    for name in endpoint_names(settings.endpoints):
        asked = settings.chat.model if settings.chat.model.partition("/")[0] == name else name
        used = asked == settings.chat.model
        try:
            endpoint = open_endpoint(asked, settings.endpoints)
        except BrainError as error:
            if name in configured:
                yield Choice(
                    asked, "endpoint", stays_home=False, fits=False, used=used, has_key=False, note=error.reason
                )
            continue
        if name not in configured and (endpoint.stays_home or not endpoint.has_key):
            continue
        yield Choice(
            asked,
            "endpoint",
            stays_home=endpoint.stays_home,
            window=endpoint.window,
            used=used,
            host=endpoint.host,
            has_key=endpoint.has_key,
            note=_price(parts, endpoint.host, endpoint.model) if not endpoint.stays_home else "",
        )


def _price(parts: Parts, host: str, model: str) -> str:
    try:
        price = parts.gate.price(host, model)
    except BrainError as error:
        return error.reason
    if price is None:
        return "its price is not known"
    return f"${price.miss:g} in, ${price.output:g} out a million tokens"
