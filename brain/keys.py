"""What the keys and tokens of well-known services look like. Pure; a table, newest kinds at the end.

Text comes here folded (see hiding.py): invisible signs are gone and wide letters are plain ones. A long key may be broken
over lines; its next line then begins with a piece that has a digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: what it is called, what must stand in a text for it to be looked for, its pattern, and a closer look."""

    why: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Check | None = None


def looks_random(text: str) -> bool:
    """Whether a run of signs was made by a machine: digits among letters, few of them twice in a row."""
    body = re.sub(r"[^A-Za-z0-9]", "", text)
    digits = sum(map(str.isdigit, body))
    return digits >= 2 and len(body) - digits >= 2 and len(set(body)) >= min(10, len(body) // 2)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_key(start: str, text: str) -> bool:
    """A closer look at what follows a beginning; one like "sk-" begins words as well."""
    body = text[len(start) :]
    is_mixed = not start.endswith("-") and body.lower() != body and body.upper() != body
    return len(set(body)) >= 5 and (is_mixed or _has_digit(body))


def _run(signs: str, least: int, most: int | None = None) -> str:
    """So many of some signs, on one line or wrapped."""
    wrapped = rf"[{signs}]|\r?\n[ \t>]{{0,8}}(?=[{signs}]{{0,60}}[0-9])"
    return rf"(?:{wrapped}){{{least},{most or ''}}}(?<![\s>])"


_WORD = "A-Za-z0-9_-"
_ALNUM = "A-Za-z0-9"
_HEX = "0-9a-fA-F"
_FREE = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"

# What begins a token, which signs follow, and how many at least.
_BEGINNINGS: tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...] = (
    ("an API key", (
        ("sk-", _WORD, 20), ("gsk_", _ALNUM, 30), ("xai-", _ALNUM, 40), ("pplx-", _ALNUM, 40), ("r8_", _ALNUM, 30),
        ("tvly-", _WORD, 20), ("fw_", _ALNUM, 20), ("nvapi-", _WORD, 40), ("lin_api_", _ALNUM, 30), ("key-", "0-9a-z", 32),
        ("ntn_", _ALNUM, 40), ("secret_", _ALNUM, 40), ("NRAK-", _ALNUM, 27), ("PMAK-", _WORD, 40), ("sbp_", _HEX, 40),
        ("AIza", _WORD, 35), ("SG.", "A-Za-z0-9_.-", 40), ("re_", "A-Za-z0-9_", 24), ("phx_", _ALNUM, 30), ("rnd_", _ALNUM, 28),
    )),
    ("a GitHub token", (*((f"gh{one}_", _ALNUM, 30) for one in "pousr"), ("github_pat_", "A-Za-z0-9_", 22))),
    ("a GitLab token", tuple((f"gl{one}-", "A-Za-z0-9_.-", 20) for one in ("pat", "dt", "rt", "cbt", "ptt", "ft", "soat", "imt"))),
    ("a Slack token", (*((f"xox{one}-", _WORD, 10) for one in "abeoprs"), ("xapp-", _WORD, 20))),
    ("an AWS key", tuple((one, "A-Z0-9", 16) for one in ("AKIA", "ASIA", "ABIA", "ACCA"))),
    ("a Google token", (("ya29.", _WORD, 20), ("GOCSPX-", _WORD, 24), ("1//0", _WORD, 30))),
    ("a Stripe key", (
        *((f"{one}_{mode}_", _ALNUM, 16) for one in ("sk", "rk", "pk") for mode in ("live", "test")),
        ("whsec_", "A-Za-z0-9+/=", 24),
    )),
    ("an npm token", (("npm_", _ALNUM, 36),)),
    ("a PyPI token", (("pypi-", _WORD, 50),)),
    ("a Hugging Face token", (("hf_", _ALNUM, 30), ("api_org_", _ALNUM, 30))),
    ("an access token", (
        *((f"do{one}_v1_", _HEX, 60) for one in "opr"), *((f"shp{one}_", _HEX, 32) for one in ("at", "ca", "pa", "ss")),
        ("sq0atp-", _WORD, 22), ("sq0csp-", _WORD, 40), ("EAACEdEose0cBA", _ALNUM, 10), ("EAA", _ALNUM, 80), ("sl.", _WORD, 100),
        ("dapi", _HEX, 32), ("dp.pt.", _ALNUM, 40), ("hvs.", _WORD, 24), ("hvb.", _WORD, 24), ("ATATT3", "A-Za-z0-9_=-", 50),
        ("glc_", "A-Za-z0-9+/=", 32), ("glsa_", "A-Za-z0-9_", 32), ("HRKU-", _WORD, 30), ("figd_", _WORD, 36),
        ("dckr_pat_", _WORD, 20), ("rubygems_", _HEX, 40), ("sntrys_", "A-Za-z0-9_+/=", 40), ("sntryu_", _HEX, 40),
        ("tskey-", _WORD, 20), ("ops_ey", _WORD, 100), ("pscale_tkn_", _WORD, 30), ("nfp_", _ALNUM, 36), ("pul-", _HEX, 40),
        ("cio", _ALNUM, 32), ("shippo_live_", _HEX, 40), ("ory_at_", _WORD, 30), ("PRIVATE-AGE", _WORD, 20),
    )),
    ("a private key", (("AGE-SECRET-KEY-1", "A-Z0-9", 50), ("xprv", _ALNUM, 100), ("zprv", _ALNUM, 100), ("yprv", _ALNUM, 100))),
)  # fmt: skip

_OTHERS: tuple[tuple[str, tuple[str, ...], str, Check | None], ...] = (
    ("a web token", ("eyJ",), rf"{_FREE}eyJ{_run(_WORD, 8)}(?:\s?\.\s?(?:{_run(_WORD, 4)})?){{2,4}}", None),
    ("a Telegram token", (":AA",), rf"{_FREE}[0-9]{{8,10}}:AA{_run(_WORD, 32, 36)}{_END}", None),
    ("a Twilio key", ("AC", "SK"), rf"{_FREE}(?:AC|SK){_run('0-9a-f', 32, 32)}{_END}", _has_digit),
    ("a Mailchimp key", ("-us",), rf"{_FREE}[0-9a-f]{{32}}-us[0-9]{{1,2}}{_END}", None),
    ("a Discord token", (".",), rf"{_FREE}[MNO][A-Za-z0-9_-]{{23,27}}\.[A-Za-z0-9_-]{{6,7}}\.[A-Za-z0-9_-]{{27,40}}", looks_random),
    ("an Airtable token", ("pat",), rf"{_FREE}pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{64}}", None),
    ("a Terraform token", (".atlasv1.",), rf"{_FREE}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_-]{{40,}}", None),
    ("an Azure secret", ("Q~",), rf"{_FREE}[A-Za-z0-9_~.-]{{3}}[0-9]Q~[A-Za-z0-9_~.-]{{31,36}}", None),
    ("an Azure key", ("AccountKey", "SharedAccessKey"), rf"(?:AccountKey|SharedAccessKey)\s?=\s?{_run('A-Za-z0-9+/=', 40)}", None),
    ("a signed address", ("sig=",), r"(?<=[?&])sig=[A-Za-z0-9%+/=]{30,}", None),
    ("a signed address", ("X-Amz-Signature=",), r"X-Amz-Signature=[0-9a-f]{32,}", None),
    ("a webhook address", ("hooks.slack.com", "/webhooks/", ".webhook.office.com"),
     r"(?:hooks\.slack\.com/(?:services|workflows)|discord(?:app)?\.com/api/webhooks|\.webhook\.office\.com)"
     r"/[A-Za-z0-9_/@-]{20,300}", None),
    ("a licence key", ("-",), r"(?<![A-Z0-9-])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![A-Z0-9-])", _has_digit),
    ("an AWS secret", ("aws", "AWS", "Aws"),
     r"(?i:aws)[^\n]{0,60}?(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])", lambda text: looks_random(text[-40:])),
)  # fmt: skip


def _kinds() -> Iterator[Kind]:
    for why, beginnings in _BEGINNINGS:
        for start, signs, least in beginnings:
            pattern = re.compile(f"{_FREE}{re.escape(start)}{_run(signs, least)}")
            yield Kind(why, (start,), pattern, partial(_is_key, start))
    for why, hints, written, holds in _OTHERS:
        yield Kind(why, hints, re.compile(written), holds)


KINDS = tuple(_kinds())


def keys(text: str) -> Iterator[tuple[int, int, str]]:
    """Where keys of well-known kinds stand in a folded text: first character, one after the last, and what it is."""
    for kind in KINDS:
        if any(hint in text for hint in kind.hints):
            for found in kind.pattern.finditer(text):
                if kind.holds is None or kind.holds(found[0]):
                    yield found.start(), found.end(), kind.why


_BEGIN = re.compile(
    r"(?<!-)-{2,}[ \t]*BEGIN[ \t]+(?:[A-Z0-9]+[ \t]+){0,3}PRIVATE[ \t]+KEY(?:[ \t]+BLOCK)?[ \t]*-{2,}|PuTTY-User-Key-File-\d",
    re.I,
)
_FINISH = re.compile(
    r"(?<!-)-{2,}[ \t]*END[ \t]+(?:[A-Z0-9]+[ \t]+){0,3}PRIVATE[ \t]+KEY(?:[ \t]+BLOCK)?[ \t]*-{2,}|Private-MAC:[^\n]*",
    re.I,
)
# A passage may hold only the middle of a block: two full lines of it are enough.
_LINES = re.compile(
    r"(?<![^\n \t>])[A-Za-z0-9+/]{60,76}(?:\r?\n[ \t>]*[A-Za-z0-9+/]{60,76})+(?:\r?\n[ \t>]*[A-Za-z0-9+/]{2,75}={0,2})?(?![^\s=])"
)


def blocks(text: str) -> Iterator[tuple[int, int, str]]:
    """Where private keys stand as blocks of lines, also where a block has lost its beginning or its end."""
    ends = [found.end() for found in _FINISH.finditer(text)]
    last = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() >= last:
            last = next((end for end in ends if end > begin.end()), len(text))
            yield begin.start(), last, "a private key"
    for found in _LINES.finditer(text):
        if looks_random(found[0]):
            yield found.start(), found.end(), "a private key"
