"""How far a job is, from what its attempts have recorded."""

from collections.abc import Sequence

from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.facade.models import Progress
from shared.ports.jobs import RegisteredJob
from shared.workloads.table import WORKLOADS

_DONE = frozenset({RecordKind.FINISHED, RecordKind.REPLAYED})


def progress_of(job: RegisteredJob, records: Sequence[AttemptRecord]) -> Progress:
    """Return what is done of all, counting each step's furthest attempt."""
    totals = dict(WORKLOADS[job.workload].progress_of(job.request))
    done = dict.fromkeys(totals, 0)
    finished: set[str] = set()
    for record in records:
        if record.step in totals:
            totals[record.step] = max(totals[record.step], record.total)
            done[record.step] = max(done[record.step], record.done)
            if record.kind in _DONE:
                finished.add(record.step)
    done |= {step: totals[step] for step in finished}
    return Progress(done=sum(done.values()), total=sum(totals.values()))
