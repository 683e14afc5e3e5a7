"""What a soak says in two sentences: what struck, and what was lost or repeated."""

from collections.abc import Sequence

from bench.record.metrics import Bucket, CellMetrics, Verdict

_DOUBT = {Verdict.INVALID: " (verdict: invalid)", Verdict.UNKNOWN: " (verdict: unknown)"}
_AMISS = (Bucket.LOST, Bucket.UNRECOVERED, Bucket.PHANTOM, Bucket.FAILED, Bucket.UNKNOWN)


def soak_answer(entries: Sequence[CellMetrics]) -> list[str]:
    """Return the two sentences, right for any data."""
    jobs, kills = sum(map(_accepted, entries)), sum(e.kills for e in entries)
    struck = sum(e.faults_confirmed for e in entries)
    first = (
        f"Under random faults on every role, {struck} of which struck and {kills} of which killed a"
        f" process, {jobs} jobs were accepted."
    )
    return [first, "; ".join(_clause(entry) for entry in entries) + "."]


def _clause(entry: CellMetrics) -> str:
    counts = [f"{entry.buckets.get(bucket, 0)} {bucket}" for bucket in _AMISS]
    return (
        f"{entry.arm}{_DOUBT.get(entry.verdict, '')} completed"
        f" {entry.buckets.get(Bucket.COMPLETED, 0)} of {_accepted(entry)} jobs under {entry.kills}"
        f" kills: {', '.join(counts)}, {entry.duplicate_effects} duplicate effects"
    )


def _accepted(entry: CellMetrics) -> int:
    """A refused submit was certainly not accepted; one without an answer may have been."""
    return entry.jobs - entry.buckets.get(Bucket.REJECTED, 0)
