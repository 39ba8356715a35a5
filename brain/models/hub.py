"""Fetches one file from the model hub: `python -m brain.models.hub REPOSITORY PATH FOLDER`. The only user of huggingface_hub.

Its own process, because the library cannot be stopped in the middle of a download. Says "answered" on stdout once the
hub knows the file; ends with 1 and one line on stderr where it does not work.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from brain.offline import go_offline, is_offline

ANSWER_SECONDS = 5
CHUNK = 1 << 18


def main(repository: str, path: str, folder: str) -> int:
    """Fetch into `folder`/`path`, going on where an earlier attempt was cut; returns the exit status."""
    os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    disable_progress_bars()
    # Theirs is 10 MB: on a slow line a minute without a byte on the disk, and all of it lost when the line breaks.
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    target = Path(folder) / path
    if target.is_file():
        return 0
    try:
        # token=False: these files are public, so nobody's account is shown for them.
        found = get_hf_file_metadata(hf_hub_url(repository, path), token=False, timeout=ANSWER_SECONDS)
        sys.stdout.write("answered\n")
        sys.stdout.flush()
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        # hf_hub_download begins anew in each process since 1.x and leaves what was killed; its own http_get resumes.
        if part.is_file() and part.stat().st_size > (found.size or 0):
            part.unlink()
        with part.open("ab") as file:
            headers = build_hf_headers(token=False)
            http_get(found.location, file, resume_size=file.tell(), headers=headers, expected_size=found.size)
        part.replace(target)
    except Exception as error:  # noqa: BLE001 - the library and its HTTP client raise dozens of kinds
        line = next((text for text in str(error).splitlines() if text.strip()), type(error).__name__)
        sys.stderr.write(line[:300] + "\n")
        return 1
    return 0


def _end_with_parent() -> None:
    """Two downloads into one file would spoil it: ours must not live on when the parent was killed."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    if is_offline():
        go_offline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(*sys.argv[1:]))
