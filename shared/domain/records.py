"""What the ledger and the effect sink record. Times: wall in Unix seconds, mono in seconds.

`mono_s` is CLOCK_MONOTONIC, which all processes of one host share; every duration in a report is
a difference of two such values.
"""

import time
from dataclasses import dataclass, field

from shared.domain.status import RecordKind


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One line of the append-only ledger.

    `attempt_id` names one execution by one worker: two executions never share it, even when an
    engine gives both the same attempt number.
    """

    kind: RecordKind
    job_id: str
    step: str
    attempt: int
    attempt_id: str
    worker: str
    pid: int
    done: int = 0
    total: int = 0
    detail: str = ""
    wall_s: float = field(default_factory=time.time)
    mono_s: float = field(default_factory=time.monotonic)
    seq: int = 0


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """One call that the effect sink received. `applied` is False for a suppressed repeat.

    `unanswered` if the sink was told to close the connection instead of answering this call.
    """

    job_id: str
    effect: str
    key: str
    amount: int | None
    applied: bool
    wall_s: float
    mono_s: float
    seq: int = 0
    unanswered: bool = False
