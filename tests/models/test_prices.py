"""The price file that comes with Brain, and the person's own over it."""

from __future__ import annotations

from datetime import date

import pytest

from brain.errors import SettingsError
from brain.models.prices import PACKAGED, price_of

HOST = "api.deepseek.com"


def own(home, text):
    (home / "prices.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("model", "numbers"), [("deepseek-flash", (0.003, 0.15, 0.60)), ("deepseek-v4-pro", (0.022, 0.66, 1.98))]
)
def test_deepseek_is_priced_as_it_comes(tmp_path, model, numbers):
    price = price_of(HOST, model, home=tmp_path)
    assert price is not None
    assert (price.hit, price.miss, price.output) == numbers
    assert (price.peak, price.hours, price.days) == (2.0, ((1, 4), (6, 10)), (0, 1, 2, 3, 4))
    assert price.dated is not None and price.dated >= date(2026, 11, 1)


def test_every_packaged_price_has_a_day_and_a_source():
    written = PACKAGED.read_text(encoding="utf-8")
    assert written.count("\ndated = ") == written.count('\n["')
    assert "Source: https://api-docs.deepseek.com/" in written


@pytest.mark.parametrize(
    ("host", "model"),
    [(HOST, "deepseek-v9"), ("openrouter.ai", "deepseek-flash"), ("evil-api.deepseek.com", "deepseek-flash")],
)
def test_what_is_not_listed_has_no_price(tmp_path, host, model):
    assert price_of(host, model, home=tmp_path) is None


def test_a_port_and_capitals_make_no_difference(tmp_path):
    assert price_of("API.DeepSeek.com:443", "DeepSeek-Flash", home=tmp_path) is not None


def test_own_entries_take_the_place_of_whole_entries(tmp_path):
    own(tmp_path, f'["{HOST}"."deepseek-flash"]\nhit = 1\nmiss = 2\noutput = 3\n')
    price = price_of(HOST, "deepseek-flash", home=tmp_path)
    assert price is not None
    assert (price.hit, price.miss, price.output, price.hours, price.dated) == (1, 2, 3, (), None)
    assert price_of(HOST, "deepseek-v4-pro", home=tmp_path) is not None, "the rest stands"


@pytest.mark.parametrize("host", ["192.168.1.20", "192.168.1.20:8080", "fd00::7", "[fd00::7]:8080"])
def test_a_star_stands_for_every_other_model_of_a_host(tmp_path, host):
    free = "hit = 0\nmiss = 0\noutput = 0\n"
    own(
        tmp_path,
        f'["192.168.1.20"."*"]\n{free}["192.168.1.20"."big"]\nhit=1\nmiss=1\noutput=1\n["fd00::7"."*"]\n{free}',
    )
    price = price_of(host, "qwen", home=tmp_path)
    assert price is not None and price.output == 0
    if host.startswith("192"):
        assert (found := price_of(host, "big", home=tmp_path)) is not None and found.output == 1


def test_an_entry_may_name_its_port(tmp_path):
    own(tmp_path, '["10.0.0.2:9"."*"]\nhit = 0\nmiss = 0\noutput = 0\n')
    assert price_of("10.0.0.2:9", "m", home=tmp_path) is not None
    assert price_of("10.0.0.2:8", "m", home=tmp_path) is None


GOOD = '["h"."m"]\nhit = 0\nmiss = 0\noutput = 0\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["h"."m"]\nhit = 0\nmiss = 0', "lacks output"),
        (GOOD + "ouput = 2", "'ouput'"),
        (GOOD + 'peak = "2"', "peak = '2'"),
        (GOOD + "peak = nan", "peak = nan"),
        (GOOD.replace("output = 0", "output = -1"), "output = -1"),
        (GOOD.replace("output = 0", "output = inf"), "output = inf"),
        (GOOD.replace("output = 0", "output = " + "9" * 400), "is not an amount"),
        (GOOD.replace("output = 0", "output = true"), "output = True"),
        (GOOD + "hours = [[4, 1]]", "hours"),
        (GOOD + "hours = [1, 4]", "hours"),
        (GOOD + "hours = [[1, 25]]", "hours"),
        (GOOD + 'days = ["monday"]', "days"),
        (GOOD + "days = [[1]]", "days"),
        (GOOD + 'dated = "2026-11-15"', "dated"),
        (GOOD + "dated = 2026-11-15T10:00:00", "dated"),
        ("h = 3", "should be a table"),
        ("[h]\nhit = 3", "should be a table"),
        ("h = [", "not valid TOML"),
    ],
)
def test_a_wrong_price_file_is_named_with_what_is_wrong(tmp_path, text, said):
    own(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        price_of("h", "m", home=tmp_path)
    assert said in raised.value.reason
    assert str(tmp_path / "prices.toml") in raised.value.reason
    assert raised.value.hint


def test_a_price_file_that_cannot_be_read_is_an_error_not_an_unknown_price(tmp_path):
    (tmp_path / "prices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        price_of(HOST, "deepseek-flash", home=tmp_path)
