"""When it is time to look."""

import threading

from brain.hints import LONGEST_SECONDS, MOST, QUIET_SECONDS, Hints
from brain.places import Place

A, B = Place("/a"), Place("/b", is_deep=False)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_hint_ripens_once_changes_pause():
    clock = Clock()
    hints = Hints(clock)
    assert not hints.is_ripe()
    hints.add(A)
    clock.now += QUIET_SECONDS / 2
    hints.add(B)
    clock.now += QUIET_SECONDS / 2
    assert not hints.is_ripe()
    clock.now += QUIET_SECONDS / 2
    assert hints.is_ripe()
    assert hints.take() == {A, B}
    assert not hints.is_ripe()


def test_changes_that_never_pause_are_looked_at_all_the_same():
    clock = Clock()
    hints = Hints(clock)
    began = clock.now
    while not hints.is_ripe():
        hints.add(A)
        clock.now += QUIET_SECONDS / 3
    assert clock.now - began <= LONGEST_SECONDS + QUIET_SECONDS


def test_a_hint_for_everywhere_swallows_the_others():
    hints = Hints(Clock())
    hints.add(A)
    hints.add()
    hints.add(B)
    assert hints.take() is None
    assert hints.take() == set()


def test_so_many_places_that_everything_is_looked_at():
    hints = Hints(Clock())
    for at in range(MOST):
        hints.add(Place(f"/{at}"))
    assert len(hints.take()) == MOST
    for at in range(MOST + 1):
        hints.add(Place(f"/{at}"))
    assert hints.take() is None


def test_no_hint_ripens_during_a_rest():
    clock = Clock()
    hints = Hints(clock)
    hints.rest(5)
    hints.add(A)
    clock.now += 4.9
    assert not hints.is_ripe()
    clock.now += 0.2
    assert hints.is_ripe()


def test_waiting_ends_with_a_ripe_hint_a_wake_or_the_time():
    hints = Hints()
    hints.wait(0.01)
    for act in (hints.wake, hints.add):
        thread = threading.Thread(target=hints.wait, args=(60,))
        thread.start()
        act()
        thread.join(20)
        assert not thread.is_alive()
        hints.take()
