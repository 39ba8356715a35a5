"""Rate and time left."""

import random

import pytest

from brain.progress import WINDOW_SECONDS, Pace, in_words


def run(rate_at, total: int, *, batch: int = 16) -> list[tuple[float, float | None, int]]:
    """A work whose rate changes with time: (seconds, what the pace says is left, pending), batch by batch."""
    pace, now, done, said = Pace(), 0.0, 0, []
    while done < total:
        step = min(batch, total - done)
        now += step / rate_at(now)
        done += step
        pace.at(now, done)
        said.append((now, pace.seconds_left(total - done), total - done))
    return said


def test_nothing_is_said_before_it_is_worth_something():
    said = run(lambda now: 50.0, 5000)
    assert all(left is None for now, left, _ in said if now < 5)
    assert all(left is not None for now, left, _ in said if now > 12)


@pytest.mark.parametrize("seed", range(5))
def test_the_time_left_is_about_right_on_a_jittery_machine(seed):
    draw = random.Random(seed)
    said = run(lambda now: 40.0 * draw.uniform(0.4, 1.6) * (0.1 if draw.random() < 0.03 else 1), 20_000)
    end = said[-1][0]
    errors = sorted(
        abs(left - (end - now)) / (end - now) for now, left, _ in said if left is not None and now < end - 5
    )
    assert errors[len(errors) // 2] <= 0.3


def test_a_machine_that_becomes_slower_is_believed_within_a_minute():
    said = run(lambda now: 50.0 if now < 100 else 10.0, 10_000)
    later = next(left for now, left, _ in said if now > 100 + WINDOW_SECONDS)
    end = said[-1][0]
    assert later == pytest.approx(end - 100 - WINDOW_SECONDS, rel=0.2)


def test_doubling_back_starts_it_anew():
    pace = Pace()
    for at in range(20):
        pace.at(float(at), at * 10)
    assert pace.rate == pytest.approx(10)
    pace.at(21.0, 0)
    assert pace.rate is None


def test_no_progress_promises_nothing():
    pace = Pace()
    for at in range(20):
        pace.at(float(at), 7)
    assert pace.seconds_left(100) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "10 s"), (12, "10 s"), (44, "40 s"), (58, "1 min"), (200, "3 min"), (3570, "1 h"), (7900, "2 h 10 min")],
)
def test_a_duration_is_told_no_more_exactly_than_it_is_known(seconds, words):
    assert in_words(seconds) == words
