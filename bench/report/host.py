"""What a run ran on, and how much of it was in use meanwhile."""

from bench.checkers.host_load import STARVED_FROM
from bench.record.history import History
from bench.record.run_info import RunInfo


def host_table(info: RunInfo, history: History) -> dict[str, str]:
    """Return the facts by name."""
    samples = history.host
    if not samples:
        return info.host
    mean = sum(sample.busy for sample in samples) / len(samples)
    full = sum(sample.busy >= STARVED_FROM for sample in samples) / len(samples)
    used = f"{mean:.0%} on average; at least {STARVED_FROM:.0%} for {full:.0%} of the run"
    return info.host | {"processors in use": used}
