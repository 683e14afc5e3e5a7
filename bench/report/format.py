"""Numbers as text: every number that a report prints passes through here.

Rounding, half to even on the exact value:

* seconds: whole from 100 on, one decimal from 1, two from 0.1; below that milliseconds, whole
  from 10 on and one decimal under it; an exact zero is `0 s`;
* durations that were set, not measured, drop a decimal of zero;
* shares: whole per cent; one decimal under 1 % and over 99 %, but 0 % and 100 % only if exact;
* counts: as they are, with a thin space between thousands.

The exact value travels beside the text, so that a page can carry both.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bench.record.metrics import MEDIAN_FROM, Rate, Samples

NONE = "\u2013"
NBSP = "\u00a0"
_MINUS = "\u2212"
_RANGE = "\u2013"
_THIN = "\u202f"


class Tone(StrEnum):
    """How a number is set off; never the only sign of what it means."""

    PLAIN = "plain"
    QUIET = "quiet"
    """Nothing happened: a zero where zero is good, or no number at all."""
    WARNING = "warning"
    """Something was wasted, and nobody outside saw it."""
    ALARM = "alarm"


TERMINAL_STYLES = {
    Tone.PLAIN: "",
    Tone.QUIET: "dim",
    Tone.WARNING: "yellow",
    Tone.ALARM: "bold red",
}
"""The terminal's style of each, as rich names them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry of a table: the rounded text, the exact value as JSON, and what explains it.

    `detail` is a second, smaller line; `note` is for a hover and for the footnotes.
    """

    text: str
    value: str = ""
    detail: str = ""
    note: str = ""
    tone: Tone = Tone.PLAIN

    @property
    def line(self) -> str:
        """Text and detail on one line."""
        return f"{self.text} ({self.detail})" if self.detail else self.text


def exact(value: object) -> str:
    """Return a number as `metrics.json` has it."""
    return json.dumps(value)


def missing(why: str, detail: str = "") -> Shown:
    """Return the dash of a number that does not exist, with the reason."""
    return Shown(NONE, exact(None), detail, why, Tone.QUIET)


def count(value: int) -> str:
    """`12`, `1 234`."""
    return f"{value:,}".replace(",", _THIN).replace("-", _MINUS)


def seconds(value: float) -> str:
    """`4.2 s`, `120 s`, `35 ms`."""
    return f"{number_of_seconds(value)}{NBSP}{unit_of_seconds(value)}"


def given(value: float) -> str:
    """A duration that was set rather than measured, without idle decimals: `15 s`, `7.5 s`."""
    return seconds(value).replace(f".0{NBSP}", NBSP)


def unit_of_seconds(value: float) -> str:
    """`ms` under a tenth of a second, else `s`."""
    return "ms" if 0 < abs(value) < 0.1 else "s"


def number_of_seconds(value: float) -> str:
    """The number of `seconds` without its unit."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.1:
        text = f"{size * 1000:.{0 if size >= 0.01 else 1}f}"
    else:
        text = f"{size:.{0 if size >= 100 else 1 if size >= 1 else 2}f}"
    return _MINUS + text if value < 0 else text


def date(text: str) -> str:
    """`21 November 2025, 20:24 UTC`; what is no ISO date is given as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo:
        at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M}" + (" UTC" if at.tzinfo else "")


def seconds_range(low: float, high: float) -> str:
    """`3.1-5.6 s`, with an en dash; two units where they differ or an end is negative."""
    if low < 0 or unit_of_seconds(low) != unit_of_seconds(high):
        return f"{seconds(low)} to {seconds(high)}"
    return f"{number_of_seconds(low)}{_RANGE}{seconds(high)}"


def share(value: float) -> str:
    """`35 %`, `0.4 %`."""
    percent = value * 100
    places = 1 if 0 < percent < 1 or 99 < percent < 100 else 0
    return f"{percent:.{places}f}{NBSP}%"


def share_range(low: float, high: float) -> str:
    """`5-36 %`, with an en dash."""
    return f"{share(low).removesuffix(NBSP + '%')}{_RANGE}{share(high)}"


def rate(value: Rate, per: str) -> str:
    """`3 of 20 kills, 5-36 %`: the hits, and the interval of their share."""
    if value.of == 0:
        return f"no {per}"
    text = f"{count(value.hits)} of {count(value.of)} {per}"
    return f"{text}, {share_range(*value.ci95)}" if value.ci95 else text


def tally(value: int, detail: str = "", *, bad: bool = False) -> Shown:
    """Return a count. With `bad`, anything above zero is set off."""
    tone = Tone.QUIET if value == 0 else Tone.ALARM if bad else Tone.PLAIN
    return Shown(count(value), exact(value), detail, tone=tone)


def median(value: Samples, what: str) -> Shown:
    """Return a median with its interval; a dash with its reason where there is none.

    `what` names the trials in the reason: `recovered`, `completed`, ...
    """
    if value.median is not None:
        interval = f"95{NBSP}%: {seconds_range(*value.ci95)}" if value.ci95 else spread(value)
        return Shown(seconds(value.median), exact(value.median), interval)
    return missing(_no_median(value, what), spread(value))


def spread(value: Samples) -> str:
    """`4.1-5.6 s, n = 3`: what little a small sample can say."""
    if not value.samples:
        return ""
    low, high = min(value.samples), max(value.samples)
    text = seconds(low) if len(value.samples) == 1 else seconds_range(low, high)
    return f"{text}, n{NBSP}={NBSP}{len(value.samples)}"


def _no_median(value: Samples, what: str) -> str:
    got = len(value.samples)
    if got == 0:
        return f"none of {value.censored} {what}" if value.censored else "there was none to measure"
    if value.censored > got:
        return f"only {got} of {got + value.censored} {what}: the median lies beyond the drain"
    if got < MEDIAN_FROM:
        return f"{got} {what}; a median is given from {MEDIAN_FROM} on"
    return "not computed for this sample"
