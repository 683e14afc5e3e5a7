"""What may be said of a sample of this size. Everything is deterministic."""

import math
import random
from collections.abc import Iterable, Sequence
from statistics import median

from bench.record.metrics import MEDIAN_FROM, Rate, Samples, Trial

INTERVAL_FROM = 10
"""Fewer samples carry no 95 % interval."""

_Z95 = 1.959963984540054
_RESAMPLES = 2_000
_SEED = 20_240_229


def wilson(hits: int, of: int) -> Rate:
    """Return `hits / of` with its 95 % Wilson score interval.

    Source: Wilson, "Probable inference ...", JASA 22 (1927); Brown, Cai and DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16 (2001).
    """
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is no rate")
    if of == 0:
        return Rate(0, 0, None)
    share, z2 = hits / of, _Z95**2
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of**2))
    # At the ends the score interval touches 0 or 1 exactly; floating point misses by a hair.
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == of else min(1.0, centre + half)
    return Rate(hits, of, (low, high))


def summarise(samples: Sequence[float], censored: int = 0) -> Samples:
    """Return the samples in order, with the median and interval that their number carries.

    The median is that of the samples, without the censored; it is None below `MEDIAN_FROM`
    samples or if the censored are the majority. The interval is None below `INTERVAL_FROM`.
    """
    ordered = sorted(samples)
    if len(ordered) < MEDIAN_FROM or censored > len(ordered):
        return Samples(ordered, None, None, censored)
    interval = bootstrap_median(ordered) if len(ordered) >= INTERVAL_FROM else None
    return Samples(ordered, median(ordered), interval, censored)


def bootstrap_median(samples: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the median, from a fixed seed."""
    return _interval(_medians(samples, random.Random(_SEED)), 0.95)


def bootstrap_difference(
    one: Sequence[float], other: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of `median(one) - median(other)`."""
    rng = random.Random(_SEED)
    pairs = zip(_medians(one, rng), _medians(other, rng), strict=True)
    return _interval([first - second for first, second in pairs], confidence)


def fisher(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """Return the two-sided p-value of Fisher's exact test that two rates are the same.

    The sum over all tables with the same margins that are no more probable than this one (Agresti,
    "Categorical Data Analysis", 3.5). 1 if either rate is one of nothing.
    """
    drawn, of_all = hits + other_hits, of + other_of
    low, high = max(0, drawn - other_of), min(drawn, of)
    ways = {k: math.comb(of, k) * math.comb(other_of, drawn - k) for k in range(low, high + 1)}
    return sum(n for n in ways.values() if n <= ways[hits]) / math.comb(of_all, drawn)


def _medians(samples: Sequence[float], rng: random.Random) -> list[float]:
    """The medians of as many resamples as an interval is taken from.

    A resample picks the ranks floor(n U) of n uniform draws U, so its middle ranks follow from
    the middle order statistics of n uniforms, which are beta distributed and are drawn directly
    (David and Nagaraja, "Order Statistics", 2.1). The same distribution, without n draws each.
    """
    ordered, n = sorted(samples), len(samples)
    lower = (n + 1) // 2
    medians = []
    for _ in range(_RESAMPLES):
        low = rng.betavariate(lower, n - lower + 1)
        high = low if n % 2 else low + (1 - low) * rng.betavariate(1, n - lower)
        medians.append((_at(ordered, low) + _at(ordered, high)) / 2)
    return medians


def _interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    ordered, tail = sorted(values), (1 - confidence) / 2
    low, high = round(tail * len(ordered)), round((1 - tail) * len(ordered)) - 1
    return ordered[low], ordered[high]


def _at(ordered: Sequence[float], u: float) -> float:
    return ordered[min(int(u * len(ordered)), len(ordered) - 1)]


def survival_curve(
    recovered: Sequence[float], observed_without: Sequence[float] = ()
) -> list[tuple[float, float]]:
    """Return the share recovered by t, as `(t, share)` at every step up, from `(0, 0)` on.

    One minus the Kaplan-Meier estimate: a trial in `observed_without` was watched for that many
    seconds without recovering and leaves the trials at risk only then. The last point is where
    watching ended.
    """
    points = [(0.0, 0.0)]
    waiting = 1.0
    for at in sorted(set(recovered)):
        at_risk = sum(t >= at for t in recovered) + sum(t >= at for t in observed_without)
        waiting *= 1 - recovered.count(at) / at_risk
        points.append((at, 1 - waiting))
    end = max([*recovered, *observed_without], default=0.0)
    if end > points[-1][0]:
        points.append((end, points[-1][1]))
    return points


def recovery_curve(trials: Iterable[Trial]) -> list[tuple[float, float]]:
    """Return the survival curve of recovery: confirmed faults that left work to recover."""
    trials = [trial for trial in trials if trial.cut_off]
    return survival_curve(
        [trial.recovery_s for trial in trials if trial.recovery_s is not None],
        [trial.observed_s for trial in trials if trial.recovery_s is None],
    )
