"""How fast this machine is, remembered."""

from __future__ import annotations

import stat

import pytest

from brain.store.rates import KEPT, Rates


def test_an_estimate_goes_by_the_measurement_nearest_in_size(tmp_path):
    rates = Rates(tmp_path / "rates.json")
    assert rates.seconds("reads", 100) is None
    rates.note("reads", 100, 1.0)
    rates.note("reads", 6000, 120.0)
    assert rates.seconds("reads", 200) == 2.0
    assert rates.seconds("reads", 5000) == 100.0
    assert rates.seconds("speaks", 5) is None
    assert Rates(tmp_path / "rates.json").seconds("reads", 200) == 2.0
    assert stat.S_IMODE((tmp_path / "rates.json").stat().st_mode) == 0o600


def test_only_the_last_measurements_are_kept(tmp_path):
    rates = Rates(tmp_path / "rates.json")
    for number in range(3 * KEPT):
        rates.note("reads", 100, 1.0 + number)
    assert rates.seconds("reads", 100) >= 2 * KEPT


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"reads": 3}', b'{"reads": [["a", 1]]}', b"\xff\xfe", b"[" * 9999]
)
def test_a_damaged_file_is_as_good_as_none(tmp_path, content):
    (tmp_path / "rates.json").write_bytes(content)
    rates = Rates(tmp_path / "rates.json")
    assert rates.seconds("reads", 100) is None
    rates.note("reads", 100, 1.0)
    assert rates.seconds("reads", 100) == 1.0


def test_a_home_that_cannot_be_written_keeps_none(tmp_path):
    rates = Rates(tmp_path / "missing" / "rates.json")
    rates.note("reads", 100, 1.0)
    assert rates.seconds("reads", 100) is None
