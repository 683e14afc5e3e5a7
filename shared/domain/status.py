"""The states of a job and the kinds of record that an attempt leaves."""

from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job stands. The last four are terminal: a job never leaves them."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    RUNNING = "running"
    REVIEW = "review"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def terminal(self) -> bool:
        """Whether the job is over."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMED_OUT}
)


class RecordKind(StrEnum):
    """What a ledger record says about an attempt."""

    STARTED = "started"
    """A worker took the step from the engine."""
    WORKING = "working"
    """The attempt passed the idempotency guard and computes, from `done` of `total` on."""
    PROGRESS = "progress"
    FINISHED = "finished"
    """The work is done and its result is committed."""
    REPLAYED = "replayed"
    """An earlier attempt had committed a result, which was returned without computing."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """Another attempt took the step over; this one stopped and committed nothing."""
    MODEL_LOADED = "model_loaded"
    """A worker loaded its model (`detail`: seconds); belongs to no job."""
    CRASH_POINT = "crash_point"
    """An experiment is about to kill or freeze the worker here (`detail`: the crash point)."""

    @property
    def ends_attempt(self) -> bool:
        """Whether no later record of the same attempt may follow."""
        return self in _ENDS


_ENDS = frozenset(
    {
        RecordKind.FINISHED,
        RecordKind.REPLAYED,
        RecordKind.FAILED,
        RecordKind.CANCELLED,
        RecordKind.SUPERSEDED,
    }
)
