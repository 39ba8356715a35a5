"""A long document with forty things planted in it, as a real PDF: what whole-file answers are measured by."""

from __future__ import annotations

import random
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brain.wording import sentences as split

PAGES, ITEMS = 200, 40

_OBJECTS = (
    "kettle lantern compass violin telescope chessboard typewriter saddle barometer teapot abacus accordion anvil atlas "
    "bellows birdcage bobbin candlestick carousel clock drum easel flute globe hammock harp inkwell kite loom mandolin "
    "metronome mirror oar padlock pendulum quilt sextant sundial thimble trumpet"
).split()
_COLOURS = "copper silver wooden brass painted leather glass ivory iron velvet".split()
_PLACES = (
    "below the bridge|behind the bakery|in the attic of the mill|under the third step|beside the well|in the hollow oak|"
    "at the ferry landing|inside the bell tower|near the quarry gate|under the chapel floor"
).split("|")
_SUBJECTS = "The council|Our engineer|The river board|A contractor|The surveyor|The school|Her deputy|The museum".split(
    "|"
)
_VERBS = (
    "reviewed|postponed|described|measured|discussed|repaired|ordered|compared|recorded|visited|approved|questioned"
).split("|")
_THINGS = (
    "the drainage plan|a new timetable|the stone wall|last year's accounts|the water level|two older maps|the item on the "
    "agenda|the roof of the depot|a list of members|the parking rules|the trees that stand along the canal|the heating"
).split("|")
_TAILS = (
    "before the summer recess|after a long debate|without any further remark|because the budget allowed it|as the minutes "
    "show|although the weather was poor|together with the neighbours|for the second time that year"
).split("|")


_ANIMALS = (
    "goat heron hedgehog ferret tortoise lynx otter badger falcon magpie donkey llama parrot rabbit squirrel weasel stork swan "
    "toad viper walrus wolf pigeon pony puffin raven salmon seal sparrow stoat gecko gander hamster iguana jackdaw kestrel "
    "lizard marten newt owl"
).split()
_AILMENTS = (
    "a broken wing|a sore throat|a deep cut|swollen joints|a fever|an infected paw|a torn ligament|bad teeth|a skin rash|"
    "an upset stomach|a lame leg|a blocked ear"
).split("|")
_DISHES = (
    "lentil soup|roast trout|mushroom pie|barley stew|onion tart|smoked eel|cabbage rolls|plum dumplings|pea porridge|"
    "grilled mackerel|saffron rice|chestnut bread|herring salad|goose liver|rhubarb crumble|turnip mash|venison ragout|"
    "cheese fritters|pickled beetroot|walnut cake|leek quiche|poached pears|veal sausages|bean casserole|crab bisque|"
    "potato gratin|fig jam|spinach omelette|duck confit|carrot pudding|oat biscuits|stuffed peppers|noodle broth|"
    "cherry strudel|garlic prawns|pumpkin curry|almond custard|rye pancakes|lamb skewers|apple fool"
).split("|")
_HOURS = "at noon|after dark|towards evening|at sunrise|late at night|in the small hours".split("|")


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of planting: the question, how each item is put, what the items are, and what else is said of them."""

    question: str
    forms: tuple[str, ...]
    things: Sequence[str] = tuple(_OBJECTS)
    slots: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"colour": _COLOURS, "place": _PLACES})


KINDS = {
    "same words": Kind("List all the planted items.", ("Planted item {n}: a {colour} {thing} {place}.",)),
    "varied": Kind(
        "Which items were planted? List all of them.",
        (
            "A {colour} {thing} was planted {place} as item {n}.",
            "Planted {place}: one {colour} {thing}.",
            "They also planted a {colour} {thing} {place}, where nobody would look.",
            "Item {n}, a {colour} {thing}, is planted {place}.",
        ),
    ),
    "other words": Kind(
        "List every musical or household object that was hidden somewhere.",
        (
            "A {colour} {thing} was hidden {place}.",
            "Somebody concealed a {colour} {thing} {place}.",
            "The {colour} {thing} was put out of sight {place}.",
        ),
    ),
    # Written to check by, after nothing had been tuned to them: what else is said of the items is alike in the first,
    # and in the second hardly anything.
    "animals": Kind(
        "List all animals that were treated at the clinic.",
        (
            "A {thing} was treated for {ailment} at the clinic.",
            "The vets looked after a {thing} with {ailment}.",
            "Then came a {thing}, whose owner had noticed {ailment}; it went home cured.",
        ),
        _ANIMALS,
        {"ailment": _AILMENTS},
    ),
    "meals": Kind(
        "List every dish that was served.",
        (
            "The cook served {thing} {hour}.",
            "{hour} everybody ate {thing}.",
            "There was {thing} on the table {hour}, and nobody left any.",
        ),
        _DISHES,
        {"hour": _HOURS},
    ),
}


@dataclass(frozen=True, slots=True)
class Planted:
    """The document's pages and the sentences planted in them, with their pages."""

    question: str
    pages: tuple[str, ...]
    items: tuple[tuple[str, int], ...]


def planted(
    kind: str = "same words",
    *,
    pages: int = PAGES,
    items: int = ITEMS,
    sentences: int = 17,
    seed: int = 7,
    background: Sequence[str] = (),
) -> Planted:
    """Minutes that nobody would read, about `sentences` a page, with `items` sentences planted on as many pages.

    With a `background` its texts are the pages, as they are, and each item follows one of their sentences.
    """
    chance = random.Random(seed)
    chosen = sorted(chance.sample(range(1, pages + 1), items))
    texts: list[str] = []
    sown: list[tuple[str, int]] = []
    for page in range(1, pages + 1):
        if background:
            text = " ".join(background[(page - 1) % len(background)].split())
            said = [text[start:end] for start, end in split(text)]
        else:
            said = [
                f"{chance.choice(_SUBJECTS)} {chance.choice(_VERBS)} {chance.choice(_THINGS)} {chance.choice(_TAILS)}."
                for _ in range(chance.randint(max(2, sentences - 3), sentences + 3))
            ]
        if page in chosen:
            at = chosen.index(page)
            form = KINDS[kind].forms[at % len(KINDS[kind].forms)]
            words = {name: chance.choice(choices) for name, choices in KINDS[kind].slots.items()}
            things = KINDS[kind].things
            item = form.format(n=at + 1, thing=things[at % len(things)], **words)
            item = item[0].upper() + item[1:]
            said.insert(chance.randint(1, max(1, len(said) - 1)), item)
            sown.append((item, page))
        texts.append(f"Minutes of the district, page {page}\n" + " ".join(said))
    return Planted(KINDS[kind].question, tuple(texts), tuple(sown))


def write_pdf(path: Path, pages: Sequence[str]) -> Path:
    """A PDF of these pages in Helvetica, lines wrapped; an empty page has no text at all."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for text in pages:
        rows = [row for line in text.split("\n") for row in textwrap.wrap(line, 90) or [""]]
        shown = " ".join(f"({row.translate(_ESCAPED)}) '" for row in rows)
        stream = zlib.compress(f"BT /F1 10 Tf 13 TL 40 800 Td {shown} ET".encode("latin-1", "replace") if text else b"")
        objects.append(b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(stream), stream))
        number = len(objects)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % number
        )
        kids.append(f"{number + 1} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    path.write_bytes(body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + trailer)
    return path


_ESCAPED = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})
