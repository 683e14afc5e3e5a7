"""Each trial beside what became of its job."""

from dataclasses import dataclass

from bench.record.metrics import Bucket, CellMetrics, Trial
from bench.record.timeline import AttemptRow, EffectTick


@dataclass(frozen=True, slots=True)
class JobTimeline:
    """One trial and its timeline."""

    trial: Trial
    rows: list[AttemptRow]
    effects: list[EffectTick]
    faults_s: list[float]

    @property
    def span_s(self) -> tuple[float, float]:
        """From the first record to the last, the fault included."""
        times = [0.0, *self.faults_s, *(tick.at_s for tick in self.effects)]
        times += [edge for row in self.rows for edge in (row.start_s, row.end_s)]
        return min(times), max(times)

    @property
    def abandoned(self) -> bool:
        """Whether the job waits, or would wait, for an attempt that never came."""
        waiting = self.trial.bucket in (Bucket.LOST, Bucket.UNRECOVERED)
        return self.trial.confirmed and self.trial.recovery_s is None and waiting


def job_timelines(cell: CellMetrics) -> list[JobTimeline]:
    """Return one a trial, in the order of the faults."""
    trials = {trial.trial: trial for trial in cell.trial_list}
    return [
        JobTimeline(trials[each.trial], each.rows, each.effects, each.faults_s)
        for each in cell.timelines
    ]
