"""What an answer costs, to the hour and to the token."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction

import pytest

from brain.costs import Price, cost, estimate, is_old, over_budget, usd
from brain.types import Usage

FLASH = Price(0.003, 0.15, 0.60, 2.0, ((1, 4), (6, 10)), (0, 1, 2, 3, 4), date(2026, 11, 15))
QUIET = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
BUSY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_cached_fresh_and_written_tokens_have_their_own_price():
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=500_000, thought_tokens=200_000)
    assert cost(FLASH, usage, at=QUIET) == pytest.approx(0.4 * 0.003 + 0.6 * 0.15 + 0.5 * 0.60, abs=1e-9)


def test_thoughts_are_part_of_the_completion_and_not_paid_twice():
    assert cost(FLASH, Usage(0, 0, 900, 800), at=QUIET) == cost(FLASH, Usage(0, 0, 900, 0), at=QUIET)


@pytest.mark.parametrize(
    ("moment", "factor"),
    [
        ("2026-11-23T00:59:59+00:00", 1),
        ("2026-11-23T01:00:00+00:00", 2),
        ("2026-11-23T03:59:59+00:00", 2),
        ("2026-11-23T04:00:00+00:00", 1),
        ("2026-11-23T06:00:00+00:00", 2),
        ("2026-11-27T09:59:59+00:00", 2),
        ("2026-11-27T10:00:00+00:00", 1),
        ("2026-11-28T08:00:00+00:00", 1),  # Saturday
        ("2026-11-29T02:00:00+00:00", 1),  # Sunday
        ("2026-11-23T09:30:00+08:00", 2),  # 01:30 UTC
        ("2026-11-23T07:30:00+08:00", 1),  # Monday there, Sunday 23:30 in UTC
        ("2026-11-22T21:00:00-05:00", 2),  # Sunday there, Monday 02:00 in UTC
        ("2026-11-27T22:00:00-05:00", 1),  # Friday there, Saturday 03:00 in UTC
    ],
)
def test_peak_hours_are_those_of_utc_on_weekdays(moment, factor):
    assert FLASH.factor(datetime.fromisoformat(moment)) == factor


def test_a_hundred_usages_cost_what_they_should_to_a_millionth():
    """Against exact fractions, worked out another way: token by token class, minute by minute of a week."""
    chance = random.Random(6)
    for _ in range(100):
        prompt = chance.randrange(1_000_000)
        cached, written = chance.randrange(prompt + 1), chance.randrange(384_000)
        thought = chance.randrange(written + 1)
        east = timezone(timedelta(minutes=chance.randrange(-720, 840)))
        at = (datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=chance.randrange(7 * 1440))).astimezone(east)
        minute = int((at - datetime(2026, 11, 23, tzinfo=UTC)).total_seconds() // 60)
        is_peak = minute < 5 * 1440 and (60 <= minute % 1440 < 240 or 360 <= minute % 1440 < 600)
        prices = (Fraction(6, 1000), Fraction(3, 10), Fraction(12, 10)) if is_peak else None
        hit, miss, output = prices or (Fraction(3, 1000), Fraction(15, 100), Fraction(6, 10))
        true = (cached * hit + (prompt - cached) * miss + written * output) / 1_000_000
        assert abs(Fraction(cost(FLASH, Usage(prompt, cached, written, thought), at=at)) - true) < Fraction(1, 10**6)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (Usage(100, 150, 0, 0), (150, 0, 0)),  # more cached than there were
        (Usage(0, 0, 10, 40), (0, 0, 40)),  # more thoughts than were written
        (Usage(-5, -5, -5, -5), (0, 0, 0)),
    ],
)
def test_odd_counts_are_never_believed_the_cheaper_way(usage, tokens):
    hit, miss, written = tokens
    assert cost(FLASH, usage, at=QUIET) == pytest.approx((hit * 0.003 + miss * 0.15 + written * 0.6) / 1e6, abs=1e-12)


def test_an_estimate_is_for_now_and_for_the_dearest_hour():
    now, dearest = estimate(FLASH, prompt=10_000, answer=1_000, at=QUIET)
    assert (now, dearest) == pytest.approx((0.0021, 0.0042))
    assert estimate(FLASH, prompt=10_000, answer=1_000, at=BUSY) == pytest.approx((0.0042, 0.0042))


def test_an_estimate_is_never_below_what_is_paid():
    now, _ = estimate(FLASH, prompt=10_000, answer=1_000, at=QUIET)
    assert now >= cost(FLASH, Usage(10_000, 9_000, 1_000, 500), at=QUIET)


def test_where_some_hours_are_cheaper_the_dearest_is_the_plain_price():
    night = Price(0.1, 0.2, 0.4, 0.5, ((0, 6),))
    now, dearest = estimate(night, prompt=1_000_000, answer=0, at=datetime(2026, 11, 23, 3, tzinfo=UTC))
    assert (now, dearest) == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(("days", "warns"), [(0, False), (90, False), (91, True), (400, True), (-3, False)])
def test_a_price_is_old_after_ninety_days(days, warns):
    told = is_old(FLASH, date(2026, 11, 15) + timedelta(days=days))
    assert (f"{days} days old (of 2026-11-15)" in told) is warns
    assert bool(told) is warns


def test_a_price_without_a_day_never_ages():
    assert is_old(Price(0, 0, 0), date(2099, 1, 1)) == ""


def judged(estimate_usd, day=1.0, month=0.0, spent_day=0.0, spent_month=0.0):
    return over_budget(estimate_usd, day=day, month=month, spent_day=spent_day, spent_month=spent_month)


@pytest.mark.parametrize(
    "allowed",
    [
        judged(0.2, spent_day=0.8),  # exactly all of it
        judged(5.0, day=0.0),
        judged(None, day=0.0),  # no limit: no price needed
        judged(0.0, day=0.01, spent_day=0.01),
    ],
)
def test_what_fits_into_the_budget_may_be_spent(allowed):
    assert allowed == ("", "")


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (judged(0.21, spent_day=0.8), "$0.80 of the $1.00 for today"),
        (judged(0.5, day=0, month=3, spent_month=2.75), "$2.75 of the $3.00 for this month"),
        (judged(0.5, day=9, month=3, spent_day=0.1, spent_month=2.75), "for this month"),
        (judged(None), "not known"),
        (judged(None, day=0, month=1), "not known"),
        (judged(float("nan")), "not known"),
        (judged(-1.0), "not known"),
        (judged(0.1, spent_day=float("nan")), "for today"),
    ],
)
def test_the_budget_stops_before_it_is_broken_and_where_it_cannot_tell(refused, words):
    reason, hint = refused
    assert words in reason and hint


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "$0"),
        (0.0000004, "$0.00000040"),
        (0.00213, "$0.0021"),
        (0.021, "$0.021"),
        (0.5, "$0.50"),
        (0.999, "$1.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_amounts_keep_two_digits_that_count(amount, words):
    assert usd(amount) == words
