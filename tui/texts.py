"""Every visible string of the terminal UI. Nothing here draws; `{}` parts are filled by the one who does."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING

from brain.cleaning import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from brain.events import SyncFinished
    from brain.types import Coverage, Scope

APP = "Brain"
YOU = "You"
PLACEHOLDER = "Ask your notes anything"
BAR_TITLE = "Just ask"

BADGE_LOCAL = "● LOCAL"
BADGE_LOCAL_LONG = "● LOCAL  nothing leaves this machine"
BADGE_REMOTE = "▲ REMOTE {host}"

OPENING = "Opening your notes …"
NO_FOLDERS = "Nothing to remember yet. Add a folder of notes or PDFs."
FOLDER_PLACEHOLDER = "~/notes"
FOLDER_HINT = "Tab completes, Enter adds it. Brain only reads there; nothing is changed, nothing leaves this machine."
FOLDER_BUSY = "Adding {folder} …"
FOLDER_ADDED = "{folder} is watched now. You can ask already."
ADD_FOLDER_SHORT = "add a folder"
ADD_FOLDER = "Add a folder of notes or PDFs"
READY = "Just ask."
READY_COUNT = "{documents} · {passages}"
READY_EMPTY = "No notes read yet. You can ask as soon as the first ones are."
READY_READING = "reading {done} of {total}, you can ask already"
NO_MODEL = "No model yet. Search works; answers need one."
NO_MODEL_HINT = "brain models pull starter"
OWNED = "Another Brain (pid {pid}) owns the index. This window is attached to it."
LOST = "Enter tries again."
NOT_OPEN_YET = "Your notes are still being opened. The question waits."
BUG = "Something went wrong inside Brain, and that is a bug. Your notes and your question are safe."
BUG_HINT = "The log has the details."
TOO_SMALL = "Brain needs 40×10. This window is {width}×{height}."

CONVERSATION = "Conversation"
SEARCHING = "searching …"
READING = "reading {passages}"
READING_WHOLE = "reading all of {name}, {size}, about {time} ({model})"
WAITING = "waits for the answer above"
THINKING = "thinking {seconds} s"
AGAIN = "again"
STOPPED_EARLY = "stopped before the first word"
STOPPED = "stopped after {words}"
NOTHING = "Nothing in your files answers this."
CLOSEST = "Closest:"
NO_SOURCE = "(no source)"
CITED = "{count} cited"
CITED_NONE = "nothing cited"
MODEL_QUOTES = "quotes, no model"
UNREAD = "Not readable: {name}, {count} without text: {pages} (scanned?)"
QUEUE_FULL = "One question waits already."
NEW_LINES = " ↓ {lines} "
EARLIER = "↑ {count} above, PgUp shows them"
WRITING = "writing"
WORKING = "working"
WORDS_A_SECOND = "{rate:.1f} words/s"

DATES = "dates: {days}"
NO_PASSAGE = "No passage matches. {documents} searched."
MORE = "{count} more"
SEARCH_TIMES = "words {words} ms · meaning {vectors} ms"
SEARCH_TIME = "{total} ms"
BY_WORDS = "words"
BY_MEANING = "meaning"
BY_BOTH = "words+meaning"

PREVIEW_PLACE = "{at} of {count}"
LINE_OF = "line {line} of {lines}"
PAGE_OF = "page {page} of {pages}"

LEFT_TODAY = "{size} left this machine today"
LEFT_TODAY_SHORT = "{size} left today"
SENT_TODAY = "sent {size}  {cost}  {today}"
TODAY = "today {spent}"
TODAY_OF = "today {spent} of {limit}"
LOADING = "◐ loading {name}"
NOT_SENT = "Nothing was sent."
AT_THE_GATE = "waits for you: it would leave this machine"
ON_ITS_WAY = "sent {size} to {host}"
SENT_TO = "sent {size} to {host}"
BROKE_OFF = "The answer is incomplete, after {words}."
STAYED_HERE = "{what} withheld"
ANSWER_HERE = "answer here"

GATE = "This question would leave your machine"
GATE_TO = "To"
GATE_MODEL = "model {name}"
GATE_KEY = "key {name}"
GATE_NO_KEY = "no key"
GATE_SENDS = "Sends"
GATE_ALL = "your question with its instructions ({size}), nothing else"
GATE_TICKED = "the ticked rows and your question with its instructions ({size}), nothing else"
GATE_SIZE = "Size"
GATE_TOKENS = "{tokens}, {bytes}"
GATE_COST = "about {now} now"
GATE_PEAK = "about {now} now ({peak} at peak)"
GATE_NO_PRICE = "its price is not known"
GATE_WHY = "Why"
GATE_PLAIN = "! not encrypted: {url}"
GATE_CHANGED = "What would be sent is not what you were shown: your notes or the conversation have changed."
GATE_WORKING = "What would be sent is put together again …"
GATE_HISTORY = "{count} before this one"
GATE_LINES = "lines {first}-{last}"
GATE_LINE = "line {first}"
GATE_PAGE = "page {page}"
GATE_OUT = "unticked"
GATE_NEVER = "! {what} never sent: {why}"
GATE_SECRET = "! {what} withheld"
GATE_PLACES = "in {count} places"
GATE_HERE = "Answer here instead"
GATE_ONCE = "Send once"
GATE_TALK = "Send all in this talk"
GATE_BYTES = "show the exact bytes"
GATE_TICK = "tick"
GATE_CANCEL = "cancel"
BYTES = "The exact bytes"
BYTES_SAID = "{url}   {bytes}   sha256 {sha256}"

MODELS = "Models"
MODEL_USE = "Model for this conversation: {name}"
MODELS_LOOKING = "looking what can answer …"
MODELS_HERE = "On this machine"
MODELS_REMOTE = "Elsewhere: what you ask would leave this machine, after you have seen it"
MODELS_QUOTES = "your notes' own sentences, no model"
MODELS_HINT = "Enter for this conversation   {prefer} from now on"
MODEL_NOW = "now"
MODEL_USUAL = "usual"
MODEL_WINDOW = "window {tokens}"
MODEL_MEMORY = "about {size} of memory"
MODEL_TOO_BIG = "does not fit now"
MODEL_KEY = "key present"
MODEL_NO_KEY = "! no key"
MODEL_NO_FIT = "{name} needs about {size} of memory, more than is free now. Take a smaller one, or Enter again to try."
MODEL_NEEDS_KEY = "{name} has no key yet, so it cannot be asked."
MODEL_NEEDS_KEY_HINT = "Store it: brain endpoints key {name}"
MODEL_SAME = "{name} answers this conversation already."
MODEL_SWITCHED = "{name} answers this conversation from here on."
MODEL_SWITCHED_REMOTE = "{name} answers from here on. You are shown what would leave before anything does."
MODEL_LOADED = "{name} is ready."
MODEL_PREFERRED = "{name} is the usual model from now on (chat.model in config.toml)."
MODEL_QUOTES_USUAL = (
    "Quotes need no setting: Enter takes them for this conversation, brain ask --quotes for one question."
)
MODEL_UNKNOWN = "There is no model {name}. There are: {known}."
UNWRITTEN = "config.toml could not be written: {reason}."
UNWRITTEN_HINT = "brain models use NAME does the same."

WATCHING = "● watching {folders}"
INDEXING = "◐ indexing {done}/{total}"
MEANING_LEFT = "◐ meaning {done}/{total}"
LOOKING = "◐ looking at your folders"
NOT_WATCHED = "○ not watching"
PAUSED = "‖ paused"
PAUSED_NOW = "Indexing is paused. Notes you save now are found once it is resumed."
RESUMED_NOW = "Indexing goes on."
NO_FOLDER = "○ no folders"
OPENING_SHORT = "○ opening"
CLOSED = "! not open"
ATTACHED = "attached to {pid}"
FILES_FAILED = "! {files} not read"
SEARCH_OFF = "search off"
WORDS_ON = "words"
WORDS_OFF = "words off"
MEANING_ON = "meaning"
MEANING_OFF = "meaning off"
MEANING_PART = "meaning {percent} %"
RERANK_ON = "rerank"
RERANK_OFF = "rerank off"
OCR_OFF = "ocr off"
WATCHER_OFF = "watcher off"
CHAT_OFF = "chat off"
NO_MODEL_SHORT = "no model"

COPIED = "Copied: {what} ({how})."
COPIED_FILE = "No clipboard answered. {what} was sent to the terminal and is in {file}."
COPY_FAILED = "No clipboard answered, and no file could be written ({reason}). {what} was sent to the terminal."
THE_ANSWER = "the answer"
THE_ANSWER_SOURCES = "the answer with its sources"
THE_QUOTE = "the quote"
THE_SELECTION = "the selection"
NOTHING_TO_COPY = "There is nothing to copy yet."
NO_EDITOR = "No editor found. Set $EDITOR."
EDITOR_FAILED = "The editor did not start: {reason}"
NO_SUSPEND = "This terminal cannot be lent to an editor. Set $VISUAL to one with its own window."
NO_VIEWER = "No program to open files with was found (xdg-open)."
QUIT_AGAIN = "ctrl+c again quits."
NO_LOG = "There is no log yet."

UNSAVED = "This conversation is not saved: {reason}"
TALKS = "Conversations"
TALKS_PLACEHOLDER = "words in questions and answers"
TALKS_LOOKING = "looking …"
TALKS_NONE = "No conversation is saved yet. They are kept as you ask."
TALKS_NONE_WITH = "No conversation holds all of these words."
TALKS_HINT = "Enter open   / search   e rename   d delete   x export"
TODAY_DAY = "today"
YESTERDAY = "yesterday"
TALK_TITLE = "another title"
TALK_RENAME = "Enter keeps the title, Esc leaves it as it was."
TALK_DELETE = "Delete “{title}”? d deletes it, Esc keeps it."
TALK_DELETED = "Deleted “{title}”. u brings it back, for 10 s."
NOTHING_TO_EXPORT = "There is no saved conversation to export yet."
EXPORTED = "Written: {file}"
EXPORT_HINT = "brain chats export {number} --to FILE writes it elsewhere."
STALE_NOW = "says now: “{now}”"
STALE_GONE = "no longer there"
STALE = "~ sources have changed since"

WHY = "Why this answer"
WHY_NOTHING = "Nothing was asked yet."
WHY_SEARCHED = "searched"
WHY_SECONDS = "passages {retrieve} ms · first word {first} s · whole answer {total} s"
WHY_USAGE = "{prompt} tokens read, {cached} of them kept from before · {completion} written"
WHY_HEAD = ("", "passage", "words", "meaning", "rerank", "cited")
WHY_MISSING = "  · without: {words}"
WHY_OFF = "off: {parts}"
LIBRARY = "Library"
LIBRARY_FAILED = "{files} could not be read"
LIBRARY_MORE = ", here are {count} of them"
LIBRARY_NO_TEXT = "{pages} without text (scanned?)"
LIBRARY_READ_ONLY = "Brain only reads there; nothing is changed, nothing leaves this machine."
LIBRARY_WATCHED = "Changes are read as they happen."
LIBRARY_POLLED = "It is not watched: changes are seen when Brain looks again."
LIBRARY_AGAIN = "It is tried again once it changes."
LIBRARY_READING = "◐ reading {done} of {files}"
LIBRARY_MEANING = "◐ meaning of {done} of {passages}"
LIBRARY_PERCENT = "{percent} %"
LIBRARY_ABOUT = "about {time}"
LIBRARY_UP_TO_DATE = "● watching, up to date"
LIBRARY_WATCHING = "● watching"
LIBRARY_UNWATCHED = "○ not watched"
LIBRARY_ONE_READING = "◐ reading, {done} so far"
LIBRARY_REMOVING = "… removing"
LIBRARY_MISSING = "! missing; kept, not forgotten"
LIBRARY_ASIDE = "○ polled: {why}"
LIBRARY_REMOVE = (
    "Remove {folder} from Brain? What it knows of {files} there is forgotten; the folder itself is never touched. "
    "{key} removes it, {keep} keeps it."
)
LIBRARY_REMOVED = "Forgot {folder} and {files} of it. The folder is where it was, untouched."
LOOKING_NOW = "Looking at your folders …"
LOOKED = "Looked at your folders: {found}."
LOOKED_NOTHING = "nothing new"
HEALTH = "Health"
HEALTH_OPENING = "Your notes are still being opened."
HEALTH_WELL = "Everything works."
HEALTH_MORE = "A closer look at the store, and mending it: brain doctor"
HEALTH_PARTS = (
    ("words", "search by words"),
    ("vectors", "search by meaning"),
    ("rerank", "reranking"),
    ("chat", "answers in sentences"),
    ("watcher", "watching the folders"),
    ("ocr", "reading scanned pages"),
)
HEALTH_OK = "● ok"
HEALTH_OFF = "! off"
HEALTH_UNUSED = "○ not used"
HELP = "Keys"
HELP_WHILE_TYPING = "always"
HELP_BAR = "in the bar"
HELP_SHEETS = "before something leaves, in the list of models, and in the Library"
HELP_READING = "in the answer or the source (Esc leaves the bar)"
CLOSE_HINT = "Esc closes"
PALETTE_PLACEHOLDER = "What do you want to do?"


def scope(chosen: Scope) -> str:
    """A scope as it would be typed; empty where it does not narrow."""
    parts = [*(f"@{place}" for place in chosen.within), *(f"#{tag}" for tag in chosen.tags)]
    parts += [f"type:{format}" for format in chosen.formats]
    parts += [f"after:{chosen.after}"] if chosen.after else []
    parts += [f"until:{chosen.before}"] if chosen.before else []
    return one_line(" ".join([*parts, *(["is:machine"] if chosen.machine else [])]))


def number(count: int) -> str:
    """12480 → "12 480"."""
    return f"{count:,}".replace(",", " ")


def short_number(count: int) -> str:
    """12480 → "12.5k"."""
    return f"{count / 1000:.1f}k" if count >= 10_000 else number(count)


def size(count: int) -> str:
    """Bytes as people say them: "427 B", "19 KB", "2.5 GB"."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "KB")):
        if count >= unit:
            return (
                f"{count / unit:.1f} {name}"
                if unit > 1_000_000 and count < 100 * unit
                else f"{round(count / unit)} {name}"
            )
    return f"{count} B"


def dollars(amount: float) -> str:
    """Money, small sums with the figures that matter: "$0.0010", "$1.25"."""
    return f"${amount:.4f}" if 0 < amount < 0.1 else f"${amount:.2f}"


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun: "1 folder", "3 folders"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def home(path: Path) -> str:
    """A path from the person's home on: "~/notes"."""
    whole, mine = str(path), os.path.expanduser("~")  # noqa: PTH111 (never fails)
    inside = whole == mine or whole.startswith(mine.rstrip(os.sep) + os.sep)
    return one_line("~" + whole[len(mine.rstrip(os.sep)) :] if inside and mine != os.sep else whole)


def removed(folder: Path, documents: int) -> str:
    """What is said when a folder was forgotten."""
    return LIBRARY_REMOVED.format(folder=home(folder), files=counted(documents, "document"))


def found(finished: SyncFinished) -> str:
    """What a look at the folders found: "2 added, 1 removed"."""
    counts = (
        (finished.added, "added"),
        (finished.changed, "changed"),
        (finished.moved, "moved"),
        (finished.removed, "removed"),
        (finished.failed, "not read"),
    )
    return ", ".join(f"{number(count)} {what}" for count, what in counts if count) or LOOKED_NOTHING


def covered(coverage: Coverage) -> str:
    """How much of a whole file was read."""
    if coverage.pages is None:
        return "read whole" if coverage.complete else "read in part"
    text = f"read {number(len(coverage.read))} of {counted(coverage.pages, 'page')}"
    return text + (f", {number(len(coverage.without_text))} without text" if coverage.without_text else "")


def age(written: str | None, today: date) -> str:
    """How long ago an ISO date is, in the largest unit that fits; empty for none or one that is no date."""
    try:
        day = (written or "")[:10]
        days = (today - date.fromisoformat(day + "-01-01"[len(day) - 4 :] if len(day) in (4, 7) else day)).days
    except ValueError:
        return ""
    if days < 0:
        return (written or "")[:10]
    if days == 0:
        return "today"
    for size, noun in ((365, "year"), (30, "month"), (7, "week"), (1, "day")):
        if days >= size:
            return counted(days // size, noun)
    return ""


def span(seconds: float) -> str:
    """A time left, rounded to what is worth saying."""
    if seconds < 60:
        return f"{max(10, round(seconds / 10) * 10)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h"
