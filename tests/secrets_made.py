"""Secrets as their issuers make them, of 30 kinds, in sentences as people write them; and what only looks like one."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable

HEX, DIGITS = "0123456789abcdef", string.digits
ALNUM = string.ascii_letters + DIGITS
WORDS = (
    "abandon ability absorb acquire actress adapt agent alarm album amateur anchor ancient answer apology arena "
    "banana barrel beach below bicycle blanket bonus bridge cabbage cactus camera canvas carpet cereal chapter cliff"
).split()

Dice = random.Random


def run(dice: Dice, signs: str, length: int) -> str:
    return "".join(dice.choice(signs) for _ in range(length))


def luhn(dice: Dice, start: str, length: int) -> str:
    body = start + run(dice, DIGITS, length - len(start) - 1)
    total = sum(sum(divmod(int(sign) * (2 - at % 2), 10)) for at, sign in enumerate(reversed(body)))
    return body + str(-total % 10)


def card(dice: Dice) -> str:
    start, length = dice.choice(
        [("4", 16), ("53", 16), ("2412", 16), ("37", 15), ("6011", 16), ("3530", 16), ("36", 14)]
    )
    digits = luhn(dice, start, length)
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(length, (4, 4, 4, 4))
    gap, groups, at = dice.choice([" ", "-", "", "", "\u00a0", "\n", "\u2011", "\u200b"]), [], 0
    for size in sizes:
        groups.append(digits[at : at + size])
        at += size
    written = gap.join(groups)
    return written.translate({ord(d): ord(d) + 0xFEE0 for d in DIGITS}) if dice.random() < 0.15 else written


def iban(dice: Dice) -> str:
    country, length = dice.choice([("DE", 22), ("FR", 27), ("CH", 21), ("ES", 24), ("NL", 18), ("AT", 20)])
    body = run(dice, DIGITS, length - 4) if country != "NL" else "ABNA" + run(dice, DIGITS, 10)
    number = int("".join(str(int(sign, 36)) for sign in f"{body}{country}00"))
    whole = f"{country}{98 - number % 97:02}{body}"
    return dice.choice([whole, " ".join(whole[at : at + 4] for at in range(0, length, 4)), whole.lower()])


def tax_id(dice: Dice) -> str:
    while True:
        ten = [int(sign) for sign in dice.sample(DIGITS, 9)]
        ten.insert(dice.randrange(9), dice.choice(ten))
        if ten[0] and all(ten.count(one) < 3 for one in ten):
            break
    product = 10
    for digit in ten:
        product = ((digit + product) % 10 or 10) * 2 % 11
    digits = "".join(map(str, ten)) + str((11 - product) % 10)
    return dice.choice([digits, f"{digits[:2]} {digits[2:5]} {digits[5:8]} {digits[8:]}"])


def web_token(dice: Dice) -> str:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    return f"{part({'alg': 'RS256', 'kid': run(dice, HEX, 6)})}.{part({'sub': run(dice, DIGITS, 9)})}.{run(dice, ALNUM, 86)}"


def key_block(dice: Dice) -> str:
    name = dice.choice(["RSA ", "OPENSSH ", "EC ", "", "ENCRYPTED "])
    lines = "\n".join(run(dice, ALNUM + "+/", 64) for _ in range(dice.randint(4, 12)))
    return f"-----BEGIN {name}PRIVATE KEY-----\n{lines}\n-----END {name}PRIVATE KEY-----"


def password(dice: Dice) -> str:
    return dice.choice([
        run(dice, ALNUM + "!$%&", 12), f"{dice.choice(WORDS).title()}{dice.randint(10, 9999)}!",
        f"{dice.choice(WORDS)}{dice.randint(10, 99)}", f"{dice.choice(WORDS)}-{dice.choice(WORDS)}-{dice.randint(1, 99)}",
    ])  # fmt: skip


def passport_line(dice: Dice) -> str:
    second = f"{run(dice, string.ascii_uppercase + DIGITS, 9)}4D<<7408122F{run(dice, DIGITS, 6)}8"
    return f"{second:<44}".replace(" ", "<")


def broken(make: Callable[[Dice], str]) -> Callable[[Dice], str]:
    """The same, sometimes with something invisible or a line break in the middle."""

    def made(dice: Dice) -> str:
        secret = make(dice)
        at = dice.randint(8, len(secret) - 4)
        return secret[:at] + dice.choice(["", "", "", "\u200b", "\u00ad", "\ufeff"]) + secret[at:]

    return made


PLAIN = (
    "{}",
    "We use {} for now.",
    "- {}",
    "It was {} until the move, ask Jonas.",
    "| staging | {} | ok |",
    "> {}\n\nDelete this note!",
)
PASSWORD = (
    "Router upstairs, password: {}", "the wifi password is {} (guests too)", "Passwort: {}", "Mein Kennwort lautet {}.",
    "DB_PASSWORD={}", 'password = "{}"', "user anna\npwd: {}\nhost x", "login: anna / password: {}",
        "mot de passe : {}",
    "- **Password**: `{}`", "contraseña: {}", "Password for the mail account: {}", '{{"user": "jo", "password": "{}"}}',
)  # fmt: skip
KINDS: dict[str, tuple[Callable[[Dice], str], tuple[str, ...]]] = {
    "OpenAI": (broken(lambda d: f"sk-{d.choice(['proj-', 'svcacct-', ''])}{run(d, ALNUM, 48)}"), PLAIN),
    "Anthropic": (broken(lambda d: f"sk-ant-api03-{run(d, ALNUM + '_-', 93)}AA"), PLAIN),
    "DeepSeek": (broken(lambda d: f"sk-{run(d, HEX, 32)}"), PLAIN),
    "GitHub": (
        broken(lambda d: d.choice([f"ghp_{run(d, ALNUM, 36)}", f"github_pat_{run(d, ALNUM, 22)}_{run(d, ALNUM, 59)}"])),
        PLAIN,
    ),
    "GitLab": (broken(lambda d: f"glpat-{run(d, ALNUM + '_-', 19)}7"), PLAIN),
    "Slack": (broken(lambda d: f"xoxb-{run(d, DIGITS, 12)}-{run(d, DIGITS, 13)}-{run(d, ALNUM, 24)}"), PLAIN),
    "AWS id": (broken(lambda d: f"AKIA{run(d, string.ascii_uppercase + '234567', 15)}7"), PLAIN),
    "AWS secret": (
        lambda d: run(d, ALNUM + "+/", 40),
        ("aws_secret_access_key = {}", "AWS secret: {}", "the aws one ends with us: {}"),
    ),
    "Google": (broken(lambda d: f"AIza{run(d, ALNUM + '_-', 34)}x"), PLAIN),
    "Stripe": (broken(lambda d: f"{d.choice(['sk', 'rk'])}_live_{run(d, ALNUM, 24)}"), PLAIN),
    "Azure": (lambda d: f"{run(d, ALNUM + '+/', 86)}==",
        ("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=y",)),
    "npm": (broken(lambda d: f"npm_{run(d, ALNUM, 36)}"), PLAIN),
    "PyPI": (broken(lambda d: f"pypi-AgEIcHlwaS5vcmc{run(d, ALNUM + '_-', 120)}"), PLAIN),
    "Hugging Face": (broken(lambda d: f"hf_{run(d, ALNUM, 34)}"), PLAIN),
    "Telegram": (broken(lambda d: f"{run(d, '123456789', 10)}:AA{run(d, ALNUM + '_-', 32)}x"), PLAIN),
    "Twilio": (broken(lambda d: f"AC{run(d, HEX, 32)}"), PLAIN),
    "SendGrid": (broken(lambda d: f"SG.{run(d, ALNUM, 22)}.{run(d, ALNUM, 43)}"), PLAIN),
    "key block": (key_block, ("{}", "The key of the old server:\n\n{}\n\nIt still works.", "> notes\n{}")),
    "web token": (broken(web_token), PLAIN),
    "address": (
        password,
        ("postgres://anna:{}@db.home:5432/notes", "git clone https://jo:{}@git.example.org/x.git",
        "redis://:{}@10.0.0.2/0"),
    ),
    "connection": (password, ("Server=db;Database=x;User Id=sa;Password={};Encrypt=true", "Driver=x;Uid=a;Pwd={};")),
    "password": (password, PASSWORD),
    "PIN": (lambda d: run(d, DIGITS, d.choice([4, 5, 6])), (
        "PIN: {}", "The PIN is {}.", "PIN der EC-Karte: {}", "SIM PIN {}", "PUK {}", "Geheimzahl {}", "pin code: {}",
        "CVV {}",
    )),
    "card": (card, ("Visa {} until 04/29", "{}", "pay with {} please", "Karte: {}", "| card | {} |")),
    "account": (iban, ("IBAN {}", "Bitte auf {} überweisen", "{}", "to {}, BIC COBADEFFXXX")),
    "SSN": (lambda d: f"{d.randint(100, 665)}-{d.randint(10, 99)}-{d.randint(1000, 9999)}", ("SSN {}",
        "her number is {}", "{}")),
    "tax id": (tax_id, ("Steuer-ID: {}", "Meine Identifikationsnummer (IdNr.) ist {}",
        "Steueridentifikationsnummer {}")),
    "passport": (
        lambda d: f"C{run(d, DIGITS, 2)}X{run(d, DIGITS, 5)}{d.choice('TFK')}",
        ("Passport {}", "passport no. {}", "Reisepass: {}, gültig bis 2031", "Ausweisnummer {}",
        "My passport number is {}."),
    ),
    "passport lines": (passport_line, ("P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<<\n{}", "{}")),
    "seed phrase": (
        lambda d: d.choice([" ", "\n", ", "]).join(d.sample(WORDS, d.choice([12, 24]))),
        ("Seed phrase: {}", "wallet recovery words\n\n{}\n", "mnemonic: {}", "BIP39 backup: {}"),
    ),
    "random key": (
        lambda d: run(d, ALNUM, 20) + "4b" + run(d, ALNUM, 10),
        ("api key: {}", "API_TOKEN={}", '"client_secret": "{}"', "the access token {} expires",
        "Authorization: Bearer {}", "secret key {}"),
    ),
}  # fmt: skip


# Written after the patterns were.
AFTERWARDS: dict[str, tuple[str, ...]] = {
    "": (
        "Kai sent me {} over chat.", "export X={}", "old one:\n{}\nnew one: none", "({})", '"{}",',
        "Backup von {} liegt im Tresor", "1. {}\n2. rest",
    ),
    "AWS secret": ("AWS_SECRET_ACCESS_KEY={}", "secret access key (aws): {}"),
    "Azure": ("AccountKey={}",),
    "key block": ("```\n{}\n```", "vault:\n\n{}"),
    "address": ("amqp://svc:{}@mq.internal/", "mysql://root:{}@127.0.0.1/wiki", "smb://jo:{}@nas/share"),
    "connection": ("Data Source=x;User=u;Password={}", "host=x user=u password={} dbname=y"),
    "password": (
        "The password for the NAS is {}", "Netflix password: {}", "PW WLAN: {}", "zip password {}", "user: kim, pass: {}",
        "Das Passwort ist {}",
        "root password -> {}", "Kennwort (Bank): {}", "password was {} before", "passphrase: {}",
    ),
    "PIN": ("pin: {}", "Handy-PIN: {}", "PIN for the card: {}", "my PIN = {}", "PIN-Code {}", "code PIN : {}",
        "CVC: {}"),
    "card": ("Mastercard {} exp 01/30", "number on the card {}", "cc: {}"),
    "account": ("Konto {}", "Please transfer to {}.", "Account: {}"),
    "SSN": ("social security number {}", "SSN: {}.", "({})"),
    "tax id": ("Steuerliche Identifikationsnummer: {}", "tax id {}", "Steuer ID Anna {}"),
    "passport": ("passport: {}", "Personalausweis Nr. {}", "Passnummer Reisepass {}", "ID card no. {}"),
    "passport lines": ("scan:\n{}", "MRZ {}"),
    "seed phrase": ("My wallet: {}", "seed words:\n{}", "Recovery phrase (ledger)\n{}"),
    "random key": ("token: {}", "apiKey = '{}'", "X-Api-Key: {}", "bearer token {}", "SECRET_KEY={}",
        "the key for the weather api is {}"),
}  # fmt: skip


def secrets(seed: int, each: int, *, afterwards: bool = False) -> list[tuple[str, str, str]]:
    """Kind, secret, and the text that it stands in; `each` of every kind."""
    dice = Dice(seed)
    made = []
    for kind, (make, usual) in KINDS.items():
        sentences = AFTERWARDS.get(kind, AFTERWARDS[""]) if afterwards else usual
        for _ in range(each):
            secret = make(dice)
            made.append(
                (
                    kind,
                    secret,
                    f"Some words before it. {dice.choice(sentences)}".replace("{{", "{")
                    .replace("{}", secret)
                    .replace("}}", "}"),
                )
            )
    return made


def honest(seed: int, many: int) -> list[str]:
    """Numbers and names that must survive."""
    dice = Dice(seed)
    isbn = lambda d: f"978-3-{run(d, DIGITS, 2)}-{run(d, DIGITS, 6)}-{run(d, DIGITS, 1)}"  # noqa: E731
    makes: tuple[Callable[[Dice], str], ...] = (
        lambda d: f"Call +49 30 {run(d, DIGITS, 8)} or 0171 {run(d, DIGITS, 7)}.",
        lambda d: f"Call (555) {run(d, DIGITS, 3)}-{run(d, DIGITS, 4)} about the fence.",
        lambda d: f"ISBN {isbn(d)}",
        lambda d: f"On 2024-0{d.randint(1, 9)}-1{d.randint(0, 9)} at 14:{d.randint(10, 59)}:07.123456 we met.",
        lambda d: f"commit {run(d, HEX, 40)} fixes it",
        lambda d: f"see {run(d, HEX, 7)} and {run(d, HEX, 12)}",
        lambda d: f"id {uuid.UUID(int=d.getrandbits(128))}",
        lambda d: f"Order number 30{run(d, DIGITS, 8)}, invoice RE-2024-{run(d, DIGITS, 5)}",
        lambda d: f"sha256 {run(d, HEX, 64)}",
        lambda d: (
            f"The key point of section {d.randint(1, 99)} is that the password should be changed every {d.randint(10, 90)} days."
        ),
        lambda d: f"doi:10.1016/j.jbi.20{run(d, DIGITS, 2)}.{run(d, DIGITS, 2)}.{run(d, DIGITS, 3)}",
        lambda d: f"https://example.org/watch?v={run(d, ALNUM, 11)}&t={d.randint(1, 999)}",
        lambda d: f"Temperatures: {', '.join(str(d.randint(10, 99)) for _ in range(12))}",
        lambda d: (
            f"sk-learn-contrib-estimators-{d.choice(WORDS)} is a package, pin 1{d.randint(0, 9)} of the chip is ground"
        ),
        lambda d: f"tracking number 00340{run(d, DIGITS, 15)}",
        lambda d: f"52.{run(d, DIGITS, 6)}, 13.{run(d, DIGITS, 6)}",
    )
    return [makes[at % len(makes)](dice) for at in range(many)]
