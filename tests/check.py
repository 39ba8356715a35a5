"""Format, lint, types and tests in one go: `python tests/check.py`. Returns non-zero if any of them failed.

`--fix` formats and mends instead of only looking; every other argument goes to pytest. Pytest comes last, so that its
closing line is the last line of the output.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def steps(*, fix: bool, arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The steps in order: what each is called, and what it runs as `python -m …`."""
    return [
        ("format", ["ruff", "format"] if fix else ["ruff", "format", "--check"]),
        ("lint", ["ruff", "check", "--fix"] if fix else ["ruff", "check"]),
        ("types", ["mypy", "brain", "tui"]),
        ("tests", ["pytest", *arguments]),
    ]


def main(arguments: Sequence[str]) -> int:
    """Run every step, whatever the others say. Returns 0 if all passed."""
    fix = "--fix" in arguments
    rest = [argument for argument in arguments if argument != "--fix"]
    failed = []
    for name, command in steps(fix=fix, arguments=rest):
        print(f"== {name}: {' '.join(command)}", flush=True)
        if name == "tests" and failed:
            print(f"failed before the tests: {', '.join(failed)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode != 0:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
