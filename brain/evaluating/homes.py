"""Where a set is searched: its corpus in a home of its own, found again by its SHA-256; or one's own notes as they are.

Each document of a corpus is one document of the catalog, cut, stored and embedded by the code that does it for notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from brain import readers
from brain.chunking import cut
from brain.cleaning import defuse, one_line
from brain.embed import embed_pending
from brain.errors import ModelError, ReadError, StoreBusy
from brain.evaluating.sets import QuestionSet, Source
from brain.events import Event, FellBack, FileFailed, FileIndexed, SyncStarted
from brain.local import LocalBrain
from brain.parts import Parts
from brain.planning import Stamp
from brain.readers import markdown
from brain.readers.text import paragraphs
from brain.seams import Cancel, ChatModel
from brain.settings import Settings
from brain.store.catalog import Catalog
from brain.store.claim import Claim, claim_store, look_at_store
from brain.store.gates import GATE, Gates
from brain.sync import recipe_of
from brain.types import Document

FOLDER = Path("eval", "corpora")
_ROOT = Path("/set")  # where the documents seem to lie; no such folder is looked at
_NO_FILE = Stamp(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Home:
    """An open home: what searches in it, and how the document at a path is called in the set."""

    parts: Parts
    catalog: Catalog
    unit: Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Answering:
    """The Brain that answers, its catalog, and how the document at a path is called in the set."""

    brain: LocalBrain
    catalog: Catalog
    unit: Callable[[Path], str]


@contextmanager
def open_corpus(settings: Settings, question_set: QuestionSet) -> Iterator[Home]:
    """The home of a corpus, made where it is new. Raises StoreBusy while another process measures with it."""
    with ExitStack() as house:
        own, catalog, claim = house.enter_context(_claimed(settings, question_set))
        parts = Parts(own, catalog, claim)
        house.callback(parts.close)
        yield Home(parts, catalog, _units(question_set))


@contextmanager
def open_notes(settings: Settings) -> Iterator[Home]:
    """One's own notes as they are indexed, beside whoever owns the index. Raises StoreError where nothing is."""
    with ExitStack() as house:
        catalog = Catalog(settings.home / "catalog.db", read_only=True)
        house.callback(catalog.close)
        parts = Parts(settings, catalog, look_at_store(settings.home))
        house.callback(parts.close)
        yield Home(parts, catalog, str)


@contextmanager
def answering_corpus(settings: Settings, question_set: QuestionSet) -> Iterator[Answering]:
    """The Brain of a corpus that is indexed already. Raises StoreBusy while another process measures with it."""
    with ExitStack() as house:
        own, catalog, claim = house.enter_context(_claimed(settings, question_set))
        catalog.add_folder(_ROOT)  # a Brain that watches nothing says so instead of answering; it is never synced
        brain = LocalBrain(own, catalog, claim)
        house.callback(brain.close)
        yield Answering(brain, catalog, _units(question_set))


@contextmanager
def answering_notes(settings: Settings) -> Iterator[Answering]:
    """The Brain of one's own notes, beside whoever owns the index. Raises StoreError where nothing is indexed."""
    with ExitStack() as house:
        catalog = Catalog(settings.home / "catalog.db", read_only=True)
        house.callback(catalog.close)
        brain = LocalBrain(settings, catalog, look_at_store(settings.home))
        house.callback(brain.close)
        yield Answering(brain, catalog, str)


@contextmanager
def opened_chat(settings: Settings, path: Path) -> Iterator[ChatModel]:
    """The chat model in a file, beside whatever a Brain has open. Raises ModelError."""
    from brain.models import local

    chat = local.open_chat(path, window=settings.chat.window, threads=settings.chat.threads)
    try:
        yield chat
    finally:
        chat.close()


@contextmanager
def _claimed(settings: Settings, question_set: QuestionSet) -> Iterator[tuple[Settings, Catalog, Claim]]:
    """The home of a corpus for this process alone: its settings, its catalog."""
    home = settings.home / FOLDER / question_set.corpus_sha256[:16]
    own = replace(settings, home=home, models_folder=str(settings.shelf.absolute()))
    with ExitStack() as house:
        claim = house.enter_context(claim_store(home))
        if not claim.ours:
            raise StoreBusy("Another Brain is measuring with this set.", hint="Wait for its end, then try again.")
        Gates(settings.home / GATE).lend(home / GATE)
        catalog = Catalog(home / "catalog.db")
        house.callback(catalog.close)
        yield own, catalog, claim


def _units(question_set: QuestionSet) -> Callable[[Path], str]:
    return {path_of(document.id): document.id for document in question_set.documents}.__getitem__


def index(home: Home, documents: Sequence[Source], *, cancel: Cancel) -> Iterator[Event]:
    """Bring the home up to the corpus: SyncStarted, an event a document, VectorsAdded… What is there is not done again.

    Once `cancel` is set it ends, and a further run goes on from there. Without a model it says FellBack: words alone.
    """
    parts, catalog = home.parts, home.catalog
    tokenizer, is_real = parts.tokenizer()
    recipe, known = recipe_of(tokenizer), catalog.stamps()
    wanted = []
    for source in documents:
        stored = known.get(path_of(source.id))
        is_current = stored is not None and stored.sha256 == source.sha256
        if not is_current or (is_real and stored is not None and stored.recipe != recipe):
            wanted.append(source)
    yield SyncStarted(len(wanted))
    for source in wanted:
        if cancel.is_set():
            break
        path = path_of(source.id)
        try:
            document = document_of(source)
        except ReadError as error:
            yield FileFailed(path, error.reason, error.hint)
            continue
        chunks = cut(document, tokenizer)
        total, fresh = catalog.put(document, chunks, stamp=_NO_FILE, sha256=source.sha256, recipe=recipe)
        yield FileIndexed(path, total, fresh, True)
    parts.write_words()
    try:
        yield from embed_pending(catalog, parts.embedder(), cancel=cancel)
    except ModelError as error:
        yield FellBack("vectors", error.reason, error.hint)


def document_of(source: Source) -> Document:
    """One line of a corpus as a document: a Markdown note where its _id is the name of one, else plain text with a title."""
    path, text = path_of(source.id), defuse(source.text)
    if path.suffix.lower() in markdown.SUFFIXES:
        return readers.parse(path, text.encode())
    title = one_line(source.title)
    text = text if text.strip() else title
    return Document(path, title or one_line(source.id), text, tuple(paragraphs(text)), titled=bool(title))


def path_of(id: str) -> Path:
    """Where a document seems to lie. Two ids never share a path, whatever they hold."""
    pure = PurePosixPath(id)
    is_plain = str(pure) == id and not pure.is_absolute() and ".." not in pure.parts and pure.name != ""
    kept = "/." if is_plain else ""
    return _ROOT / "".join(one if one.isalnum() or one in f" -_()[],'&+=@!~{kept}" else _escaped(one) for one in id)


def _escaped(one: str) -> str:
    return "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "surrogatepass"))
