"""What a soak did to an arm, and how fast its jobs ended, from the history alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.checkers.by_job import CellHistory
from bench.checkers.faults import Fault
from bench.checkers.recovery import recovery_samples
from bench.record.metrics import Bucket, Check, SoakFaultMetrics, Trial, Verdict
from bench.record.run_info import CellInfo

_POINTS = 60


def struck_places(cell: CellHistory) -> list[Fault]:
    """The faults as they were planned; what each did to attempts is apart."""
    return [fault for fault in cell.faults if not fault.aimed]


def faults_by_kind(cell: CellHistory, trials: Iterable[Trial]) -> list[SoakFaultMetrics]:
    """Return one entry a fault and role; `trials` are of the attempts that were struck."""
    part_of = {fault.trial: fault.part_of for fault in cell.faults}
    hits: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        if trial.confirmed:
            hits[part_of[trial.trial]].append(trial)
    kinds: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in struck_places(cell):
        kinds[fault.fault, fault.role].append(fault)
    return [
        _kind(fault, role, places, [hit for place in places for hit in hits[place.trial]])
        for (fault, role), places in sorted(kinds.items())
    ]


def _kind(
    fault: str, role: str, places: Sequence[Fault], hits: Sequence[Trial]
) -> SoakFaultMetrics:
    struck = sum(place.reported_hit for place in places)
    _, recovery_s, _, _ = recovery_samples(hits)
    return SoakFaultMetrics(
        fault=fault,
        role=role,
        tried=len(places),
        struck=struck,
        kills=struck if places[0].kills else 0,
        hit=len(hits),
        recovery_s=recovery_s,
    )


def check_tried(info: CellInfo, places: Sequence[Fault]) -> Check:
    """Every planned fault was tried, and some found somebody to strike."""
    struck = sum(place.reported_hit for place in places)
    detail = f"{info.trials} planned, {len(places)} tried, {struck} seen to strike"
    done = len(places) == info.trials and struck > 0
    return Check("faults accounted for", Verdict.VALID if done else Verdict.UNKNOWN, detail)


def throughput(
    cell: CellHistory, of_job: Mapping[str, Bucket]
) -> tuple[list[tuple[float, int]], float]:
    """Return completed jobs by the second since the first submit, and the length of a step."""
    every_s = cell.info.duration_s / _POINTS
    if cell.window_s is None:
        return [], every_s
    began_s, until_s = cell.window_s
    done = Counter(
        int((job.completed_s - began_s) / every_s)
        for job in cell.jobs.values()
        if of_job.get(job.job_id) is Bucket.COMPLETED and job.completed_s is not None
    )
    last = max(done, default=int((until_s - began_s) / every_s))
    return [(place * every_s, done[place]) for place in range(last + 1)], every_s
