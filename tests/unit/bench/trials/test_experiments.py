"""The plan of the experiments: what is armed, what is promised, and what keeps arms apart."""

import re

import pytest

from bench.faults.experiments import EXPERIMENTS, Receiver
from bench.scenario.idempotency import IdempotencyPlan
from bench.trials.idempotency.arms import guarded_arms
from bench.trials.infos import experiment_cells
from shared.crash_points import CrashAction, CrashPoint
from shared.settings import Settings

NEEDS_KEY = {"killed_after_effect", "zombie_before_send", "reply_dropped"}


def test_every_experiment_has_its_own_crash_point() -> None:
    points = [str(experiment.point) for experiment in EXPERIMENTS.values()]
    assert len(set(points)) == len(points)
    for experiment in EXPERIMENTS.values():
        assert experiment.point is None or CrashPoint.parse(str(experiment.point))
        assert (experiment.awake is not None) == (experiment.action is CrashAction.FREEZE)


def test_an_entry_is_planned_for_every_experiment_arm_and_mode() -> None:
    infos = experiment_cells(IdempotencyPlan())
    assert len({info.id for info in infos}) == len(infos) == len(EXPERIMENTS) * 2 * 4
    assert [*dict.fromkeys(info.fault for info in infos)] == list(EXPERIMENTS)


def test_only_fenced_has_a_promise_to_keep() -> None:
    for info in experiment_cells(IdempotencyPlan()):
        assert ("no_duplicate_effects" in info.demands) == (info.mode == "fenced")


def test_without_keys_nothing_is_demanded_that_no_guard_could_do() -> None:
    plan = IdempotencyPlan(receiver=Receiver.IGNORES_KEYS)
    fenced = [info for info in experiment_cells(plan) if info.mode == "fenced"]
    free = {info.fault for info in fenced if "no_duplicate_effects" not in info.demands}
    assert free == NEEDS_KEY
    assert all("no_duplicate_executions" in info.demands for info in fenced)


def test_the_lease_is_the_workers_own() -> None:
    (info, *_) = experiment_cells(IdempotencyPlan(detection_budget_s=8.0))
    assert info.lease_s == Settings(detection_budget_s=8.0).lease_s


def test_every_arm_and_mode_is_kept_apart_from_all_others() -> None:
    arms = guarded_arms(IdempotencyPlan())
    namespaces = {arm.namespace for arm in arms}
    assert len(namespaces) == len(arms) == len({arm.name for arm in arms})
    for namespace in namespaces:
        assert re.fullmatch(r"[a-z0-9-]{1,60}", namespace)


@pytest.mark.parametrize("name", sorted(NEEDS_KEY))
def test_what_needs_a_key_is_marked(name: str) -> None:
    assert EXPERIMENTS[name].needs_key
    assert sum(experiment.needs_key for experiment in EXPERIMENTS.values()) == len(NEEDS_KEY)
