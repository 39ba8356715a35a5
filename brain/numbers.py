"""Numbers of payment cards, bank accounts and persons, told by their check digits. Pure.

Text comes here folded (see hiding.py). What has no check digit counts only next to the word that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_GAP = r"[ \t\-._]|\r?\n[ \t>]?"
_CARD = re.compile(rf"(?<![\w.,/+-])(?:[0-9](?:{_GAP}){{0,2}}){{11,18}}[0-9](?![\w/]|[.,-][0-9])")
_CARD_WORD = re.compile(r"card|karte|carte|tarjeta|carta|visa|master|amex|american express|maestro|pan\b|kk-?nr", re.I)
_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 3), (6, 13)}
# First digits as ranges of numbers of one length, and how many digits there are.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),
    (51, 55, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (300, 305, frozenset({14, 16, 19})),
    (36, 36, frozenset({14, 16, 19})),
    (38, 39, frozenset({14, 16, 19})),
    (6011, 6011, frozenset({16, 19})),
    (644, 659, frozenset({16, 19})),
    (3528, 3589, frozenset({16, 19})),
    (62, 62, frozenset({16, 17, 18, 19})),
    (2200, 2204, frozenset({16, 19})),
)
_MAESTRO = ((50, 50), (56, 58), (60, 61), (63, 69))  # 12 to 19 digits: only next to a word

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ \t-]?[0-9][ \t-]?[0-9]")
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in (
        pair.split(":")
        for pair in (
            "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28 "
            "EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 "
            "IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 "
            "NL:18 NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 ST:25 SV:28 "
            "TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20"
        ).split()
    )
}
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)[0-9]{3}([- ]?)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\w-])")
_SSN_WORD = re.compile(r"\bSSNs?\b|social[ -]security", re.I)
_TAX = re.compile(r"(?<![\w.,/+-])[1-9][0-9][ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{3}(?![\w/]|[.,-][0-9])")
_TAX_WORD = re.compile(r"steuer-?\s?(?:id|ident|nummer|nr)|identifikationsn|\bid-?nr|\btax|\btin\b", re.I)
_AHV = re.compile(r"(?<![\w.])756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}(?![\w]|\.[0-9])")
_CPF = re.compile(r"(?<![\w.])[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}(?!\w)")
_FISCAL = re.compile(r"(?<![A-Za-z0-9])[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z](?![A-Za-z0-9])")
_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
), strict=True))  # fmt: skip
_MRZ = re.compile(r"(?<![A-Z0-9<])[A-Z0-9<]{28,46}(?![A-Z0-9<])")
_PAPER = re.compile(
    r"(?i:passport|reisepass|ausweis|passeport|pasaporte|passaporto|identity card|\bid[ -]?card|führerschein|driver'?s? licen[cs]e"
    r"|driving licen[cs]e|national insurance|\bnino\b|\bdni\b|aadhaar|versicherungsnummer|social insurance"
    r"|\bpass[ -]?(?:no|nr|number|nummer))[^\n0-9]{0,40}?(?<![A-Za-z0-9])"
    r"((?=[A-Z0-9 -]{0,14}?[0-9][A-Z0-9 -]{0,3}?[0-9])[A-Z0-9]{1,12}(?:[ -]?[A-Z0-9]{2,12}){0,3})(?![A-Za-z0-9])",
)
NEAR = 60  # characters before a number in which its word may stand


def numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Where such numbers stand in a folded text: first character, one after the last, and what it is."""
    for found in _CARD.finditer(text):
        if _is_card(found[0], near=bool(_CARD_WORD.search(text, max(0, found.start() - NEAR), found.start()))):
            yield found.start(), found.end(), "a card number"
    yield from _ibans(text)
    for found in _SSN.finditer(text):
        if found[1] == "-" or _SSN_WORD.search(text, max(0, found.start() - NEAR), found.start()):
            yield found.start(), found.end(), "a social security number"
    for found in _TAX.finditer(text):
        is_grouped = found[0].count(" ") == 3
        if _is_tax_id(_digits(found[0])) and (
            is_grouped or _TAX_WORD.search(text, max(0, found.start() - NEAR), found.start())
        ):
            yield found.start(), found.end(), "a tax number"
    for pattern, holds, why in (
        (_AHV, _is_ean, "a social security number"),
        (_CPF, _is_cpf, "a tax number"),
        (_FISCAL, _is_fiscal, "a tax number"),
    ):
        yield from ((found.start(), found.end(), why) for found in pattern.finditer(text) if holds(found[0]))
    for found in _MRZ.finditer(text):
        if found[0].count("<") >= 2 and sum(map(str.isalnum, found[0])) >= 8:
            yield found.start(), found.end(), "a line of a passport"
    for found in _PAPER.finditer(text):
        digits, signs = len(_digits(found[1])), sum(map(str.isalnum, found[1]))
        if digits >= 5 and 6 <= signs <= 14 and not re.fullmatch(r"(?:19|20)\d\d[ -]?\d\d[ -]?\d\d", found[1]):
            yield found.start(1), found.end(1), "a number of a passport or identity card"


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _is_card(written: str, *, near: bool) -> bool:
    digits = _digits(written)
    if len(set(digits)) < 2 or not _luhn(digits):
        return False
    known = any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last for first, last, lengths in _ISSUERS
    )
    if near:
        return known or any(first <= int(digits[:2]) <= last for first, last in _MAESTRO)
    groups = tuple(map(len, re.findall(r"[0-9]+", written)))
    return known and len(digits) > 13 and (len(groups) == 1 or groups in _GROUPS or len(set(groups)) == 1)


def _luhn(digits: str) -> bool:
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _ibans(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(found[0][:2].upper(), 0)
        taken, at, gap, lines = "", found.start(), 0, 0
        while at < len(text) and len(taken) < length and gap <= 3 and lines <= 1:
            sign = text[at]
            if sign.isascii() and sign.isalnum():
                taken, gap = taken + sign.upper(), 0
            elif sign in " \t-._\r\n>":
                gap, lines = gap + 1, lines + (sign == "\n")
            else:
                break
            at += 1
        if length and len(taken) == length and not text[at : at + 1].isalnum() and _mod_97(taken):
            yield found.start(), at, "a bank account number"


def _mod_97(iban: str) -> bool:
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def _is_tax_id(digits: str) -> bool:
    """The German one: of its first ten digits one stands there twice or three times, and the last is the check digit."""
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if counts[-1] not in (2, 3) or counts[:-1].count(1) != len(counts) - 1:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def _is_ean(written: str) -> bool:
    digits = _digits(written)
    return sum(int(digit) * (1 + 2 * (at % 2)) for at, digit in enumerate(digits)) % 10 == 0


def _is_cpf(written: str) -> bool:
    digits = [int(digit) for digit in _digits(written)]
    checks = [
        sum(digit * weight for digit, weight in zip(digits, range(n + 1, 1, -1), strict=False)) * 10 % 11 % 10
        for n in (9, 10)
    ]
    return len(set(digits)) > 1 and digits[9:] == checks


def _is_fiscal(written: str) -> bool:
    total = sum(
        _ODD[sign] if at % 2 == 0 else int(sign, 36) % 10 if sign.isdigit() else ord(sign) - 65
        for at, sign in enumerate(written[:15])
    )
    return chr(65 + total % 26) == written[15]
