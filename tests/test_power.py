"""Mains or battery, and the threads that suit it."""

import pytest

from brain.power import fitting_threads, is_on_battery


@pytest.mark.parametrize(
    ("cores", "on_battery", "threads"), [(8, False, 8), (8, True, 4), (3, True, 1), (1, True, 1), (1, False, 1)]
)
def test_half_the_cores_on_battery(cores, on_battery, threads):
    assert fitting_threads(cores, on_battery=on_battery) == threads


class Battery:
    def __init__(self, plugged):
        self.power_plugged = plugged


@pytest.mark.parametrize(
    ("battery", "is_it"), [(None, False), (Battery(True), False), (Battery(None), False), (Battery(False), True)]
)
def test_only_a_battery_that_is_in_use_counts(monkeypatch, battery, is_it):
    import psutil

    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert is_on_battery() is is_it


def test_a_sensor_that_fails_is_no_battery(monkeypatch):
    import psutil

    def broken():
        raise OSError("no such sensor")

    monkeypatch.setattr(psutil, "sensors_battery", broken, raising=False)
    assert not is_on_battery()
