"""Odd and hostile files through the whole program: `brain sync` as a process, then what was said of each file and what is found.

    python -m tests.bench.odd SCRATCH [--pdfs FOLDER]… [--make SCRIPT]… [--encodings FOLDER --words TSV] [--strings JSON]

SCRIPT is called with a folder to fill, where it leaves expected.json: a list of {path or file, verdict, must_contain}.
TSV names a file of the encodings and, split by "|", what a search for it must find; files with an ending that is not
read are copied with .txt behind it. JSON is a list of strings, each of which becomes a note and a question.

There is no model: the words index alone, and passages cut by the estimating tokenizer; a model adds nothing here.
SCRATCH is emptied first. Exit code 1 where anything is not as it should be.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from brain import readers
from brain.engine import open_brain
from brain.errors import BrainError, QueryError
from brain.events import Retrieved
from brain.listing import listing
from brain.local import LocalBrain
from brain.settings import load
from brain.types import Scope

HANG_SECONDS = 1800
WRONG: list[str] = []


def wrong(what: str) -> None:
    WRONG.append(what)
    print(f"  WRONG: {what}", flush=True)


def made(scripts: list[Path], scratch: Path) -> dict[Path, dict[str, list[str]]]:
    """Run each script on a folder of its own; what it expects of each file there, by folder."""
    expected = {}
    for at, script in enumerate(scripts):
        folder = scratch / f"made {at}"
        subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL)
        listed = json.loads((folder / "expected.json").read_text())
        expected[folder] = {
            entry.get("path") or entry["file"]: entry["must_contain"] for entry in listed if entry["must_contain"]
        }
    return expected


def encoded(folder: Path, table: Path, scratch: Path) -> dict[Path, dict[str, list[str]]]:
    """The files of a folder under endings that are read, with the words each holds."""
    copy, words = scratch / "encodings", {}
    with table.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            name = Path(row["file"]).relative_to(folder.name)
            copied = name if name.suffix in readers.suffixes() else name.with_name(f"{name.name}.txt")
            (copy / copied).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy / copied)
            words[str(copied)] = [word for word in (row["words_that_must_be_searchable"] or "").split("|") if word]
    return {copy: words}


def naughty(strings: list[str], scratch: Path) -> Path:
    folder = scratch / "strings"
    folder.mkdir()
    for at, string in enumerate(strings):
        (folder / f"{at}.md").write_text(f"stringkey{at}x {string}\n", encoding="utf-8", errors="surrogatepass")
    return folder


def brain_process(home: Path, *arguments: str) -> tuple[int, str, float, dict[str, float]]:
    """Run the program; its exit code, what it said, how long it took, and the peak memory of it and of its children in MB."""
    began, peaks = time.monotonic(), {"parent": 0.0, "largest child": 0.0}
    process = subprocess.Popen(
        [sys.executable, "-m", "brain", *arguments],
        env={**os.environ, "BRAIN_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said: list[str] = []
    listener = threading.Thread(target=lambda: said.append(process.stdout.read() if process.stdout else ""))
    listener.start()
    while process.poll() is None:
        peaks["parent"] = max(peaks["parent"], peak_of(process.pid))
        peaks["largest child"] = max([peaks["largest child"], *map(peak_of, children_of(process.pid))])
        if time.monotonic() - began > HANG_SECONDS:
            process.kill()
            wrong(f"brain {' '.join(arguments)} was still running after {HANG_SECONDS} s")
        time.sleep(0.05)
    listener.join()
    return process.returncode, "".join(said), time.monotonic() - began, peaks


def peak_of(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def children_of(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from children_of(int(child))


def check_named(brain: LocalBrain, folders: list[Path]) -> None:
    """Every file of a kind that is read is indexed, or failed with a reason."""
    failures = {failure.path: failure for failure in brain.status().failures}
    known = brain._catalog.stamps()
    reasons: Counter[str] = Counter()
    for folder in folders:
        files = [Path(name) for name in listing(folder.resolve(), readers.suffixes()).files]
        failed = [failures[path] for path in files if path in failures]
        print(f"  {folder.name}: {len(files)} files, {len(failed)} failed")
        reasons.update(failure.reason.replace(failure.path.name, "…") for failure in failed)
        for path in files:
            if path not in known:
                wrong(f"{path!r} is neither indexed nor failed")
        for failure in failed:
            if not failure.reason.strip() or "Traceback" in failure.reason or "Error:" in failure.reason:
                wrong(f"{failure.path!r} failed for no reason a person understands: {failure.reason!r}")
    for reason, count in reasons.most_common(25):
        print(f"    {count:>4} × {reason}")


def check_found(brain: LocalBrain, folder: Path, expected: dict[str, list[str]]) -> None:
    """Each string is found in its file: by a search for its words side by side.

    Where many files say the same, and only the best of near copies is shown, the search is told which file is meant.
    """
    missing = elsewhere = 0
    for name, strings in expected.items():
        path = folder.resolve() / name
        for string in strings:
            asked = '"' + string.replace('"', " ") + '"'
            if path in paths_of(brain.search(asked, limit=20)):
                continue
            if path in paths_of(brain.search(asked, scope=Scope(within=(str(path),)))):
                elsewhere += 1
                continue
            missing += 1
            wrong(f"{name}: {string!r} is not found; {told_of(brain, path, string)}")
    asked_for = sum(map(len, expected.values()))
    print(
        f"  {folder.name}: {asked_for - missing} of {asked_for} strings found, {elsewhere} of them behind near copies"
    )


def paths_of(found: Retrieved) -> set[Path]:
    return {evidence.chunk.path for evidence in found.evidence}


def told_of(brain: LocalBrain, path: Path, string: str) -> str:
    """Where a string that is not found got lost."""
    for failure in brain.status().failures:
        if failure.path == path:
            return failure.reason
    try:
        text = brain.document(path).text
    except BrainError as error:
        return error.reason
    return "it is in the stored text" if string in text else f"the stored text begins {text[:60]!r}"


def check_strings(brain: LocalBrain, folder: Path, strings: list[str]) -> None:
    """Any string is a question, and each note is found by its key."""
    refused = 0
    for at, string in enumerate(strings):
        try:
            brain.search(string)
        except QueryError:
            refused += 1
        path = folder.resolve() / f"{at}.md"
        if path not in paths_of(brain.search(f"stringkey{at}x")):
            wrong(f"note {at}, {string!r}, is not found by its key")
    print(f"  {len(strings)} strings asked, {refused} refused with a reason, none broke a search")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scratch", type=Path)
    options.add_argument("--pdfs", type=Path, action="append", default=[])
    options.add_argument("--make", type=Path, action="append", default=[])
    options.add_argument("--encodings", type=Path)
    options.add_argument("--words", type=Path)
    options.add_argument("--strings", type=Path)
    chosen = options.parse_args()
    scratch, home = chosen.scratch.absolute(), chosen.scratch.absolute() / "home"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    expected = made(chosen.make, scratch)
    if chosen.encodings:
        expected.update(encoded(chosen.encodings, chosen.words, scratch))
    strings = json.loads(chosen.strings.read_text(encoding="utf-8")) if chosen.strings else []
    folders = [*chosen.pdfs, *expected, naughty(strings, scratch)]
    print(f"load average {os.getloadavg()[0]:.1f}")
    code, said, seconds, peaks = brain_process(home, "add", "--words-only", *map(str, folders))
    rounded = {who: round(size) for who, size in peaks.items()}
    print(f"first pass: exit code {code}, {seconds:.0f} s, peak MB {rounded}\n    {' / '.join(said.splitlines()[-2:])}")
    if code not in (0, 3) or "Traceback" in said:
        wrong(f"the pass ended with {code}: {said[-2000:]}")
    code, said, seconds, _ = brain_process(home, "sync", "--words-only")
    print(f"second pass: exit code {code}, {seconds:.1f} s\n    {' / '.join(said.splitlines()[-2:])}")
    with open_brain(load(home), own=True) as brain:
        if steps := brain._indexer._passes._new_pass().steps((home,))[0]:
            wrong(f"a third pass would do {len(steps)} things again, {steps[0]} for one")
        check_named(brain, folders)
        for folder, contents in expected.items():
            check_found(brain, folder, contents)
        check_strings(brain, folders[-1], strings)
    code, said, _, _ = brain_process(home, "doctor")
    print(f"doctor: exit code {code}\n    {' / '.join(said.splitlines()[:4])}")
    print(f"{len(WRONG)} things wrong")
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
