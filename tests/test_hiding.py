"""Secrets are taken out of a text, whatever they are dressed in; honest numbers stay."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.hiding import hidden
from brain.types import Withheld
from tests.secrets_made import KINDS, honest, secrets

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize("afterwards", [False, True])
def test_nearly_all_secrets_of_every_kind_are_found(afterwards: bool) -> None:
    made = secrets(5, 10, afterwards=afterwards)
    assert len(made) >= 300
    assert len({kind for kind, _, _ in made}) >= 25
    missed = [(kind, text) for kind, secret, text in made if secret in hidden(text)[0]]
    assert len(missed) <= len(made) * 0.05, missed
    for kind in KINDS:
        assert sum(one == kind for one, _ in missed) <= 3, [text for one, text in missed if one == kind]


def test_hardly_any_honest_line_loses_anything() -> None:
    made = honest(5, 1600)
    lost = [text for text in made if hidden(text) != (text, ())]
    assert len(lost) <= len(made) * 0.005, lost


@pytest.mark.parametrize(
    "text",
    [
        "The password manager keeps every password; a token is a sign of love.",
        "Password: required",
        "password: {{password}}",
        'password = "$PASSWORD"',
        "Authorization: Bearer <token>",
        "https://user:password@example.org/",
        "curl --user {{name}}:{{password}} https://example.org",
        "PIN 7 of the chip is ground, the PINs are numbered.",
        "The seed phrase is written down by the owner of the wallet and kept in a safe that nobody else can open.",
        "primary key 123e4567-e89b-12d3-a456-426614174000",
        "4111 1111 1111 1112",  # the check digit is wrong
        "DE88 3704 0044 0532 0130 00",
        "86095742718",
        "key: sha256 " + "ab12" * 16,
        "My passport is in the drawer since 2024-05-12.",
        "The pass is 2200m high.",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert hidden(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "left", "why"),
    [
        (f"Pay with {CARD}, please", "Pay with [card number withheld], please", "a card number"),
        ("password: hunter2 and more", "password: [password withheld] and more", "a password"),
        (
            "IBAN DE89 3704 0044 0532 0130 00 BIC X",
            "IBAN [bank account number withheld] BIC X",
            "a bank account number",
        ),
        ("The PIN is 4711.", "The PIN is [PIN withheld].", "a PIN"),
        ("Alarm code: 1298#", "Alarm code: [access code withheld]", "an access code"),
        ("AHV 756.9217.0769.85", "AHV [social security number withheld]", "a social security number"),
        ("codice RSSMRA85T10A562S", "codice [tax number withheld]", "a tax number"),
        ("CPF 529.982.247-25", "CPF [tax number withheld]", "a tax number"),
    ],
)
def test_what_stands_there_instead_says_what_it_was(text: str, left: str, why: str) -> None:
    assert hidden(text) == (left, (Withheld("secret", why),))


@pytest.mark.parametrize(
    "written",
    [
        "4111111111111111",
        "4111-1111-1111-1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20111111\u20111111\u20111111",
        "4111 1111\n1111 1111",
        "4\u200b1\u200b1\u200b1 1111 1111 1111",
        "41\u00ad11 1111 1111 1111",
        "\uff14\uff11\uff11\uff11 1111 1111 1111",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "𝟒𝟏𝟏𝟏 1111 1111 1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ],
)
def test_a_card_number_in_disguise_is_one(written: str) -> None:
    left, withheld = hidden(f"Größe — {written}!")
    assert left == "Größe — [card number withheld]!"
    assert withheld == (Withheld("secret", "a card number"),)


def test_a_key_wrapped_over_two_lines_goes_whole() -> None:
    key = "sk-proj-" + "aB3dE5fG7h" * 4
    assert hidden(f"use {key[:25]}\n  {key[25:]} now")[0] == "use [API key withheld] now"


def test_a_private_key_without_its_end_or_its_beginning_goes() -> None:
    dice = random.Random(1)
    lines = ["".join(dice.choice("abcdefghijklmnopqrstuvwxyzABCDEFG0123456789+/") for _ in range(64)) for _ in range(6)]
    begin, end = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
    for block in ([begin, *lines], [*lines, end], lines, [begin, *lines, end]):
        left, withheld = hidden("\n".join(["a note", *block]))
        assert not any(line in left for line in lines)
        assert withheld[0].why == "a private key"


def test_each_kind_is_counted() -> None:
    _, withheld = hidden(f"{CARD} and 5555-5555-5555-4444, PIN 4711")
    assert set(withheld) == {Withheld("secret", "a card number", count=2), Withheld("secret", "a PIN")}


@given(st.lists(st.sampled_from([text for _, _, text in secrets(2, 2)]) | st.text(max_size=30), max_size=6))
def test_hiding_twice_hides_no_more(texts: list[str]) -> None:
    left, _ = hidden("\n\n".join(texts))
    assert hidden(left) == (left, ())


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    left, withheld = hidden(text)
    assert withheld or left == text


HOSTILE = {
    "sk": "sk-", "digits": "1234567890", "spaced digits": "1 2 3 ", "passwords": "password ", "colons": "password:",
    "words": "secret key token ", "seeds": "abandon ", "tokens": "eyJ..", "letters": "A", "spaces": " ", "passport": "A<",
    "invisible": "４\u200b", "addresses": "a://a:", "accounts": "DE12 ", "blocks": "-----BEGIN PRIVATE KEY-----", "dashes": "-",
    "quotes": 'password: "', "papers": "passport ", "logins": "login a a a a a ", "wrapped": "sk-\n", "aws": "aws ", "apis": "api-",
    "base64": "A1b2" * 18 + "\n", "numbered": "1. abc ",
}  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_read_to_its_end(piece: str) -> None:
    hidden(piece * (100_000 // len(piece)))


def test_a_megabyte_of_everything_at_once_is_read_to_its_end() -> None:
    hidden("".join(piece * (40_000 // len(piece)) for piece in HOSTILE.values()))
