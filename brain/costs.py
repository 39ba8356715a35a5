"""What an answer of an endpoint costs in USD, before and after it. Pure: prices and the clock are handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import floor, log10

from brain.types import Usage

MILLION = 1_000_000
OLD_DAYS = 90
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens of one model, what they are multiplied with in some hours, and the day they were true."""

    hit: float  # prompt tokens that the endpoint had in its cache
    miss: float  # all other prompt tokens
    output: float  # completion tokens, thoughts among them
    peak: float = 1.0  # what all three are multiplied with in the hours named
    hours: tuple[tuple[int, int], ...] = ()  # UTC, from and up to but not with: ((1, 4), (6, 10))
    days: tuple[int, ...] = EVERY_DAY  # UTC, Monday is 0
    dated: date | None = None  # None: a price of the person's own that does not age

    def factor(self, at: datetime) -> float:
        """What the prices are multiplied with at a moment; one without a time zone is local."""
        moment = at.astimezone(UTC)
        is_peak = moment.weekday() in self.days and any(start <= moment.hour < end for start, end in self.hours)
        return self.peak if is_peak else 1.0


def cost(price: Price, usage: Usage, *, at: datetime) -> float:
    """USD for what was used at a moment.

    Cached tokens are part of the prompt's, thoughts part of the completion's, so neither is paid twice. An endpoint that
    counts more of them than of the whole is believed the dearer number.
    """
    cached = max(usage.cached_tokens, 0)
    fresh = max(usage.prompt_tokens - cached, 0)
    written = max(usage.completion_tokens, usage.thought_tokens, 0)
    spent = cached * price.hit + fresh * price.miss + written * price.output
    return spent * price.factor(at) / MILLION


def estimate(price: Price, *, prompt: int, answer: int, at: datetime) -> tuple[float, float]:
    """USD before it is sent: at that moment, and at the dearest hour. Nothing is taken to be in the endpoint's cache."""
    plain = (max(prompt, 0) * max(price.miss, price.hit) + max(answer, 0) * price.output) / MILLION
    dearest = max(1.0, price.peak) if price.hours else 1.0
    return plain * price.factor(at), plain * dearest


def over_budget(
    estimate_usd: float | None, *, day: float, month: float, spent_day: float, spent_month: float
) -> tuple[str, str]:
    """Why a call may not be made, and what to do; two empty texts where it may. `day` and `month`: the budget, 0: no limit.

    With a budget, a call whose price is not known is not made: what is not known cannot be kept below anything.
    """
    if not day and not month:
        return "", ""
    if estimate_usd is None or not estimate_usd >= 0:
        return (
            "The price of this model is not known, so it cannot be kept within the budget.",
            "Write its price into prices.toml in Brain's home, or set day and month of [budget] to 0: no limit.",
        )
    for name, limit, spent in (("today", day, spent_day), ("this month", month, spent_month)):
        if limit and not spent + estimate_usd <= limit:
            return (
                f"It may cost {usd(estimate_usd)}, and {usd(spent)} of the {usd(limit)} for {name} are spent.",
                "Answer with a model on this machine, or raise the amount under [budget] in config.toml.",
            )
    return "", ""


def usd(amount: float) -> str:
    """An amount in words: cents to two places, less than that to two digits that count."""
    if not amount:
        return "$0"
    if not 0 < amount < 0.995:
        return f"${amount:,.2f}"
    return f"${amount:.{min(max(2, 1 - floor(log10(amount))), 9)}f}"


def left_today(sent: int) -> str:
    """What left this machine in a day, as a sentence."""
    return f"{sent:,} byte{'s' * (sent != 1)} left this machine today."


def is_old(price: Price, today: date) -> str:
    """A sentence that warns of a price that may no longer be true; "" where it is recent or does not age."""
    if price.dated is None or (days := (today - price.dated).days) <= OLD_DAYS:
        return ""
    return f"The price is {days} days old (of {price.dated.isoformat()}): what is shown may not be what is paid."
