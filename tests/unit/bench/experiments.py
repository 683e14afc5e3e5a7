"""Builds histories of idempotency experiments. Times in seconds from the start of the run."""

from dataclasses import replace

from bench.checkers.measure import measure
from bench.record.history import FaultPhase
from bench.record.metrics import CellMetrics, Check, Metrics
from bench.record.run_info import CellInfo, CellKind, RunInfo
from shared.domain.jobs import Bound
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from tests.unit.bench.builder import OWED, Story

PLACE = "celery/hardened/fenced"
CAPTURE = "capture_credits"
LEASE_S = 2.5


def experiment(name: str, crash_point: str | None, **changes: object) -> CellInfo:
    """One experiment of one trial on `celery/hardened`, fenced, but for `changes`."""
    info = CellInfo(
        id=f"idempotency/{PLACE}/{name}",
        arm="celery/hardened",
        engine="celery",
        profile="hardened",
        mode="fenced",
        fault=name,
        workload="image-generation",
        compute="simulated",
        predicted=Bound(None, {}, ""),
        kind=CellKind.EXPERIMENT,
        crash_point=crash_point,
        receiver="honours_keys",
        trials=1,
        lease_s=LEASE_S,
        drain_s=90.0,
        owed_effects=OWED,
        demands=["no_loss", "no_phantoms", "no_duplicate_executions", "no_duplicate_effects"],
    )
    return replace(info, **changes)  # type: ignore[arg-type]


KILLED = experiment("killed_after_effect", f"kill@after_effect:{CAPTURE}")
COMMITTED = experiment("killed_after_commit", f"kill@after_commit:{CAPTURE}")
ZOMBIE = experiment("zombie_before_effect", f"freeze@before_effect:{CAPTURE}")
UNANSWERED = experiment("reply_dropped", None)


class Experiments(Story):
    """A run of experiments in the making: one, unless more are given."""

    def __init__(self, *infos: CellInfo) -> None:
        super().__init__()
        self.cells = []
        self.infos = list(infos)

    def crash(
        self, job: str, name: str, at: float, *, info: CellInfo = KILLED, pid: int = 100
    ) -> "Experiments":
        """The attempt `name` of the capture passes its crash point."""
        self.history.attempts.append(
            AttemptRecord(
                RecordKind.CRASH_POINT,
                job,
                CAPTURE,
                1,
                name,
                "cpu-0",
                pid,
                detail=info.crash_point or "",
                wall_s=at,
                mono_s=at,
            )
        )
        return self

    def capture(
        self,
        job: str,
        name: str,
        at: float,
        ends: RecordKind | None,
        *,
        worker: str = "cpu-0",
        pid: int = 100,
        took: float = 0.5,
    ) -> "Experiments":
        """An attempt of the capture that works from `at` on."""
        end = (ends, at + took) if ends else None
        self.attempt(job, name, at=at, working=at, ends=end, step=CAPTURE, worker=worker, pid=pid)
        return self

    def exit(self, at: float, detail: str = "-9", pid: int = 100) -> "Experiments":
        """The worker `cpu-0` ends."""
        self.process("cpu-0", "exit", at, pid, arm=self.infos[0].place)
        self.history.processes[-1] = replace(self.history.processes[-1], detail=detail)
        return self

    def wake(self, job: str, name: str, at: float) -> "Experiments":
        """The bench continues the frozen worker of this attempt."""
        self.fault(
            f"trial-{job}", job, name, at, kind="sigstop", phases=[FaultPhase.HEALED], cell=""
        )
        return self

    def ends_well(self, job: str, info: CellInfo) -> "Experiments":
        """Submitted at 0, its other effects applied, succeeded."""
        self.submit(job, cell=info.id)
        for effect in set(OWED) - {CAPTURE}:
            self.effect(job, effect, 20)
        self.final(job, cell=info.id)
        return self

    def killed(  # type: ignore[override]
        self, job: str = "a", info: CellInfo = KILLED
    ) -> "Experiments":
        """Killed after the effect, which the next attempt repeats and its key stops."""
        self.capture(job, f"{job}-1", 1, None).effect(job, CAPTURE, 1.2)
        self.crash(job, f"{job}-1", 1.3, info=info).exit(1.4)
        self.capture(job, f"{job}-2", 5, RecordKind.FINISHED, pid=101)
        self.effect(job, CAPTURE, 5.2, applied=False)
        return self.ends_well(job, info)

    def zombie(self, job: str = "a", *, woken: float = 6.0) -> "Experiments":
        """Frozen before its effect, and refused by the fence when it wakes up."""
        self.capture(job, f"{job}-1", 1, RecordKind.SUPERSEDED, took=woken + 0.1 - 1)
        self.crash(job, f"{job}-1", 1.2, info=ZOMBIE).wake(job, f"{job}-1", woken)
        self.capture(job, f"{job}-2", 5, RecordKind.FINISHED, worker="cpu-1", pid=101)
        self.effect(job, CAPTURE, 5.2)
        return self.ends_well(job, ZOMBIE)

    def info(self) -> RunInfo:
        """The run's metadata."""
        return replace(super().info(), idempotency=self.infos)

    def metrics(self) -> Metrics:
        """What the checkers make of it."""
        return measure(self.info(), self.history)

    @property
    def entry(self) -> CellMetrics:
        """The metrics of the first experiment."""
        return self.metrics().idempotency[0]

    def verdict_on(self, name: str) -> Check:
        """The outcome of one check on the first experiment."""
        return next(check for check in self.entry.checks if check.name == name)
