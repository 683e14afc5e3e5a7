"""Named crash points: a worker crashes itself at one exact moment of a step, for experiments.

No signal from outside can hit the instant between an effect and its commit. Armed by
`CHANGEOVER_CRASH_POINT` in the workers of an experiment and nowhere else.
"""

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from shared.policy import POLICIES
from shared.ports.decisions import Decisions

_POLL_S = 0.001


class Moment(StrEnum):
    """Where in an attempt to crash. One that a step never comes to never does."""

    BEFORE_WORK = "before_work"
    """Past the idempotency guard; nothing is computed yet."""
    MID_WORK = "mid_work"
    """At the first progress at or past half."""
    BEFORE_EFFECT = "before_effect"
    """The work is done; the guard has not been asked once more whether the step is still ours."""
    BEFORE_SEND = "before_send"
    """The guard has said yes; the effect has not been sent."""
    AFTER_EFFECT = "after_effect"
    """The effect is applied; the result is not committed."""
    AFTER_COMMIT = "after_commit"
    """The result is committed; the engine has not heard of it."""


class CrashAction(StrEnum):
    """What is done to the worker's whole process group."""

    KILL = "kill"
    """SIGKILL."""
    FREEZE = "freeze"
    """SIGSTOP; somebody else has to send SIGCONT."""


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """`kill@mid_work:generate_image`: what to do, when, and in which kind of step."""

    action: CrashAction
    moment: Moment
    step: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one; `ValueError` says what is wrong and what is known."""
        action, at, rest = text.partition("@")
        moment, colon, step = rest.partition(":")
        if not (at and colon):
            raise ValueError("must look like kill@mid_work:generate_image")
        _known(action, CrashAction, "an action")
        _known(moment, Moment, "a moment")
        _known(step, POLICIES, "a step")
        return cls(CrashAction(action), Moment(moment), step)

    def __str__(self) -> str:
        return f"{self.action}@{self.moment}:{self.step}"


class CrashInjector:
    """Crashes the worker once in each step of each job: the attempt that follows gets through."""

    def __init__(
        self,
        point: CrashPoint,
        decisions: Decisions,
        may_stop: Callable[[], bool],
    ) -> None:
        """`may_stop` says whether this process could stop now without holding anyone up."""
        self.point = point
        self._decisions = decisions
        self._may_stop = may_stop

    def chooses(self, moment: Moment, job_id: str, step: str) -> bool:
        """Whether to crash now: nobody has come to this point of this step before."""
        if moment is not self.point.moment or step.partition("/")[0] != self.point.step:
            return False
        # Not by the attempt's id: a frozen one that goes on comes by again.
        mine = uuid.uuid4().hex
        return self._decisions.decide(f"{job_id}/{step}/crash", mine) == mine

    def crash(self) -> None:
        """Kill or freeze this process's group; returns only when it was frozen and continued."""
        if self.point.action is CrashAction.KILL:
            os.killpg(os.getpgrp(), signal.SIGKILL)
        else:
            _stop_the_others()
            # Stopped inside a transaction, this process would keep all others out of the database;
            # killed inside one, it would not.
            while not self._may_stop():
                time.sleep(_POLL_S)
            # To this very thread: a SIGSTOP to the process is for any of its threads to find, and
            # this one would go on until then. SIGKILL, above, ends all threads as it is sent.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def crash_injector(
    point: CrashPoint | None, decisions: Decisions, may_stop: Callable[[], bool]
) -> CrashInjector | None:
    """Return what crashes a worker at `point`; None, and nothing to run, without one."""
    return CrashInjector(point, decisions, may_stop) if point else None


def _stop_the_others() -> None:
    """SIGSTOP every process of this group but this one."""
    import psutil  # late: every process imports this module, and hardly one is ever frozen

    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if pid != os.getpid() and os.getpgid(pid) == os.getpgrp():
                os.kill(pid, signal.SIGSTOP)


def _known(word: str, known: Iterable[str], what: str) -> None:
    words = list(known)
    if word not in words:
        raise ValueError(f"{word!r} is not {what}; there are {', '.join(words)}")
