"""The history sorted by cell, job, step and attempt."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.arms.topology import Role
from bench.checkers.attempts import Attempt, build_attempts
from bench.checkers.faults import Fault, merge_faults
from bench.checkers.submissions import CANCEL, FOLLOW, Submission, read_submissions
from bench.record.history import (
    ClientOp,
    Distress,
    FinalState,
    History,
    HostSample,
    OpPhase,
    ProcessEvent,
    ServerPause,
)
from bench.record.run_info import CellInfo
from shared.domain.records import AttemptRecord, EffectRecord


@dataclass(slots=True)
class JobHistory:
    """All that is known of one job; every list in order of time."""

    job_id: str
    submissions: list[Submission] = field(default_factory=list)
    steps: dict[str, list[Attempt]] = field(default_factory=dict)
    effects: list[EffectRecord] = field(default_factory=list)
    follows: list[ClientOp] = field(default_factory=list)
    cancel_asked: bool = False
    final: FinalState | None = None

    @property
    def outcome(self) -> OpPhase:
        """OK if any submit was accepted, else FAIL if any was refused, else INFO."""
        outcomes = {submission.outcome for submission in self.submissions}
        return next((o for o in (OpPhase.OK, OpPhase.FAIL) if o in outcomes), OpPhase.INFO)

    @property
    def accepted_s(self) -> float | None:
        """When the client knew of its acceptance; its sending, if it never got the answer."""
        answers = [s.answered_s for s in self.submissions if s.outcome is OpPhase.OK]
        known = [at for at in answers if at is not None]
        sent = [s.invoked_s for s in self.submissions]
        return min(known or sent, default=None)

    @property
    def completed_s(self) -> float | None:
        """When its last step was finished for the first time; repeats after that do not move it."""
        firsts = [
            min(done)
            for attempts in self.steps.values()
            if (done := [a.finished_s for a in attempts if a.finished_s is not None])
        ]
        return max(firsts, default=None)

    def applied(self, effect: str) -> list[EffectRecord]:
        """The calls of `effect` that the sink applied."""
        return [record for record in self.effects if record.effect == effect and record.applied]


@dataclass(slots=True)
class CellHistory:
    """One cell's share of the history.

    `anonymous` are the submissions whose job the client never learnt, `orphans` the jobs that the
    facade listed for this cell and that no submission names.
    """

    info: CellInfo
    jobs: dict[str, JobHistory] = field(default_factory=dict)
    anonymous: list[Submission] = field(default_factory=list)
    orphans: list[JobHistory] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    window_s: tuple[float, float] | None = None
    """From the first submission to the last operation or final state."""
    processes: Sequence[ProcessEvent] = ()
    """What became of the arm's GPU workers, over the whole run."""
    host: Sequence[HostSample] = ()
    """How busy the machine was, over the whole run."""
    distress: Sequence[Distress] = ()
    """What the run's servers complained of, all of them."""
    pauses: Sequence[ServerPause] = ()
    """What held the run's servers up, by their own word, all of them."""

    @property
    def submissions(self) -> list[Submission]:
        """Every submit operation of the cell."""
        return [s for job in self.jobs.values() for s in job.submissions] + self.anonymous

    @property
    def every_job(self) -> list[JobHistory]:
        """The jobs with a name, submitted by a known client or not."""
        return [*self.jobs.values(), *self.orphans]


def by_cell(infos: Iterable[CellInfo], history: History) -> dict[str, CellHistory]:
    """Sort the history by cell id. Records of other cells than these are left out."""
    cells = {
        cell.id: CellHistory(
            cell, host=history.host, distress=history.distress, pauses=history.pauses
        )
        for cell in infos
    }
    ops: dict[str, list[ClientOp]] = defaultdict(list)
    for op in sorted(history.ops, key=lambda op: op.mono_s):
        ops[op.cell].append(op)
    known: set[str] = set()
    for cell_id in ops:
        submissions = read_submissions(ops[cell_id])
        known.update(s.job_id for s in submissions if s.job_id)
        if cell_id in cells:
            _add_submissions(cells[cell_id], submissions)
    for final in sorted(history.finals, key=lambda final: final.mono_s):
        if final.job_id not in known and final.cell in cells:
            known.add(final.job_id)
            cells[final.cell].orphans.append(JobHistory(final.job_id))
    faults = merge_faults(history.faults)
    jobs = _Jobs(history, faults)
    for cell_id, cell in cells.items():
        cell.faults = [fault for fault in faults if fault.cell == cell_id]
        for job in cell.every_job:
            jobs.fill(job, cell.info.place)
        cell.processes = [
            event
            for event in history.processes
            if (event.arm, event.role) == (cell.info.place, Role.GPU)
        ]
        cell.window_s = _window(cell, ops[cell_id], history.finals)
    return cells


def _add_submissions(cell: CellHistory, submissions: Sequence[Submission]) -> None:
    for submission in submissions:
        if submission.job_id is None:
            cell.anonymous.append(submission)
        else:
            job = cell.jobs.setdefault(submission.job_id, JobHistory(submission.job_id))
            job.submissions.append(submission)


class _Jobs:
    """The records of the whole run by job."""

    def __init__(self, history: History, faults: Sequence[Fault]) -> None:
        self._faults = [fault for fault in faults if fault.injected]
        self._processes = history.processes
        self._attempts: dict[str, list[AttemptRecord]] = defaultdict(list)
        for record in history.attempts:
            self._attempts[record.job_id].append(record)
        self._effects: dict[str, list[EffectRecord]] = defaultdict(list)
        for effect in sorted(history.effects, key=lambda effect: (effect.mono_s, effect.seq)):
            self._effects[effect.job_id].append(effect)
        ordered = sorted(history.finals, key=lambda final: final.mono_s)
        self._finals = {final.job_id: final for final in ordered}
        self._follows: dict[str, list[ClientOp]] = defaultdict(list)
        self._cancels: set[str] = set()
        for op in sorted(history.ops, key=lambda op: op.mono_s):
            if op.op == FOLLOW and op.job_id:
                self._follows[op.job_id].append(op)
            elif op.op == CANCEL and op.job_id:
                self._cancels.add(op.job_id)

    def fill(self, job: JobHistory, arm: str) -> None:
        """Give `job` its records."""
        records = self._attempts.get(job.job_id, [])
        for attempt in build_attempts(records, arm, self._faults, self._processes):
            job.steps.setdefault(attempt.records[0].step, []).append(attempt)
        job.effects = self._effects.get(job.job_id, [])
        job.follows = self._follows.get(job.job_id, [])
        job.cancel_asked = job.job_id in self._cancels
        job.final = self._finals.get(job.job_id)


def _window(
    cell: CellHistory, ops: Sequence[ClientOp], finals: Sequence[FinalState]
) -> tuple[float, float] | None:
    sent = [submission.invoked_s for submission in cell.submissions]
    if not sent:
        return None
    seen = [op.mono_s for op in ops]
    seen += [final.mono_s for final in finals if final.cell == cell.info.id]
    return min(sent), max(seen)
