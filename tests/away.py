"""A vault with private notes in it, and a model elsewhere that is really a fake endpoint on loopback.

"ollama/notes-cloud" is a model that the server on this machine is known to hand on to another one: nothing of it stays
home, so the gate stands before it. "llama-server" is a server that answers here.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.conversations import exchange
from brain.events import Answered, Event, Leaving, Retrieved
from brain.types import Consent, Message
from brain.wording import terms

AWAY = "ollama/notes-cloud"
NEAR = "llama-server"
RUN = 8

_SYLLABLES = "ba ko li mur ten sa vi dro pel gan ho zin fel tru wex".split()
_GOODS = "pump ladder tractor greenhouse boiler fence press kiln loom mill".split()
_PEOPLE = "Ana Tom Priya Lukas Mirela Jonas Edda Ruben Sofia Karel".split()
_MONTHS = "January February March April May June July August September October".split()


@dataclass(frozen=True)
class Note:
    """One note of the vault: what it is about, its facts, and the word that only it holds where it is private."""

    path: Path
    subject: str
    sentences: tuple[str, ...]
    canary: str = ""


@dataclass(frozen=True)
class Vault:
    """The notes, and the settings that make a fifth of them private."""

    folder: Path
    notes: tuple[Note, ...]
    private: tuple[str, ...] = ("journal/", "#health")

    @property
    def secret(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.canary)

    @property
    def public(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if not note.canary)

    def leaked(self, body: str, *, asked: str = "") -> list[str]:
        """Canaries, and runs of eight words that only private notes hold, in a body and not in the question."""
        said = runs(body) - runs(asked) - {run for note in self.public for one in note.sentences for run in runs(one)}
        found = [note.canary for note in self.secret if note.canary.lower() in body.lower()]
        return found + [sentence for note in self.secret for sentence in note.sentences if runs(sentence) & said]


def runs(text: str) -> set[tuple[str, ...]]:
    words = terms(text)
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


def vault(folder: Path, *, notes: int = 50, seed: int = 1) -> Vault:
    """Every fifth note is private: in turn by its front matter, its folder and its tag."""
    chance = random.Random(seed)
    made: list[Note] = []
    for at in range(notes):
        subject = _name(chance)
        is_private = at % 5 == 4
        canary = f"canary{_name(chance).lower()}{at}" if is_private else ""
        good, person = chance.choice(_GOODS), chance.choice(_PEOPLE)
        price, day = chance.randrange(100, 9900), chance.randrange(1, 28)
        sentences = (
            f"The {good} for {subject} costs {price} euros and {person} has ordered it{_by(canary)}.",
            f"The {good} for {subject} is delivered on {day} {chance.choice(_MONTHS)} by the firm of {chance.choice(_PEOPLE)}"
            f"{_by(canary)}.",
            f"{person} looks after {subject} together with {chance.choice(_PEOPLE)}{_by(canary)}.",
        )
        kind = at // 5 % 3 if is_private else 3
        place = ("", "journal/", "", "work/")[kind]
        head = ("---\nprivate: true\n---\n\n", "", "---\ntags: [health]\n---\n\n", "")[kind]
        path = folder / f"{place}{subject.lower()}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{head}# {subject}\n\n" + "\n\n".join(sentences) + "\n")
        made.append(Note(path, subject, sentences, canary))
    return Vault(folder, tuple(made))


def configure(home: Path, *, away: str, near: str = "", more: str = "", private: Sequence[str] = ()) -> None:
    """config.toml and prices.toml, so that AWAY and NEAR are these addresses and AWAY costs what it does at DeepSeek."""
    home.mkdir(parents=True, exist_ok=True)
    rules = ", ".join(f'"{rule}"' for rule in private)
    privacy = f"[privacy]\nprivate = [{rules}]\n" if private else ""
    local = f'[endpoints.llama-server]\nurl = "{near}"\nwindow = 8192\n' if near else ""
    (home / "config.toml").write_text(
        f'{more}\n{privacy}[endpoints.ollama]\nurl = "{away}"\nwindow = 100000\n{local}', encoding="utf-8"
    )
    price(home, hit=0.003, miss=0.15, output=0.60)


def price(home: Path, **amounts: float) -> None:
    rows = "".join(f"{name} = {amount}\n" for name, amount in amounts.items())
    (home / "prices.toml").write_text(f'["127.0.0.1"."notes-cloud"]\n{rows}')


def asked(brain: Any, question: str, *, consent: Consent = Consent(), **how: Any) -> list[Event]:
    """All events of one question to the model elsewhere."""
    how.setdefault("model", AWAY)
    how.setdefault("cancel", threading.Event())
    return list(brain.ask(question, consent=consent, **how))


def leaving(events: Sequence[Event]) -> Leaving | None:
    found = [event for event in events if isinstance(event, Leaving)]
    assert len(found) <= 1
    return found[0] if found else None


def answered(events: Sequence[Event]) -> Answered:
    assert isinstance(events[-1], Answered), events[-1]
    return events[-1]


def allowed(brain: Any, question: str, **how: Any) -> tuple[Leaving | None, Answered]:
    """A question shown and then allowed as it was shown. None: nothing would have left."""
    shown = leaving(first := asked(brain, question, **how))
    if shown is None:
        return None, answered(first)
    assert first[-1] is shown and not shown.allowed
    consent = Consent(sha256=shown.sha256)
    events = asked(brain, question, consent=consent, **how)
    sent = leaving(events)
    assert sent is not None and sent.allowed and sent.body == shown.body
    return sent, answered(events)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def talk_of(said: Sequence[tuple[str, Answered]]) -> tuple[Message, ...]:
    """A conversation as a front end hands it on."""
    return tuple(message for question, answer in said for message in exchange(question, answer))


@dataclass(frozen=True)
class Followed:
    """What became of "And by which firm is it delivered?" at turn three."""

    found: bool  # the note that the question before it was about is among the first three passages
    told: bool  # it is among what is sent; True where nothing is


def talk(brain: Any, notes: Vault, first: str, seed: int) -> Followed:
    """A talk of six turns that changes its model at the third, and goes elsewhere at the last whatever it began with.

    A private note, a public one, a follow-up on that, another, the private one again, and a follow-up on it.
    """
    chance = random.Random(f"{first} {seed}")
    secret, public = chance.choice(notes.secret), chance.choice(notes.public)
    questions = (
        f"What does the order for {secret.subject} cost and who looks after it?",
        f"What does the order for {public.subject} cost and who looks after it?",
        "And by which firm is it delivered?",
        "And who looks after it?",
        f"Who looks after {secret.subject} together with whom, and which code has it?",
        "And which codes have they?",
    )
    other = {"near": "away", "away": "near"}[first]
    turns = (first, first, other, other, other, "away")
    said: list[tuple[str, Answered]] = []
    found = told = True
    for at, (question, who) in enumerate(zip(questions, turns, strict=True)):
        model, consent = (AWAY, Consent(conversation=True)) if who == "away" else (NEAR, Consent())
        events = asked(brain, question, history=talk_of(said), model=model, consent=consent)
        said.append((question, answered(events)))
        if at == 2:
            paths = [one.chunk.path for one in next(one for one in events if isinstance(one, Retrieved)).evidence]
            found = public.path in paths[:3]
            shown = leaving(events)
            told = shown is None or public.path in {parcel.path for parcel in shown.parcels}
    return Followed(found, told)


def careless(body: dict[str, Any]) -> str:
    """What a careless model says: all of its first source in its own order, and every code it has read."""
    text = body["messages"][-1]["content"] + " ".join(turn["content"] for turn in body["messages"][1:-1])
    first = re.search(r"<source \d+:[^>]*>\n(.*?)\n</source>", text, re.DOTALL)
    said = first[1] if first else ""
    codes = sorted(set(re.findall(r"canary\w+", text)))
    return f"{said} Codes: {' '.join(codes)}." if codes else said or "Nothing."


def _name(chance: random.Random) -> str:
    return "".join(chance.choices(_SYLLABLES, k=4)).capitalize()


def _by(canary: str) -> str:
    return f", code {canary}" if canary else ""
