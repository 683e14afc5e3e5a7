"""Whether the machine had anything left for a recovery."""

from collections.abc import Sequence

from bench.record.history import HostSample
from bench.record.metrics import HostUse

STARVED_FROM = 0.95
"""The mean share of the processors in use from which on whatever is late may have waited for one.

Sampled by the second, so that a machine whose every slice is taken still shows a little idle.
"""


def busy_between(samples: Sequence[HostSample], from_s: float, to_s: float) -> float | None:
    """Return the mean share of the processors in use, None without a sample in between."""
    inside = [sample.busy for sample in samples if from_s < sample.mono_s <= to_s]
    return sum(inside) / len(inside) if inside else None


def starved(samples: Sequence[HostSample], from_s: float, to_s: float) -> bool:
    """Whether hardly any processor time was left. Of a history without samples nobody knows."""
    busy = busy_between(samples, from_s, to_s)
    return busy is not None and busy >= STARVED_FROM


def host_use(samples: Sequence[HostSample]) -> HostUse | None:
    """Return how much of the machine was in use over the run, None where nobody looked."""
    if not samples:
        return None
    mean = sum(sample.busy for sample in samples) / len(samples)
    full = sum(sample.busy >= STARVED_FROM for sample in samples) / len(samples)
    return HostUse(mean, full, STARVED_FROM)
