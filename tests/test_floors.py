"""The building: who may import whom, what a bare start may load, how long a file may grow. Read from the source."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the ground up. A module imports only from floors below its own, or from its own drawer. A new module: put its
# name on the floor it belongs to. `name.*` is a drawer: a package and all modules in it.
FLOORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ground", ("brain",)),
    ("words", ("brain.types", "brain.errors")),
    ("sample", ("brain.sample",)),
    ("events", ("brain.events",)),
    ("conversations", ("brain.conversations",)),
    ("scoping", ("brain.scoping",)),
    ("privacy", ("brain.privacy",)),
    ("offline", ("brain.offline",)),
    ("agreements", ("brain.seams", "brain.settings", "brain.log")),
    ("text", ("brain.cleaning", "brain.wording", "brain.almanac")),
    ("dates", ("brain.dating", "brain.costs")),
    ("days in a question", ("brain.days",)),
    ("windows", ("brain.periods",)),
    ("comparing", ("brain.comparing", "brain.languages")),
    ("compared", ("brain.aligning", "brain.material")),
    ("places", ("brain.places", "brain.beside")),
    ("signs of secrets", ("brain.keys", "brain.numbers")),
    (
        "craft",
        (
            "brain.hiding",
            "brain.chunking",
            "brain.hints",
            "brain.ignoring",
            "brain.planning",
            "brain.progress",
            "brain.querying",
            "brain.ranking",
            "brain.snippets",
            "brain.citing",
            "brain.exporting",
            "brain.verifying",
        ),
    ),
    ("craft upon snippets", ("brain.explaining",)),
    ("craft upon citing", ("brain.gating", "brain.quoting", "brain.phrasing", "brain.partition", "brain.briefing")),
    ("craft upon quoting", ("brain.prompting", "brain.gathering")),
    ("craft upon explaining", ("brain.wire",)),
    ("craft upon wire", ("brain.wire_talks",)),
    ("withholding", ("brain.withholding",)),
    ("the way out", ("brain.outgoing",)),
    ("line", ("brain.line",)),
    (
        "drawers",
        (
            "brain.readers.*",
            "brain.models.*",
            "brain.store.*",
            "brain.listing",
            "brain.watching",
            "brain.power",
            "brain.remote",
        ),
    ),
    (
        "verbs",
        (
            "brain.sync",
            "brain.embed",
            "brain.search",
            "brain.ask",
            "brain.doctor",
            "brain.watch",
            "brain.judge",
            "brain.serve",
            "brain.attached",
            "brain.documents",
            "brain.estimating",
            "brain.witness",
        ),
    ),
    ("verbs upon asking", ("brain.whole", "brain.talks")),
    ("embedders", ("brain.embedders", "brain.choosing")),
    ("parts", ("brain.parts",)),
    ("sending", ("brain.sending", "brain.choices")),
    ("passes", ("brain.passes", "brain.following", "brain.reading")),
    ("indexer", ("brain.indexer",)),
    ("local", ("brain.local",)),
    ("house", ("brain.engine",)),
    ("measuring", ("brain.evaluating.*",)),
    ("doors", ("brain.cli.*",)),
    ("headless door", ("brain.__main__",)),
    ("tui ground", ("tui",)),
    ("tui words", ("tui.messages", "tui.texts", "tui.keys", "tui.outside", "tui.terminal", "tui.parcels")),
    ("tui turns", ("tui.turns", "tui.progress")),
    ("tui bridge", ("tui.bridge",)),
    ("tui widgets", ("tui.widgets.*",)),
    ("tui panels", ("tui.panels.*",)),
    ("tui app", ("tui.palette",)),
    ("tui reading", ("tui.reading_screen",)),
    ("tui talking", ("tui.talking_screen",)),
    ("tui sending", ("tui.sending_screen",)),
    ("tui asking", ("tui.ask_screen",)),
    ("tui roof", ("tui.app",)),
    ("tui door", ("tui.__main__",)),
)

# Verbs are handed what they use; the catalog alone has no seam, because there is only one.
VERBS_MAY_NAME = ("brain.store.catalog",)

# Who may name whom from above, under TYPE_CHECKING only: Textual gives a palette and a screen their app; the type is all it adds.
MAY_NAME_UPWARD = (
    ("tui.palette", "tui.app"),
    ("tui.ask_screen", "tui.app"),
    ("tui.reading_screen", "tui.app"),
    ("tui.talking_screen", "tui.app"),
    ("tui.sending_screen", "tui.app"),
    ("tui.panels.talks", "tui.app"),
    ("tui.panels.library", "tui.app"),
    ("tui.panels.gate", "tui.sending_screen"),
    ("tui.panels.models", "tui.sending_screen"),
)

# A front end sees the engine, never what the engine is made of.
CLOSED_TO_TUI = ("drawers", "verbs", "parts", "indexer")

# Only these, and what is in them, may print.
DOORS = ("brain.cli", "brain.__main__", "tui.__main__")

# Lines of a module; a longer one says in its docstring why so many lines belong together.
LONGEST = 400

# Costs 0.1 to 1.2 s each: loaded at first use, by the one drawer file that needs it.
HEAVY = (
    "chromadb",
    "gguf",
    "httpcore",
    "httpx",
    "huggingface_hub",
    "keyring",
    "llama_cpp",
    "markdown_it",
    "onnxruntime",
    "pypdf",
    "pypdfium2",
    "tantivy",
)


@dataclass(frozen=True, slots=True)
class Import:
    """One import of an own module: who, whom, and the line it stands on."""

    importer: str
    imported: str
    line: int
    path: Path

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.importer} imports {self.imported}"


@cache
def modules() -> dict[str, Path]:
    """Every module of brain and tui by its dotted name."""
    found = {}
    for package in ("brain", "tui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parsed(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def names_in(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The dotted names an import statement reaches for: `from a import b` is a.b where that is a module, else a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parents, base] if base else parents)
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield whole if whole in modules() else base


def imports_of(module: str) -> list[Import]:
    """Every import of an own module, wherever it stands: at the top, in a function, under TYPE_CHECKING."""
    for_types = {
        statement
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
    }
    found = []
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in names_in(module, node):
                if node in for_types and (module, name) in MAY_NAME_UPWARD:
                    continue
                if name.split(".")[0] in ("brain", "tui") and name != module:
                    found.append(Import(module, name, node.lineno, modules()[module]))
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module stands: the height and name of its floor, and its drawer where it is listed as part of one."""

    height: int
    floor: str
    drawer: str | None


@cache
def place_of(module: str) -> Place | None:
    """A module's place, or None for a module on no list: test_every_module_stands_on_a_floor names those."""
    for height, (floor, members) in enumerate(FLOORS):
        for member in members:
            drawer = member.removesuffix(".*")
            if member == module:
                return Place(height, floor, None)
            if drawer != member and (module == drawer or module.startswith(f"{drawer}.")):
                return Place(height, floor, drawer)
    return None


def placed_imports() -> list[tuple[Import, Place, Place]]:
    """Every import of an own module by an own module, with the places of both."""
    found = []
    for module in modules():
        for edge in imports_of(module):
            importer, imported = place_of(edge.importer), place_of(edge.imported)
            if importer and imported:
                found.append((edge, importer, imported))
    return found


def listed(faults: list[str]) -> str:
    return "\n" + "\n".join(faults)


def test_every_module_stands_on_a_floor() -> None:
    faults = [str(path.relative_to(ROOT)) for module, path in modules().items() if place_of(module) is None]
    assert not faults, listed(
        [*faults, "New? Put its name on the floor it belongs to: FLOORS in tests/test_floors.py."]
    )


def test_imports_go_down() -> None:
    faults = []
    for edge, importer, imported in placed_imports():
        same_drawer = importer.drawer is not None and importer.drawer == imported.drawer
        if imported.height == importer.height and not same_drawer:
            faults.append(f"{edge}, its neighbour on the floor {importer.floor!r}")
        elif imported.height > importer.height:
            faults.append(f"{edge}, which is above it: {imported.floor!r} over {importer.floor!r}")
    assert not faults, listed([*faults, "The floors are FLOORS in tests/test_floors.py."])


def test_verbs_are_handed_their_drawers() -> None:
    faults = [
        str(edge)
        for edge, importer, imported in placed_imports()
        if importer.floor == "verbs" and imported.drawer is not None and edge.imported not in VERBS_MAY_NAME
    ]
    assert not faults, listed([*faults, "Verbs are typed by brain.seams and handed what they use by the house."])


def test_brain_knows_no_screen() -> None:
    faults = []
    for module, path in modules().items():
        for node in ast.walk(parsed(module)):
            if module.split(".")[0] == "brain" and isinstance(node, ast.Import | ast.ImportFrom):
                for name in names_in(module, node):
                    if name.split(".")[0] in ("tui", "textual"):
                        faults.append(f"{path.relative_to(ROOT)}:{node.lineno}: {module} imports {name}")
    assert not faults, listed(faults)


def test_tui_sees_only_the_engine() -> None:
    faults = [
        str(edge)
        for edge, _, imported in placed_imports()
        if edge.importer.split(".")[0] == "tui" and imported.floor in CLOSED_TO_TUI
    ]
    assert not faults, listed(faults)


def test_imports_never_run_in_a_circle() -> None:
    """Also inside a drawer, and also through an import inside a function: that only hides a circle."""
    edges: dict[str, set[str]] = {}
    for edge, _, _ in placed_imports():
        edges.setdefault(edge.importer, set()).add(edge.imported)
    done: set[str] = set()

    def circle(module: str, trail: tuple[str, ...]) -> tuple[str, ...]:
        if module in trail:
            return (*trail[trail.index(module) :], module)
        if module in done:
            return ()
        for imported in sorted(edges.get(module, ())):
            if found := circle(imported, (*trail, module)):
                return found
        done.add(module)
        return ()

    for module in modules():
        found = circle(module, ())
        assert not found, " imports ".join(found)


def test_heavy_libraries_are_imported_at_first_use() -> None:
    faults = []
    for module, path in modules().items():
        for node in parsed(module).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name in names_in(module, node):
                    if name.split(".")[0] in HEAVY:
                        faults.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert not faults, listed(faults)


def is_door(module: str) -> bool:
    return any(module == door or module.startswith(f"{door}.") for door in DOORS)


def test_only_doors_print() -> None:
    faults = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for module, path in modules().items()
        if not is_door(module)
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not faults, listed(faults)


@pytest.mark.parametrize("module", modules())
def test_a_module_says_what_it_is_for(module: str) -> None:
    if modules()[module].stat().st_size == 0:
        pytest.skip("an empty package file")
    assert ast.get_docstring(parsed(module)), "a module begins with a docstring"


@pytest.mark.parametrize("module", modules())
def test_a_long_module_says_why(module: str) -> None:
    length = len(modules()[module].read_text(encoding="utf-8").splitlines())
    why = ast.get_docstring(parsed(module)) or ""
    assert length <= LONGEST or "lines" in why, (
        f"{length} lines: split it where it has two reasons to change, "
        "or say in its docstring why the lines belong together"
    )


def loaded_after(code: str, tmp_path: Path) -> set[str]:
    """The names in sys.modules once `code` has run in a Python of its own."""
    report = "import json, sys; json.dump(sorted(sys.modules), sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=ROOT,
        env={**os.environ, "BRAIN_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


HELP = """
import runpy, sys
sys.argv = ["brain", "--help"]
try:
    runpy.run_module("brain", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        pytest.param("import brain, brain.types, brain.errors", ("textual", "numpy", "platformdirs"), id="brain"),
        pytest.param("import brain.sample", ("textual", "numpy"), id="brain.sample"),
        pytest.param("import brain.cli", ("textual", "rich"), id="brain.cli"),
        pytest.param(HELP, ("textual", "rich"), id="python -m brain --help"),
        pytest.param("import tui.app", ("brain.types", "brain.events"), id="tui.app"),
    ],
)
def test_a_bare_start_loads_nothing_heavy(code: str, forbidden: tuple[str, ...], tmp_path: Path) -> None:
    found = loaded_after(code, tmp_path) & {*HEAVY, *forbidden}
    assert not found, f"loaded too early: {', '.join(sorted(found))}"


def test_help_leaves_no_trace(tmp_path: Path) -> None:
    loaded_after(HELP, tmp_path)
    assert list(tmp_path.iterdir()) == []
