"""What is shipped: a wheel with everything in it and nothing else, and every library it needs named."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def shipped() -> set[str]:
    """Every file of brain and tui that belongs in a wheel."""
    return {
        path.relative_to(ROOT).as_posix()
        for package in ("brain", "tui")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built as pip would build it, without fetching anything."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as opened:
        yield opened


def test_wheel_holds_all_of_brain_and_tui(wheel: zipfile.ZipFile) -> None:
    code = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert code == shipped()


def test_wheel_holds_the_sample_vault_and_the_styles(wheel: zipfile.ZipFile) -> None:
    assert "brain/sample/vault/papers/Talwind 8 handbook.pdf" in wheel.namelist()
    assert "brain/sample/vault/travel/金沢メモ.md" in wheel.namelist()
    styles = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tui").rglob("*.tcss")}
    assert styles <= set(wheel.namelist())


def test_wheel_carries_its_licence_and_its_command(wheel: zipfile.ZipFile) -> None:
    ending = {name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "MIT License" in wheel.read(ending["licenses/LICENSE"]).decode()
    assert "brain = tui.__main__:main" in wheel.read(ending["entry_points.txt"]).decode()


def test_unpacked_wheel_finds_its_sample(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    look = "from brain.sample import QUESTIONS, VAULT; print(VAULT, all((VAULT / q.path).is_file() for q in QUESTIONS))"
    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"{tmp_path / 'brain' / 'sample' / 'vault'} True"


def test_every_imported_library_is_named_as_a_dependency() -> None:
    """A library that is only there because another one brings it may go away with the next version of that one."""
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["keyring"]]
    declared = {re.split(r"[^\w-]", line)[0].lower().replace("_", "-") for line in lines}
    owners = importlib.metadata.packages_distributions()
    undeclared = set()
    for name in shipped():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            for library in imported(node) - {"brain", "tui"} - sys.stdlib_module_names:
                sold_as = {owner.lower().replace("_", "-") for owner in owners.get(library, [library])}
                if not sold_as & declared:
                    undeclared.add(f"{name} imports {library}")
    assert not undeclared


def imported(node: ast.AST) -> set[str]:
    """The top-level names an import statement needs; none for anything else."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.split(".")[0]}
    return set()


@pytest.mark.parametrize("name", ["demo", "test"])
def test_readme_gives_each_command_on_one_line(name: str) -> None:
    """`.ci/run` runs the line under the mark, letter for letter."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- command: {name} -->\n```[a-z]*\n([^\n]+)\n```\n", readme)
    assert len(found) == 1
    assert found[0].startswith("python3 -m venv ")


def test_ci_run_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
