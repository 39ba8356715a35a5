"""`brain endpoints`: the servers that can answer in place of a model on this machine, and their keys."""

from __future__ import annotations

import argparse
import sys
from getpass import getpass

from brain.cli.output import print_json, say
from brain.cli.stopping import cancelling
from brain.errors import EndpointError, SettingsError
from brain.models.endpoint import HttpEndpoint, endpoint_names, open_endpoint
from brain.models.keys import Secret, checked, forget_key, keep_key, where
from brain.settings import Settings

SHOWN = 20  # models that are listed


def endpoints(options: argparse.Namespace, settings: Settings) -> int:
    """List the endpoints, check one, or keep or forget its key."""
    if options.action == "list":
        return _list(settings, as_json=options.json)
    if not options.name:
        raise SettingsError(
            f"Which endpoint? brain endpoints {options.action} NAME", hint="brain endpoints lists the names."
        )
    endpoint = open_endpoint(options.name, settings.endpoints)
    if options.action == "check":
        return _check(endpoint, settings, as_json=options.json)
    if not endpoint.key:
        owner = options.name.partition("/")[0]
        hint = f'If it wants one, name it in config.toml: [endpoints.{owner}] key = "SOME_API_KEY"'
        raise SettingsError(f"{options.name} has no key.", hint=hint)
    return _keep(endpoint, as_json=options.json) if options.action == "key" else _forget(endpoint, as_json=options.json)


def _list(settings: Settings, *, as_json: bool) -> int:
    rows = []
    for name in endpoint_names(settings.endpoints):
        try:
            rows.append(_row(name, open_endpoint(name, settings.endpoints)))
        except SettingsError as error:  # one wrong entry does not hide the others
            rows.append({"name": name, "problem": f"{error.reason} {error.hint}"})
    if as_json:
        print_json({"endpoints": rows})
        return 0
    for row in rows:
        say(_shown(row))
    return 0


def _row(name: str, endpoint: HttpEndpoint) -> dict[str, object]:
    return {
        "name": name,
        "url": endpoint.url,
        "model": endpoint.model,
        "key": endpoint.key,
        "key_in": where(endpoint.key) if endpoint.key else "",
        "has_key": endpoint.has_key,
        "stays_home": endpoint.stays_home,
        "window": endpoint.window,
        "note": endpoint.note,
        "problem": "",
    }


def _shown(row: dict[str, object]) -> str:
    if row["problem"]:
        return f"{row['name']:<13} {row['problem']}"
    place = "this machine" if row["stays_home"] else "remote"
    key = f"{row['key']} ({row['key_in'] or 'missing'})" if row["key"] else "no key needed"
    model = row["model"] or "(name one: NAME/MODEL)"
    line = f"{row['name']:<13} {place:<13} {row['url']:<29} {model:<24} {row['window']:>9,} tokens  {key}"
    return f"{line}  {row['note']}" if row["note"] else line


def _check(endpoint: HttpEndpoint, settings: Settings, *, as_json: bool) -> int:
    if settings.offline and not endpoint.is_near:
        raise EndpointError(
            f"{endpoint.host} is not asked: --offline.", hint="Without it, nothing but the check is sent."
        )
    with cancelling() as cancel:
        found = endpoint.check(cancel=cancel)
    if as_json:
        print_json(
            {
                "name": endpoint.name,
                "host": endpoint.host,
                "model": endpoint.model,
                "has_model": endpoint.model in found.models,
            }
            | {"models": list(found.models), "window": found.window, "money": found.money}
        )
        return 0
    say(f"{endpoint.host} answers" + (f" and takes the key in {endpoint.key}." if endpoint.key else "."))
    if endpoint.note:
        say(endpoint.note)
    listed = ", ".join(found.models[:SHOWN]) or "none"
    say(f"Models: {listed}" + (f" and {len(found.models) - SHOWN} more" if len(found.models) > SHOWN else ""))
    if endpoint.model and endpoint.model not in found.models:
        say(f"{endpoint.model}, which would be asked, is not among them.")
    if found.window:
        say(f"Window of {endpoint.model}: {found.window:,} tokens; Brain uses {endpoint.window:,}.")
    if found.money:
        say(f"Left: {found.money}")
    return 0


def _keep(endpoint: HttpEndpoint, *, as_json: bool) -> int:
    asked = f"Key for {endpoint.host} (it is not shown): "
    given = Secret(getpass(asked) if sys.stdin.isatty() else sys.stdin.readline())
    keep_key(endpoint.key, checked(given, name="the standard input"))
    if as_json:
        print_json({"name": endpoint.name, "key": endpoint.key, "key_in": where(endpoint.key)})
        return 0
    say(f"The key is in the system's keyring as {endpoint.key}. Check it: brain endpoints check {endpoint.name}")
    if where(endpoint.key) == "environment":
        say(f"The environment variable {endpoint.key} is set too, and counts more.")
    return 0


def _forget(endpoint: HttpEndpoint, *, as_json: bool) -> int:
    was_there = forget_key(endpoint.key)
    if as_json:
        print_json({"name": endpoint.name, "key": endpoint.key, "forgotten": was_there, "key_in": where(endpoint.key)})
        return 0
    say(f"{endpoint.key} is forgotten." if was_there else f"{endpoint.key} is not in the system's keyring.")
    if where(endpoint.key) == "environment":
        say(f"The environment variable {endpoint.key} is still set: unset it.")
    return 0
