"""A cell's bound is the engine's own, and what only the bench can know."""

from bench.faults.fault import START_S
from bench.scenario.model import CellPlan, JobShape, Stage
from bench.trials.predicted import predicted_bound
from shared.domain.impact import Impact
from shared.domain.jobs import Bound

ENGINES_OWN = Bound(5.0, {"heartbeat_timeout_s": 4.0, "backoff_s": 1.0}, "it is silent")


def _predicted(
    fault: str, own: Bound | None = ENGINES_OWN, rate_per_s: float = 0.5, gpu_workers: int = 2
) -> Bound:
    plan = CellPlan.model_validate(
        {"fault": fault, "trials": fault != "none", "rate_per_s": rate_per_s, "drain_s": 10.0}
        | ({"duration_s": 10.0} if fault == "none" else {})
    )
    stage = Stage(
        compute="simulated",
        arms=["celery/hardened"],
        gpu_workers=gpu_workers,
        job=JobShape(n=[1, 2], steps=20, longest_step_s=3.0),
        detection_budget_s=5.0,
        cells=[plan],
    )
    bounds = dict.fromkeys(Impact, own) if own else {}
    return predicted_bound(plan, stage, bounds, restart_delay_s=0.5)


def test_a_slot_may_be_busy_with_a_whole_job() -> None:
    bound = _predicted("sigkill")
    assert bound.parts == {**ENGINES_OWN.parts, "slot_wait_s": 6.0}
    assert bound.seconds == 11.0


def test_what_keeps_the_whole_arm_down_comes_first_and_then_what_arrived_meanwhile() -> None:
    bound = _predicted("server-down-at-end")
    assert bound.parts["outage_s"] == 15.0
    assert bound.parts["restart_s"] == 0.5 + START_S
    # 20.5 s at 0.5 jobs a second are 11 jobs, 6 for each of two workers, and one that runs.
    assert bound.parts["slot_wait_s"] == 7 * 6.0


def test_a_lock_delays_but_restarts_nothing() -> None:
    assert "restart_s" not in _predicted("database-locked").parts


def test_what_waits_for_an_arms_only_worker_waits_for_its_restart_too() -> None:
    assert _predicted("parked-message", gpu_workers=1).parts["restart_s"] == 0.5 + START_S


def test_where_the_engine_promises_nothing_nothing_is_predicted() -> None:
    never = Bound(None, {}, "acknowledged")
    assert _predicted("sigkill", never) == never


def test_what_strikes_no_step_has_nothing_to_recover() -> None:
    bound = _predicted("double-submit", None)
    assert (bound.seconds, bound.why) == (
        None,
        "no attempt of a step is struck: there is nothing to recover",
    )


def test_a_cell_without_a_fault_has_no_bound() -> None:
    assert _predicted("none", None).why == "no fault"
