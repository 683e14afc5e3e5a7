"""A cell's recovery bound: the engine's own, and what the bench knows and the engine does not."""

from collections.abc import Mapping
from math import ceil

from bench.faults.fault import START_S
from bench.faults.registry import FAULTS, NO_FAULT
from bench.scenario.model import CellPlan, Stage
from shared.domain.impact import Impact
from shared.domain.jobs import Bound


def predicted_bound(
    plan: CellPlan, stage: Stage, bounds: Mapping[Impact, Bound], restart_delay_s: float
) -> Bound:
    """Return the bound of one cell; `bounds` are the engine's, by impact.

    Each slot may be busy with a whole job. What was struck as a whole has to start again first, and
    then works off what arrived meanwhile.
    """
    if plan.fault == NO_FAULT:
        return Bound(None, {}, "no fault")
    facts = FAULTS[plan.fault].facts
    bound = bounds.get(facts.impact) if facts.impact else None
    if bound is None:
        return Bound(None, {}, "no attempt of a step is struck: there is nothing to recover")
    if bound.seconds is None:
        return bound
    # An arm has one of them.
    lone = facts.lone_worker or facts.impact is Impact.KEEPER_KILLED
    restarts = facts.own_server or lone
    restart_s = restart_delay_s + START_S if restarts else 0.0
    ours = {"outage_s": facts.outage_s, "restart_s": restart_s}
    ours = {name: seconds for name, seconds in ours.items() if seconds}
    down_s = sum(ours.values()) if facts.whole_arm else 0.0
    ahead = 1 + ceil(down_s * plan.rate_per_s / stage.gpu_workers)
    ours["slot_wait_s"] = stage.job.longest_step_s * max(stage.job.n) * ahead
    parts = {**bound.parts, **ours}
    return Bound(sum(parts.values()), parts, bound.why)
