"""A soak's schedule is a function of its plan and seed; a plan that cannot be kept is refused."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from bench.arms.topology import Arm, Role
from bench.faults.registry import FAULTS
from bench.scenario.file import load_scenario
from bench.scenario.soak import SoakPlan
from bench.trials.infos import soak_cells
from bench.trials.soak.schedule import absent, schedule

MIX = [
    {"fault": "sigkill", "role": "gpu", "weight": 3},
    {"fault": "child-sigkill", "role": "cpu", "weight": 1},
    {"fault": "sigkill", "role": "beat", "weight": 1},
]
GOOD: dict[str, Any] = {
    "duration_s": 600,
    "rate_per_s": 1,
    "mean_gap_s": 2,
    "drain_s": 30,
    "gpu_workers": 3,
    "mix": MIX,
}


def plan(**changes: Any) -> SoakPlan:
    return SoakPlan.model_validate(GOOD | changes)


def test_a_seed_gives_the_same_schedule_again_and_another_seed_another_one() -> None:
    assert schedule(plan(), 7) == schedule(plan(), 7)
    assert schedule(plan(), 7) != schedule(plan(), 8)


def test_faults_come_in_order_as_often_as_asked_and_leave_the_end_quiet() -> None:
    strikes = schedule(plan(), 7)
    moments = [strike.at_s for strike in strikes]
    assert moments == sorted(moments)
    assert [strike.number for strike in strikes] == list(range(1, len(strikes) + 1))
    assert moments[-1] < 600 - plan().quiet_s
    assert 240 < len(strikes) < 360


def test_faults_are_drawn_by_their_weights_on_every_place_of_their_role() -> None:
    strikes = schedule(plan(), 7)
    kinds = Counter(strike.fault for strike in strikes if strike.role is not Role.BEAT)
    assert kinds["sigkill"] > 2 * kinds["child-sigkill"]
    assert {strike.index for strike in strikes if strike.role is Role.GPU} == {0, 1, 2}
    assert {strike.index for strike in strikes if strike.role is Role.BEAT} == {0}


def test_what_cannot_exist_on_an_arm_is_planned_for_the_others_only() -> None:
    strikes = schedule(plan(), 7)
    assert {absent(Arm("celery", "hardened"), strike) for strike in strikes} == {None}
    assert {s.role for s in strikes if absent(Arm("celery", "stock"), s)} == {Role.BEAT}
    assert {(s.fault, s.role) for s in strikes if absent(Arm("temporal", "hardened"), s)} == {
        ("child-sigkill", Role.CPU),
        ("sigkill", Role.BEAT),
    }
    celery, temporal = soak_cells(plan(), 7)
    assert celery.trials == len(strikes) > temporal.trials
    assert not celery.absent
    assert set(temporal.absent) == {"child-sigkill of cpu", "sigkill of beat"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"arms": ["celery/nonsense"]}, "is not one of"),
        ({"arms": ["celery/stock", "celery/stock"]}, "each once"),
        ({"mix": [{"fault": "zombie", "role": "server"}]}, "zombie strikes cpu, gpu; not server"),
        ({"mix": [{"fault": "cancel", "role": "gpu"}]}, "'cancel' is not one of child-sigkill"),
        ({"mix": [*MIX, MIX[0]]}, "each fault and role once"),
        ({"mix": []}, "at least 1 item"),
        ({"steps": 100, "step_s": 0.2}, "would be handed out twice"),
        ({"steps": 50, "detection_budget_s": 5}, "would be handed out twice"),
        ({"speed": 3}, "Extra inputs"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        plan(**changes)


def test_the_shipped_soak_plans_twenty_thousand_jobs_and_a_thousand_kills() -> None:
    scenario, _ = load_scenario("soak")
    assert scenario.soak is not None
    jobs = scenario.soak.duration_s * scenario.soak.rate_per_s * len(scenario.soak.arms)
    kills = [
        strike
        for arm in scenario.soak.parsed_arms
        for strike in schedule(scenario.soak, scenario.seed)
        if FAULTS[strike.fault].facts.kills and absent(arm, strike) is None
    ]
    assert jobs > 20_000
    assert len(kills) > 1_050  # some find nobody to kill
    # The look at every job takes minutes of the hour.
    assert scenario.soak.duration_s + scenario.soak.drain_s < 3_350
