"""What looks like a secret is taken out of a text before it leaves this machine. Pure. A net, not a promise.

Keys of well-known services (keys.py), numbers with check digits (numbers.py), and here what stands next to its word:
passwords, PINs, seed phrases, random runs of signs. What is invisible, wide or oddly spaced is looked through.
detect-secrets was looked at: it knows keys in lines of source code, but no cards, accounts or papers, and no places in a text.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from brain.keys import blocks, keys, looks_random
from brain.numbers import numbers
from brain.types import Withheld

_SIGN = "withheld]"  # ends what is put in the place of a secret

_PASSWORDS = (
    r"pass(?:word|wort|wörter|wd|phrase|code|key)s?|kennw(?:ort|örter)|mots? de passe|contraseñas?|senha|wachtwoord"
    r"|parola d'ordine|lösenord|hasło|пароль|密码|パスワード|pwd|psk|wpa2?[ _-]?key|wlan-?schlüssel|netzwerkschlüssel"
    r"|wi-?fi[ _-]?key|pw|pass(?=[ \t]?[:=])|zugangsdaten|anmeldedaten|credentials?|logins?"
)
_SECRETS = (
    r"(?:(?:api|access|auth|secret|private|client|encryption|signing|master|shared|account|storage|session|bearer|refresh|bot|app"
    r"|deploy|service|webhook|consumer|subscription|personal|recovery|backup|licen[cs]e|activation|product|server)[ _-]?){1,3}"
    r"(?:keys?|tokens?|secrets?|codes?)|apikey|token|secret|(?:api|zugangs|lizenz|aktivierungs|sicherheits)-?(?:schlüssel|code|token)"
)
_QUOTES = "\"'`*“”„»«‘’"
_MARK = rf"[{_QUOTES}_]{{0,3}}"
_IS = r"(?:[:=]{1,2}>?|->|=>|→|>|\b(?:is now|is set to|set to|is|was|ist jetzt|ist|war|lautet|est|es)\b)"
_START = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_GIVEN = re.compile(
    rf"{_START}(?:(?P<password>{_PASSWORDS})|(?P<secret>{_SECRETS}))(?![a-z])[\w-]{{0,30}}+"
    rf"(?:[ ](?!(?:is|ist|was|war|lautet|est|es)\b)[\w./@-]{{1,24}}+){{0,4}}?{_MARK}[ \t]{{0,4}}"
    rf"(?:\([^()\n]{{0,40}}\)[ \t]?)?(?P<is>{_IS})[ \t]{{0,4}}(?:\r?\n[ \t>*-]{{0,8}})?"
    rf"(?:(?P<quote>[{_QUOTES}]{{1,3}})(?P<quoted>[^\n{_QUOTES}]{{4,80}})(?=[{_QUOTES}])|(?P<value>[^\s]{{4,200}}))",
    re.IGNORECASE,
)
# "zip password uQ8DS&wF": only what nobody would take for a word.
_BARE = re.compile(
    rf"{_START}(?:{_PASSWORDS})[ \t]{{1,4}}(?P<value>(?=[^\s]{{0,40}}[0-9])[^\s]{{6,100}})", re.IGNORECASE
)
# "| wifi password | hunter2blue7 |" and "## Wifi password" with nothing but a value below it.
_PLACED = re.compile(
    rf"(?:\|[ \t]{{0,8}}[^\n|]{{0,40}}{_START}(?:{_PASSWORDS})[^\n|]{{0,20}}"
    rf"\|[ \t]{{0,8}}(?P<cell>[^\s|]{{6,100}})(?=[ \t]{{0,40}}(?:\||\n|$))"
    rf"|^\#{{1,6}}[ \t][^\n]{{0,60}}{_START}(?:{_PASSWORDS})[^\n]{{0,30}}"
    rf"\n\s{{0,4}}{_MARK}(?P<below>[^\s{_QUOTES}]{{6,100}}){_MARK}(?=[ \t]*(?:\n|$)))",
    re.IGNORECASE | re.MULTILINE,
)
# Values that only stand for one.
_PLACEHOLDER = re.compile(
    r"^[<{\[(]|\{\{|\$\{|^\$[A-Za-z_]+$|^%\w+%$|\.\.\.|…|[*x•.·_-]{3,}$|x{4,}|your|my[_-]?(?:pass|secret|token|key)|example"
    r"|change-?me|placeholder|withheld\]|redacted|"
    r"(?:https?|file|ftp)://[^:@]*$|os\.|process\.|env\.|getenv|self\.|None\b",
    re.IGNORECASE,
)
_NO_VALUE = frozenset(
    "password passwort pass passwd pwd secret token key keys user username string str text bytes bool boolean integer int number "
    "required optional none null nil true false yes no ja nein unknown unbekannt empty leer default same forgotten vergessen see "
    "siehe changed geändert geaendert invalid valid wrong falsch missing needed value input field hidden plain hash hashed missing "
    "file path here there this that what which when where how the your with from into also only always never "
    "authentication authorization encryption protected policy manager security strong weak".split()
)
_PIN = re.compile(
    rf"(?<![A-Za-z])(?:(?:PINs?|PUK2?|TAN|CVV2?|CVC2?|CSC)(?![A-Za-z])|[Gg]eheimzahl|[Pp]in[ -]?(?:[Cc]ode|[Nn]umber|[Nn]ummer)"
    rf"|(?:[Ss]ecurity|[Pp]asskey)[ -][Cc]ode|[Pp]asscode|[Cc]ode PIN|[Pp]in(?=\s?[:=]))"
    rf"(?:[ -]?(?:[Cc]ode|[Nn]umber|[Nn]ummer|[Nn]r\.?|[Nn]o\.?))?"
    rf"(?:[ ](?:for|of|für|der|des|my|the|on|to)\b[^\n:=0-9]{{0,40}}?)?"
    rf"{_MARK}\s{{0,3}}(?:{_IS}|#)?\s{{0,3}}{_MARK}(?P<value>[0-9](?:[ -]?[0-9]){{2,11}})(?![0-9]|[.,:/-][0-9])",
)
_ACCESS = re.compile(
    rf"(?<![A-Za-z])(?:alarm|door|gate|safe|lock|garage|entry|keypad|locker|vault|bike lock|suitcase|(?:haus)?tür|tor|tresor"
    rf"|schloss|koffer|voicemail|unlock)[ -]?(?:code|combination|kombination|pin|number)"
    rf"(?:[ ][\w-]{{1,15}}+){{0,4}}?{_MARK}\s{{0,3}}(?:{_IS}|,)?\s{{0,3}}{_MARK}"
    rf"(?P<value>[0-9*#](?:[ -]?[0-9A-F*#]){{2,11}})(?![0-9A-Za-z]|[.,:/][0-9])",
    re.IGNORECASE,
)
_URL = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@?#]{0,100}:(?P<value>[^\s/@]{2,200})@(?=[\w\[])"
)
_HEADER = re.compile(
    r"(?:Bearer|Basic|Token|ApiKey|Digest)[ \t]+(?P<value>[A-Za-z0-9+/_.~-]{12,500}={0,2})(?![A-Za-z])"
)
_CURL = re.compile(r"(?<!\S)(?:-u|--user|--proxy-user)[ =]?[\"']?[\w.@+-]{1,60}:(?P<value>[^\s\"']{3,100})")
_SEED_WORD = re.compile(
    r"\bseed(?:[ -]?(?:phrase|words?|list|backup)|\s*[:=\n])|recovery|mnemonic|wallet|bip-?39|wiederherstellung"
    r"|secret (?:words|phrase)|backup phrase|(?:12|24|twelve|twenty-four) words",
    re.I,
)
_NUMBER = r"(?:\d{1,2}[.):]?[ \t]{0,3})?"
_SEED = re.compile(rf"(?<![A-Za-z]){_NUMBER}[a-z]{{3,8}}(?:[\s,;>|-]{{1,6}}{_NUMBER}[a-z]{{3,8}}){{11,23}}(?![a-z])")
_NO_SEED = frozenset(
    "the and for with your are was were has had not but which from any its our his her been also will would can could".split()
)
_NEAR_KEY = re.compile(
    r"(?<![A-Za-z])(?:(?P<strong>api|access|secret|private|auth\w*|bearer|credentials?|tokens?|passw\w+|passphrase|zugangs\w+|encryption|signing)"
    r"|keys?|schlüssel|clave|clé)(?![A-Za-z])",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"(?<![A-Za-z0-9+/_=.-])[A-Za-z0-9+/_-]{16,512}={0,2}(?![A-Za-z0-9+/_])")
_CHANGE = re.compile(r"[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])")
_CASE = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[a-z])")
_HARMLESS = re.compile(
    r"commit|sha-?\d*|hash|md5|checksum|digest|fingerprint|\brev\b|revision|uuid|guid|doi|isbn|public|order|invoice|ticket",
    re.I,
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_AROUND = 48  # characters before a random run in which its word may stand
_SEED_AROUND = 160


def hidden(text: str) -> tuple[str, tuple[Withheld, ...]]:
    """The text with each secret replaced by what it was, "[card number withheld]", and how many of each there were.

    Linear in the text. A text without any comes back as it is; hiding twice changes nothing more.
    """
    found = secrets(text)
    if not found:
        return text, ()
    pieces, at = [], 0
    for start, end, why in found:
        pieces += [text[at:start], put_for(why)]
        at = end
    counts = Counter(why for _, _, why in found)
    return "".join([*pieces, text[at:]]), tuple(Withheld("secret", why, count=count) for why, count in counts.items())


def secrets(text: str) -> list[tuple[int, int, str]]:
    """Where each secret stands, first character and one after the last, and what it is; in order, none over another."""
    folded, places = _folded(text)
    spans = _joined(
        [*blocks(folded), *keys(folded), *numbers(folded), *_told(folded), *_seeds(folded), *_random(folded)]
    )
    return spans if places is None else [(places[start], places[end - 1] + 1, why) for start, end, why in spans]


def put_for(why: str) -> str:
    """What stands in the place of a secret: "[card number withheld]"."""
    return f"[{why.partition(' ')[2]} {_SIGN}"


def _folded(text: str) -> tuple[str, Sequence[int] | None]:
    """The text as a person reads it, and where each of its characters stands; None where they stand where they stood."""
    if text.isascii():
        return text, None
    plain = {sign: _plain(sign) for sign in set(text) if not sign.isascii()}
    if all(plain.values()):
        return "".join([plain.get(sign, sign) for sign in text]), None
    places = [at for at, sign in enumerate(text) if plain.get(sign, sign)]
    return "".join([plain.get(text[at], text[at]) for at in places]), places


def _plain(sign: str) -> str:
    """One sign as its plain form, "" for one that cannot be seen."""
    category = unicodedata.category(sign)
    if category in ("Cf", "Mn", "Me") and sign not in "\u0301\u0308\u0327\u0303\u0300\u0302":
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    if category == "Pd" or sign == "\u2212":
        return "-"
    folded = unicodedata.normalize("NFKC", sign)
    return folded if len(folded) == 1 else sign


def _joined(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """In order, those that overlap as one, called by what the longest of them is."""
    joined: list[tuple[int, int, str]] = []
    longest = 0
    for start, end, why in sorted(spans, key=lambda span: (span[0], -span[1])):
        if joined and start < joined[-1][1]:
            first, last, before = joined[-1]
            is_longer = end - start > longest
            joined[-1] = (first, max(last, end), why if is_longer else before)
            longest = max(longest, end - start)
        else:
            joined.append((start, end, why))
            longest = end - start
    return joined


def _told(text: str) -> Iterator[tuple[int, int, str]]:
    """What stands right behind the word that says what it is."""
    for found in _GIVEN.finditer(text):
        name = "quoted" if found["quoted"] else "value"
        value = found[name] if name == "quoted" else found[name].rstrip(".,;:!?)]}>|\\" + _QUOTES)
        rest = text[found.start(name) + len(value) : found.end(name) + 24].lstrip("|.,;!?)\\" + _QUOTES)
        is_last = (
            name == "quoted" or not rest.strip(" \t") or rest.lstrip(" \t").startswith(("\n", "\r", "|", "#", "("))
        )
        if _is_value(value, is_password=bool(found["password"]), is_said=found["is"] in (":", "=") and is_last):
            yield found.start(name), found.start(name) + len(value), "a password" if found["password"] else "a key"
    for found in _BARE.finditer(text):
        value = found["value"].rstrip(".,;:!?)]}>|\\" + _QUOTES)
        is_mixed = value.lower() != value or not value.replace("-", "").isalnum()
        if is_mixed and looks_random(value) and _is_value(value, is_password=True, is_said=False):
            yield found.start("value"), found.start("value") + len(value), "a password"
    for found in _PLACED.finditer(text):
        name = "cell" if found["cell"] else "below"
        value = found[name].strip("*_`")
        is_amount = re.fullmatch(r"[0-9]{1,4}-?[a-z]+", value)  # "90-days"
        if not is_amount and looks_random(value) and _is_value(value, is_password=True, is_said=False):
            yield found.start(name), found.end(name), "a password"
    for pattern, why in ((_PIN, "a PIN"), (_ACCESS, "an access code")):
        for found in pattern.finditer(text):
            if len(re.sub(r"\D", "", found["value"])) >= 3:
                yield found.start("value"), found.end("value"), why
    for pattern, why in ((_URL, "a password"), (_HEADER, "a key"), (_CURL, "a password")):
        for found in pattern.finditer(text):
            value = found["value"]
            is_one = _PLACEHOLDER.search(value) is None and value.lower() not in _NO_VALUE
            if is_one and (pattern is not _HEADER or looks_random(value)):
                yield found.start("value"), found.end("value"), why


def _is_value(value: str, *, is_password: bool, is_said: bool) -> bool:
    """Whether a value can be what its word announces. `is_said`: a colon stands before it and nothing behind it."""
    if len(value) < 4 or _PLACEHOLDER.search(value) or value.lower().strip("_-.") in _NO_VALUE:
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not is_password:
        is_random = len(value) >= 8 and digits >= 2 and (letters >= 2 or digits == len(value) >= 12)
        return is_random and " " not in value and not re.fullmatch(r"[\d.,:/-]+|[\w-]+\(.*", value)
    if (
        "(" in value
        or value.startswith(("/", "--", "~/"))
        or re.fullmatch(r"[\d.,]{1,5}|(?:19|20)\d\d(?:-\d\d){0,2}", value)
    ):
        return False
    signs = sum(not sign.isalnum() and sign not in "-._/' " for sign in value)
    inner = any(sign.isupper() for sign in value[1:]) and any(sign.islower() for sign in value)
    return is_said or (digits > 0 and letters > 0) or (signs > 0 and letters > 0) or inner or digits >= 6


def _seeds(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _SEED.finditer(text) if _SEED_WORD.search(text) else ():
        if _SEED_WORD.search(text, max(0, found.start() - _SEED_AROUND), found.start() + 24):
            words = re.findall(r"[a-z]{3,8}", found[0])
            if not _NO_SEED.intersection(words):
                yield found.start(), found.end(), "a seed phrase"


def _random(text: str) -> Iterator[tuple[int, int, str]]:
    """Runs of signs that a machine made, behind a word that speaks of keys."""
    for found in _RANDOM.finditer(text) if _NEAR_KEY.search(text) else ():
        run = found[0].rstrip("-_/")
        if (
            len(_CHANGE.findall(run)) < 4
            or not looks_random(run)
            or _entropy(run) < 3.0
            or run.count("/") > 3
            or run.count("-") > 5
        ):
            continue
        before = text[max(0, found.start() - _AROUND) : found.start()]
        if _HARMLESS.search(before) or not (words := list(_NEAR_KEY.finditer(before))):
            continue
        is_hash = _UUID.fullmatch(run) or re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", run)
        if any(word["strong"] for word in words) or not is_hash:
            yield found.start(), found.start() + len(run), "a key"


def _is_mixed(run: str) -> bool:
    """Whether letters and digits, or large and small letters, change more often than in names and numbers."""
    return len(_CHANGE.findall(run)) >= 4 or (len(run) >= 24 and len(_CASE.findall(run)) >= 8)


def _entropy(run: str) -> float:
    """Bits a sign."""
    return -sum(count / len(run) * math.log2(count / len(run)) for count in Counter(run).values())
