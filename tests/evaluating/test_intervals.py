"""Intervals: the same each time, around their mean, and paired where two things are compared."""

import random

import pytest

from brain.evaluating.intervals import Bootstrap, Interval


def test_the_same_values_give_the_same_interval_each_time():
    values = [random.Random(1).random() for _ in range(200)]
    assert Bootstrap(200).interval(values) == Bootstrap(200).interval(values)


def test_an_interval_lies_around_its_mean_and_is_as_wide_as_theory_says():
    values = [float(at % 2) for at in range(400)]  # mean .5, standard error .025
    found = Bootstrap(400).interval(values)
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.008)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.008)


def test_a_constant_has_no_width():
    found = Bootstrap(9).interval([0.25] * 9)
    assert (found.low, found.high) == pytest.approx((0.25, 0.25))


def test_differences_are_paired():
    draw = random.Random(2)
    before = [draw.random() for _ in range(100)]
    after = [value + 0.01 for value in before]  # far smaller than the spread, and the same for every question
    found = Bootstrap(100).difference(after, before)
    assert not found.holds_zero
    assert found.low == pytest.approx(0.01)
    assert Bootstrap(100).difference(before, before).holds_zero


def test_no_question_at_all_is_no_failure():
    assert Bootstrap(0).interval([]) == Interval(0.0, 0.0, 0.0)


def test_one_value_a_question_is_wanted():
    with pytest.raises(ValueError, match="2 values for 3 questions"):
        Bootstrap(3).interval([1.0, 2.0])
