"""What can answer, and what a name means."""

from __future__ import annotations

import json

import pytest

from brain.cli import DONE, USAGE, main
from brain.engine import open_brain
from brain.errors import ModelError
from brain.parts import Parts
from brain.settings import load
from brain.store.catalog import Catalog
from brain.store.claim import look_at_store
from tests.models import tiny


@pytest.fixture
def parts(home):
    with open_brain(load(), own=True):
        pass
    (home / "models").mkdir(exist_ok=True)
    (home / "config.toml").write_text('[endpoints.attic]\nurl = "http://127.0.0.1:9/v1"\nmodel = "large"\n')
    catalog = Catalog(home / "catalog.db", read_only=True)
    made = Parts(load(), catalog, look_at_store(home))
    yield made
    made.close()
    catalog.close()


def test_a_name_means_a_file_an_endpoint_or_the_quotes(parts, home):
    path = home / "models" / "small.gguf"
    tiny.write_chat(path)
    assert parts.chosen("small").path == path
    assert parts.chosen(str(path)).path == path
    assert parts.chosen("quotes").path is None and parts.chosen("quotes").endpoint is None
    near, away = parts.chosen("attic/other"), parts.chosen("deepseek")
    assert near.endpoint.model == "other" and near.stays_home
    assert not away.stays_home and away.endpoint.host == "api.deepseek.com"
    with pytest.raises(ModelError):
        parts.chosen("nonsense")


def test_a_file_on_the_shelf_is_meant_before_an_endpoint_of_its_name(parts, home):
    path = home / "models" / "deepseek.gguf"
    tiny.write_chat(path)
    assert parts.chosen("deepseek").path == path and parts.chosen("deepseek").stays_home
    assert not parts.chosen("deepseek/deepseek-v4-pro").stays_home


def test_everything_that_can_answer_is_listed(home, monkeypatch):
    (home / "models").mkdir(parents=True, exist_ok=True)
    tiny.write_chat(home / "models" / "small.gguf")
    (home / "config.toml").write_text(
        '[chat]\nmodel = "small"\n[endpoints.attic]\nurl = "http://127.0.0.1:9/v1"\nmodel = "large"\nwindow = 4096\n'
    )
    with open_brain(load(), own=True) as brain:
        without = {one.name: one for one in brain.models()}
        monkeypatch.setenv("DEEPSEEK_API_KEY", "not a real one")
        found = {one.name: one for one in brain.models()}
    assert set(without) == {"small", "attic", "quotes"} and set(found) == {*without, "deepseek"}
    small, attic, deepseek = found["small"], found["attic"], found["deepseek"]
    assert small.used and small.fits and small.memory > small.bytes > 0 and small.window > 0
    assert (attic.kind, attic.stays_home, attic.window) == ("endpoint", True, 4096)
    assert (deepseek.host, deepseek.has_key, deepseek.stays_home) == ("api.deepseek.com", True, False)
    assert "$0.15 in" in deepseek.note


def test_an_endpoint_can_be_the_model_of_the_settings(home, capsys):
    assert main(["models", "use", "deepseek", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["stays_home"] is False
    assert load().chat.model == "deepseek"
    assert main(["models", "use", "quotes"]) == DONE
    assert load().chat.model == "quotes"
    (home / "config.toml").write_text('[endpoints.odd]\nmodel = "x"\n')
    assert main(["models", "use", "odd"]) == USAGE
