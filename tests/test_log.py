"""The log holds fixed words and fields, never what a note says."""

import json
import logging

from brain.log import log, open_log


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_json_with_its_fields(tmp_path):
    path = open_log(tmp_path)
    log.info("indexed", extra={"chunks": 12})
    (line,) = lines(path)
    assert (line["event"], line["chunks"], line["level"]) == ("indexed", 12, "info")
    assert path.stat().st_mode & 0o077 == 0


def test_a_traceback_says_where_and_what_kind_but_not_the_message(tmp_path):
    path = open_log(tmp_path)
    try:
        raise ValueError("the secret of the note")
    except ValueError:
        log.exception("bug")
    text = path.read_text()
    assert "ValueError" in text
    assert "test_log.py" in text
    assert "the secret" not in text.replace('raise ValueError(\\"the secret of the note\\")', "")


def test_verbose_adds_debug_lines(tmp_path):
    path = open_log(tmp_path)
    log.debug("small")
    assert not path.read_text()
    open_log(tmp_path, verbose=True)
    log.debug("small")
    assert lines(path)[0]["event"] == "small"


def test_a_home_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "home").write_text("a file")
    open_log(tmp_path / "home")
    log.info("goes nowhere")
    assert not any(isinstance(handler, logging.FileHandler) for handler in log.handlers)
