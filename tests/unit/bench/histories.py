"""Strategies: valid histories of any mixture of jobs, and violations to plant in them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from bench.record.history import FaultPhase, OpPhase
from bench.record.metrics import Verdict
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import DENOISE, OWED, Story

DEMANDS = ["no_loss", "no_duplicate_effects", "no_phantoms", "faults_confirmed", "within_bound"]
VICTIM = "victim"
"""A healthy job, followed to its end, that every history has: violations are planted in it."""
KILLED = "killed"
"""A job that a confirmed fault hit and that recovered; every history has it."""
MOST_JOBS = 6
"""Besides the victim and the killed ones."""
_END = 900.0


def _healthy(story: Story, job: str, at: float) -> None:
    story.healthy(job, at)
    _follow(story, job, at, "accepted", "running", "succeeded")


def _killed(
    story: Story, job: str, at: float, *, after: float = 5.0, resumed_from: int = 0
) -> None:
    story.killed(job, at, after=after, resumed_from=resumed_from)
    _follow(story, job, at, "waiting", "running", "succeeded")


def _failed(story: Story, job: str, at: float) -> None:
    story.submit(job, at).effect(job, "reserve_credits", at + 1, 2)
    story.denoise(job, f"{job}-1", at=at + 1, done=(0, 3), ends=RecordKind.FAILED)
    story.effect(job, "release_credits", at + 8, 2).final(job, JobStatus.FAILED)
    _follow(story, job, at, "running", "failed")


def _cancelled(story: Story, job: str, at: float) -> None:
    story.submit(job, at).effect(job, "reserve_credits", at + 1, 3)
    story.denoise(job, f"{job}-1", at=at + 1, done=(0, 4), ends=RecordKind.CANCELLED)
    story.client("cancel", job, at + 4)
    story.attempt(
        job,
        f"{job}-release",
        at=at + 8,
        working=at + 8,
        ends=(RecordKind.FINISHED, at + 9),
        step="release_credits",
        worker="cpu-0",
    )
    story.effect(job, "release_credits", at + 9, 3).final(job, JobStatus.CANCELLED)


def _rejected(story: Story, job: str, at: float) -> None:
    story.submit(job, at, OpPhase.FAIL)


def _never_heard_of(story: Story, _: str, at: float) -> None:
    story.submit(None, at, OpPhase.INFO)


def _recovered_unknown(story: Story, job: str, at: float) -> None:
    story.submit(job, at, OpPhase.INFO).denoise(job, f"{job}-1", at=at)
    story.settled(job, at + 12).final(job)


def _suppressed(story: Story, job: str, at: float) -> None:
    """An effect sent twice and applied once."""
    story.healthy(job, at).effect(job, "notify_user", at + 13, None, applied=False)


def _repeated_step(story: Story, job: str, at: float) -> None:
    """A slow attempt that a second one overtook: work done twice, effects once."""
    story.healthy(job, at).denoise(job, f"{job}-again", at=at + 3, worker="gpu-1", pid=101)


_KINDS: dict[str, Callable[[Story, str, float], None]] = {
    "healthy": _healthy,
    "failed": _failed,
    "cancelled": _cancelled,
    "rejected": _rejected,
    "never heard of": _never_heard_of,
    "recovered unknown": _recovered_unknown,
    "suppressed": _suppressed,
    "repeated step": _repeated_step,
}


def _follow(story: Story, job: str, at: float, *statuses: str) -> None:
    for place, status in enumerate(statuses):
        story.client("follow", job, at + 0.5 + 30 * place, status)
        # One client follows one job, by one operation.
        story.history.ops[-1] = replace(story.history.ops[-1], op_id=f"follow-{job}")


@st.composite
def histories(draw: st.DrawFn) -> Story:
    """A cell in which nothing is wrong, whatever its jobs and faults, its records in any order."""
    kills = draw(st.lists(st.tuples(st.floats(0.5, 9.0), st.integers(0, 5)), max_size=3))
    story = Story(fault="sigkill", trials=len(kills) + 1, demands=DEMANDS)
    _healthy(story, VICTIM, 1.0)
    _killed(story, KILLED, 2.0)
    for place, (after, resumed_from) in enumerate(kills):
        at = draw(st.floats(0, 500))
        _killed(story, f"kill-{place}", at, after=after, resumed_from=resumed_from)
    for place, kind in enumerate(
        draw(st.lists(st.sampled_from(sorted(_KINDS)), max_size=MOST_JOBS))
    ):
        _KINDS[kind](story, f"job-{place}", draw(st.floats(0, 500)))
    records = story.history
    records.finals = [replace(final, mono_s=_END, wall_s=_END) for final in records.finals]
    for name in ("ops", "attempts", "effects", "faults", "finals"):
        setattr(records, name, draw(st.permutations(getattr(records, name))))
    return story


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not happen, the check that must find it, and what it then says."""

    plant: Callable[[Story], None]
    check: str
    says: str
    verdict: Verdict = Verdict.INVALID


def change_final(story: Story, **changes: object) -> None:
    """Say something else of the victim's end."""
    story.history.finals = [
        replace(final, **changes) if final.job_id == VICTIM else final  # type: ignore[arg-type]
        for final in story.history.finals
    ]


def _without_final(story: Story) -> None:
    story.history.finals = [f for f in story.history.finals if f.job_id != VICTIM]


def _without_effect(story: Story) -> None:
    notified = (VICTIM, OWED[-1])
    story.history.effects = [e for e in story.history.effects if (e.job_id, e.effect) != notified]


def _without_record(story: Story, phase: FaultPhase) -> None:
    story.history.faults = [
        event for event in story.history.faults if (event.job_id, event.phase) != (KILLED, phase)
    ]


def _outlives_its_kill(story: Story) -> None:
    """The attempt that was reported killed at 8 s ends by its own account."""
    story.attempt(KILLED, f"{KILLED}-1", at=2.0, ends=(RecordKind.FINISHED, 14.0))


def _goes_back(story: Story) -> None:
    story.client("follow", VICTIM, 100.0, "running")
    story.history.ops[-1] = replace(story.history.ops[-1], op_id=f"follow-{VICTIM}")


def _cancel_ignored(story: Story) -> None:
    _cancelled(story, "ignored", 50.0)
    story.denoise("ignored", "ignored-2", at=70.0)


def _refusal_ignored(story: Story) -> None:
    _rejected(story, "refused", 50.0)
    story.denoise("refused", "refused-1", at=51.0)


def _ghosts(story: Story) -> None:
    """More jobs without a client than there are submits without an answer."""
    for place in range(MOST_JOBS + 1):
        story.final(f"ghost-{place}", "running", held=True, at=_END)


def _late(story: Story) -> None:
    """A recovery 40 s after the kill, where 10 s is the bound."""
    story.cells[0] = replace(story.cells[0], trials=story.cells[0].trials + 1)
    _killed(story, "late", 100.0, after=40.0)


VIOLATIONS = {
    "second applied effect": Violation(
        lambda story: story.effect(VICTIM, "notify_user", 99.0, None) and None,
        "no duplicate effects",
        "1 duplicate effects",
    ),
    "missing effect": Violation(_without_effect, "no phantoms", "1 phantoms"),
    "unreadable result": Violation(
        lambda story: change_final(story, readable=False), "no phantoms", "1 phantoms"
    ),
    "lost job": Violation(
        lambda story: change_final(story, status=None, readable=None, held=False),
        "no loss",
        "1 lost",
    ),
    "job that never ends": Violation(
        lambda story: change_final(story, status="running", readable=None, held=True),
        "no loss",
        "1 unrecovered",
    ),
    "final state deleted": Violation(
        _without_final, "buckets add up", "its final state was not recorded"
    ),
    "jobs from nowhere": Violation(_ghosts, "buckets add up", "no client submitted it"),
    "cancelled by nobody": Violation(
        lambda story: change_final(story, status="cancelled"),
        "buckets add up",
        "nobody asked for it",
    ),
    "status that goes back": Violation(
        _goes_back, "a terminal status stays", "was succeeded, then running"
    ),
    "success taken back at the end": Violation(
        lambda story: change_final(story, status="failed"),
        "a terminal status stays",
        "was succeeded, then failed",
    ),
    "credits captured and released": Violation(
        lambda story: story.effect(VICTIM, "release_credits", 99.0) and None,
        "credits settled once",
        "captured 1 and released 1",
    ),
    "credits captured twice, by two keys": Violation(
        lambda story: story.effect(VICTIM, "capture_credits", 99.0, key="another") and None,
        "credits settled once",
        "reserved 1, captured 2",
    ),
    "ran after a cancel": Violation(
        _cancel_ignored, "nothing ran after a cancel", f"ignored ran {DENOISE}"
    ),
    "ran after a rejection": Violation(
        _refusal_ignored, "nothing ran after a rejection", f"refused ran {DENOISE}"
    ),
    "fault never confirmed": Violation(
        lambda story: _without_record(story, FaultPhase.CONFIRMED), "faults hit", "not confirmed"
    ),
    "fault that hit nothing": Violation(_outlives_its_kill, "faults hit", "not confirmed"),
    "recovery over the bound": Violation(_late, "recovery within bound", "above it: 40.0 s"),
}
"""By what happened. Each is planted in a history that is otherwise valid."""
