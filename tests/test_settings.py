"""config.toml."""

from pathlib import Path

import pytest

from brain.errors import SettingsError
from brain.settings import Settings, default_home, load, save


def config(home, text: str) -> None:
    (home / "config.toml").write_text(text)


def test_without_a_file_the_defaults_count(tmp_path):
    assert load(tmp_path) == Settings(tmp_path)


def test_values_are_read_and_the_rest_keeps_its_default(tmp_path):
    config(tmp_path, 'offline = true\n[chat]\nmodel = "big"\n')
    settings = load(tmp_path)
    assert (settings.offline, settings.chat.model, settings.chat.limit) == (True, "big", Settings(tmp_path).chat.limit)


def test_a_list_of_texts_is_read_as_a_tuple(tmp_path):
    config(tmp_path, '[notes]\nignore = ["drafts/", "*.log"]\nfollow_links = true\n')
    notes = load(tmp_path).notes
    assert (notes.ignore, notes.follow_links) == (("drafts/", "*.log"), True)


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("[chat]\nmodell = 'x'", "'chat.modell'", "Did you mean chat.model?"),
        ("[chatt]\nmodel = 'x'", "'chatt'", "Did you mean chat?"),
        (
            "zebra = 1",
            "'zebra'",
            "Known here: budget, chat, conversations, embed, endpoints, models_folder, notes, offline, privacy, rerank, search, "
            "store.",
        ),
        ("[budget]\nday = -1", "budget.day = -1 is no amount", "0 or more; the default is 1.0."),
        ("[budget]\nday = -0.01", "budget.day = -0.01", "0 or more"),
        ("[budget]\nmonth = nan", "budget.month = nan", "0 or more; the default is 0.0."),
        ("[budget]\nday = inf", "budget.day = inf", "0 or more"),
        ("[budget]\nday = true", "budget.day = True should be of type float", "default is 1.0"),
        ("[budget]\nday = '2'", "budget.day = '2' should be of type float", "default is 1.0"),
        ("home = '/x'", "'home'", "Known here"),
        ("[chat]\nlimit = 'many'", "chat.limit = 'many' should be of type int", "default is 400"),
        ("[chat]\nlimit = true", "chat.limit = True should be of type int", "default"),
        ("[chat]\nlimit = -1", "negative", "default"),
        ("[chat]\ngpu_layers = -2", "negative", "default"),
        ("[embed]\nthreads = -1", "negative", "default"),
        ("[notes]\nignore = 'x'", "notes.ignore = 'x' should be a list of texts", "default is []"),
        ("[notes]\nignore = [1]", "notes.ignore = [1] should be a list of texts", "default is []"),
        ("chat = 3", "chat = 3 should be of type", "default"),
        ("[chat", "not valid TOML", "Mend"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_what_is_right(tmp_path, text, reason, hint):
    config(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path)
    assert reason in caught.value.reason
    assert hint in caught.value.hint


def test_offline_by_environment_and_by_flag(tmp_path, monkeypatch):
    assert load(tmp_path, offline=True).offline
    monkeypatch.setenv("BRAIN_OFFLINE", "1")
    config(tmp_path, "offline = false")
    assert load(tmp_path).offline
    monkeypatch.setenv("BRAIN_OFFLINE", "0")
    assert not load(tmp_path).offline


def test_home_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAIN_HOME", str(tmp_path / "x"))
    assert default_home() == tmp_path / "x"


def test_saving_a_key_keeps_comments_and_other_keys(tmp_path):
    config(tmp_path, "# mine\noffline = true # always\n[chat]\nlimit = 99\n")
    save(tmp_path, "chat", "model", "big")
    save(tmp_path, "embed", "model", "small")
    save(tmp_path, "", "models_folder", "/models")
    text = (tmp_path / "config.toml").read_text()
    assert "# mine" in text
    assert "# always" in text
    settings = load(tmp_path)
    assert (settings.chat.model, settings.chat.limit, settings.embed.model) == ("big", 99, "small")
    assert settings.shelf == Path("/models")
    assert (tmp_path / "config.toml").stat().st_mode & 0o077 == 0


def test_saving_into_a_new_home_makes_it(tmp_path):
    save(tmp_path / "new", "chat", "model", "big")
    assert load(tmp_path / "new").chat.model == "big"
