"""Finds the attempt to strike: a step at a moment, as the ledger shows it."""

from collections.abc import Set
from dataclasses import dataclass

from bench.arms.ledger_tail import LedgerTail
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_COMPUTING = (RecordKind.WORKING, RecordKind.PROGRESS)


@dataclass(frozen=True, slots=True)
class Aim:
    """Strike a first attempt of `step` once `share` of its progress is reached."""

    step: str
    share: float
    slack: float = 0.15
    """How far beyond `share` still counts as the moment that was meant."""
    beside_another: bool = False
    """Whether another member of the same fan-out must have begun."""


def find_target(
    tail: LedgerTail,
    aim: Aim,
    *,
    since_mono_s: float,
    spared_jobs: Set[str],
    spared_workers: Set[str],
) -> AttemptRecord | None:
    """Return the newest record of an attempt that is where the aim wants it, None if none is.

    Only jobs that began after `since_mono_s` and are not spared count: a job is struck at most
    once, so that each trial is one fault and one job. The attempt must have two steps or more
    left, or it might end before the fault arrives.
    """
    for records in tail.open_attempts():
        first, newest = records[0], records[-1]
        if (
            newest.kind in _COMPUTING
            and first.step.partition("/")[0] == aim.step
            and first.attempt == 1
            and first.mono_s >= since_mono_s
            and first.job_id not in spared_jobs
            and first.worker not in spared_workers
            and newest.total
            and aim.share <= newest.done / newest.total <= aim.share + aim.slack
            and newest.done <= newest.total - 2
            and not (aim.beside_another and not others_at_work(tail, newest))
        ):
            return newest
    return None


def others_at_work(tail: LedgerTail, target: AttemptRecord) -> set[str]:
    """Return the other members of the target's fan-out that have begun to compute."""
    kind = target.step.partition("/")[0]
    return {
        records[0].step
        for records in tail.by_attempt.values()
        if records[0].job_id == target.job_id
        and records[0].step != target.step
        and records[0].step.partition("/")[0] == kind
        and any(record.kind is RecordKind.WORKING for record in records)
    }
