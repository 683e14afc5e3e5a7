"""What clients sent, and what they know of its acceptance."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench.record.history import ClientOp, OpPhase

SUBMIT = "submit"
FOLLOW = "follow"
CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Submission:
    """One submit operation: the invocation and its outcome, INFO where none was recorded.

    `answered_s` is None without an answer. `intended_s` is when the schedule wanted it sent, and
    the time of the invocation for a client without a schedule. `key` is its idempotency key,
    None where the history does not say.
    """

    op_id: str
    job_id: str | None
    outcome: OpPhase
    intended_s: float
    invoked_s: float
    answered_s: float | None
    scheduled: bool
    key: str | None = None


def read_submissions(ops: Iterable[ClientOp]) -> list[Submission]:
    """Join the submit operations by `op_id`, in the order in which they were sent."""
    by_id: dict[str, list[ClientOp]] = defaultdict(list)
    for op in sorted(ops, key=lambda op: op.mono_s):
        if op.op == SUBMIT:
            by_id[op.op_id].append(op)
    return [_join(op_id, group) for op_id, group in by_id.items()]


def _join(op_id: str, ops: list[ClientOp]) -> Submission:
    invokes = [op for op in ops if op.phase is OpPhase.INVOKE]
    first = invokes[0] if invokes else ops[0]
    outcome = _outcome(ops, len(invokes))
    answers = [op for op in ops if op.phase is outcome and outcome is not OpPhase.INFO]
    intended = [op.intended_mono_s for op in ops if op.intended_mono_s is not None]
    job_ids = [op.job_id for op in (*answers, *ops) if op.job_id]
    return Submission(
        op_id=op_id,
        job_id=job_ids[0] if job_ids else None,
        outcome=outcome,
        intended_s=intended[0] if intended else first.mono_s,
        invoked_s=first.mono_s,
        answered_s=answers[0].mono_s if answers else None,
        scheduled=bool(intended),
        key=first.key,
    )


def _outcome(ops: list[ClientOp], tries: int) -> OpPhase:
    """The outcome of all tries of one operation, which share an idempotency key.

    An acceptance settles the tries before it that got no answer. A refusal does not: an earlier
    try may have been accepted all the same.
    """
    phases = [op.phase for op in ops if op.phase is not OpPhase.INVOKE]
    if OpPhase.OK in phases:
        return OpPhase.OK
    refused = phases.count(OpPhase.FAIL)
    return OpPhase.FAIL if refused and refused == len(phases) >= tries else OpPhase.INFO
