"""Whether a detection budget leaves an arm enough: each engine's own rule, for its own arms."""

from collections.abc import Iterable

from pydantic import ValidationInfo

from bench.arms.engines import detection_of
from bench.arms.topology import Arm
from bench.scenario.table import arm_of
from shared.domain.detection import Clock, Detection


def why_too_short(
    arms: Iterable[Arm],
    budget_s: float,
    *,
    longest_step_s: float,
    longest_silence_s: float,
    may_repeat: bool = False,
) -> str:
    """Return what is wrong with a budget, naming the arms; empty if nothing is.

    `longest_step_s` is the longest healthy step, `longest_silence_s` the longest time between two
    of its reports of progress; `may_repeat` if healthy steps may be handed out twice.
    """
    reasons: dict[str, list[str]] = {}
    for arm in arms:
        found = detection_of(arm.engine, arm.profile, budget_s)
        why = found and _why(found, longest_step_s, longest_silence_s, may_repeat)
        if why:
            reasons.setdefault(why, []).append(arm.name)
    said = (f"{', '.join(names)}: {why}" for why, names in reasons.items())
    return f"{budget_s:g} s is too short. " + " ".join(said) if reasons else ""


def enough_for_a_picture(budget_s: float, info: ValidationInfo) -> float:
    """Return the budget of a plan with simulated pictures; `ValueError` if it is too short.

    Half a second for a busy machine, beside the steps of the picture themselves.
    """
    given = info.data
    if {"arms", "steps", "step_s"} <= given.keys():
        why = why_too_short(
            map(arm_of, given["arms"]),
            budget_s,
            longest_step_s=given["steps"] * given["step_s"] + 0.5,
            longest_silence_s=given["step_s"],
        )
        if why:
            raise ValueError(why)
    return budget_s


def _why(found: Detection, step_s: float, silence_s: float, may_repeat: bool) -> str:
    if not found.possible:
        return found.reason
    left = f"{found.reason} That leaves {found.timeout_s:g} s,"
    if found.clock is Clock.DELIVERY and found.timeout_s <= step_s and not may_repeat:
        return (
            f"{left} counted from a message's delivery, and a healthy step of {step_s:g} s would be"
            " handed out twice; short_lease = true allows it."
        )
    if found.clock is Clock.PROGRESS and found.timeout_s <= silence_s + found.lag_s:
        return (
            f"{left} and a healthy step may be silent for {silence_s:g} s, of which the server may"
            f" hear {found.lag_s:g} s late: no attempt of it would ever end."
        )
    return ""
