"""Asks the model hub in a process of its own, because the library cannot be stopped in the middle of a download.

`python -m brain.models.hub fetch REPOSITORY REVISION PATH FOLDER` brings one file into FOLDER/PATH, going on where an
earlier attempt was cut. `… look ADDRESS FOLDER` finds out which files an address means, how large they are, their SHA-256,
and what the first one's header says. The only user of huggingface_hub. Says "answered" on stdout once the hub knows the
file; ends with 1 and one line on stderr where it does not work.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brain.errors import ModelError
from brain.models.arriving import CHUNK, LOOKS, alone_with, end_with_parent, keep_head, keep_look, say_answered
from brain.models.origins import OnHub, choose, parse_address, parts_of_path

ANSWER_SECONDS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")


def main(what: str, *arguments: str) -> int:
    """Do what was asked; returns the exit status."""
    os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    # Theirs is 10 MB: on a slow line a minute without a byte on the disk, and all of it lost when the line breaks.
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    try:
        if what == "fetch":
            _fetch(*arguments)
        else:
            _look(*arguments)
    except ModelError as error:
        sys.stderr.write(f"{error.reason}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - the library and its HTTP client raise dozens of kinds
        line = next((text for text in str(error).splitlines() if text.strip()), type(error).__name__)
        sys.stderr.write(line[:300] + "\n")
        return 1
    return 0


def _fetch(repository: str, revision: str, path: str, folder: str) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    target = Path(folder) / path
    if target.is_file():
        return
    found = _asked(repository, revision, path)
    say_answered()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Named for what is in it: the beginning of one version is never joined to the end of another.
    version = re.sub(r"[^A-Za-z0-9]", "", found.etag or "")[:16]
    part = target.with_name(f"{target.name}.{version}.part")
    with part.open("ab") as file:
        alone_with(file)
        if file.tell() > (found.size or 0):
            file.truncate(0)
            file.seek(0)
        headers = build_hf_headers(token=False)
        # hf_hub_download begins anew in each process since 1.x and leaves what was killed; its own http_get resumes.
        http_get(found.location, file, resume_size=file.tell(), headers=headers, expected_size=found.size)
    part.replace(target)


def _look(text: str, folder: str) -> None:
    from huggingface_hub import HfApi

    address = parse_address(text)
    assert isinstance(address, OnHub)
    if address.path:
        paths = choose(parts_of_path(address.path), address)
    else:
        listed = HfApi(token=False).list_repo_tree(address.repository, recursive=True)
        paths = choose([entry.path for entry in listed], address)
        say_answered()
    found = []
    for path in paths:
        found.append(_asked(address.repository, "main", path))
        say_answered()
    files: list[dict[str, str | int]] = [
        {
            "where": path,
            "bytes": one.size or 0,
            "sha256": one.etag if one.etag and _SHA256.fullmatch(one.etag) else "",
            "validator": one.etag or "",
        }
        for path, one in zip(paths, found, strict=True)
    ]
    keep_head(_beginning(found[0].location), sum(one.size or 0 for one in found), Path(folder))
    keep_look(Path(folder), found[0].commit_hash or "main", files)


def _asked(repository: str, revision: str, path: str) -> Any:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    # token=False: these files are public, so nobody's account is shown for them.
    url = hf_hub_url(repository, path, revision=revision)
    return get_hf_file_metadata(url, token=False, timeout=ANSWER_SECONDS)


def _beginning(url: str) -> Iterator[bytes]:
    from huggingface_hub.utils import get_session

    asked = {"Range": f"bytes=0-{LOOKS[-1]}", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=asked, timeout=60, follow_redirects=True) as response:
        response.raise_for_status()
        yield from response.iter_bytes(CHUNK)


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(*sys.argv[1:]))
