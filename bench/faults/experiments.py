"""The experiments: one crash point each, or an outside world that does not answer."""

from dataclasses import dataclass
from enum import StrEnum

from shared.crash_points import CrashAction, CrashPoint, Moment
from shared.policy import CAPTURE_CREDITS, GENERATE_IMAGE, Queue, policy_of


class Receiver(StrEnum):
    """What the outside world makes of an `Idempotency-Key`."""

    HONOURS_KEYS = "honours_keys"
    IGNORES_KEYS = "ignores_keys"
    """It applies every call: what reaches it happens."""


class Awake(StrEnum):
    """When a frozen worker is continued; its step has then been handed out again."""

    BESIDE_SUCCESSOR = "beside_successor"
    """As soon as another attempt computes, so that both do."""
    AFTER_SUCCESSOR = "after_successor"
    """Once another attempt has finished the step."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is done once in each trial. Without a crash point the effect's reply is dropped.

    `needs_key` says that no guard on the worker's side can keep the effect from being sent twice:
    the worker cannot know that it happened, so only the receiver can tell.
    """

    name: str
    title: str
    step: str
    action: CrashAction | None = None
    moment: Moment | None = None
    awake: Awake | None = None
    needs_key: bool = False

    @property
    def point(self) -> CrashPoint | None:
        """What the workers are armed with."""
        if self.action is None or self.moment is None:
            return None
        return CrashPoint(self.action, self.moment, self.step)

    @property
    def role(self) -> Queue:
        """Which workers run the step."""
        return policy_of(self.step).queue


def _killed(
    name: str, title: str, moment: Moment, step: str, *, needs_key: bool = False
) -> Experiment:
    return Experiment(name, title, step, CrashAction.KILL, moment, needs_key=needs_key)


def _frozen(
    name: str, title: str, moment: Moment, step: str, awake: Awake, *, needs_key: bool = False
) -> Experiment:
    return Experiment(name, title, step, CrashAction.FREEZE, moment, awake, needs_key)


_ALL = (
    _killed("killed_before_work", "Killed before the work", Moment.BEFORE_WORK, GENERATE_IMAGE),
    _killed("killed_mid_work", "Killed in the middle of the work", Moment.MID_WORK, GENERATE_IMAGE),
    _killed(
        "killed_before_effect",
        "Killed after the work, before its effect",
        Moment.BEFORE_EFFECT,
        CAPTURE_CREDITS,
    ),
    _killed(
        "killed_after_effect",
        "Killed after the effect, before the commit",
        Moment.AFTER_EFFECT,
        CAPTURE_CREDITS,
        needs_key=True,
    ),
    _killed(
        "killed_after_commit",
        "Killed after the commit, before the engine heard of it",
        Moment.AFTER_COMMIT,
        CAPTURE_CREDITS,
    ),
    _frozen(
        "zombie_mid_work",
        "Frozen in the middle of the work, awake beside its successor",
        Moment.MID_WORK,
        GENERATE_IMAGE,
        Awake.BESIDE_SUCCESSOR,
    ),
    _frozen(
        "zombie_before_effect",
        "Frozen before its effect, awake after its successor",
        Moment.BEFORE_EFFECT,
        CAPTURE_CREDITS,
        Awake.AFTER_SUCCESSOR,
    ),
    _frozen(
        "zombie_before_send",
        "Frozen between the guard's last word and the effect, awake after its successor",
        Moment.BEFORE_SEND,
        CAPTURE_CREDITS,
        Awake.AFTER_SUCCESSOR,
        needs_key=True,
    ),
    Experiment(
        "reply_dropped",
        "Effect applied, its reply dropped",
        CAPTURE_CREDITS,
        needs_key=True,
    ),
)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}
