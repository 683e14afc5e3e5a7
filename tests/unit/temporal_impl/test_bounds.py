"""Bounds and options follow from the settings in force."""

import pytest

from shared.domain.impact import Impact
from shared.domain.jobs import Bound
from shared.policy import CAPTURE_CREDITS, GENERATE_IMAGE, POLICIES, Queue
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.engine import create_engine
from temporal_impl.trace import TIMER_SHIFT_S


def _bounds(**settings: object) -> dict[Impact, Bound]:
    return create_engine(Settings.model_validate(settings)).bounds()


def test_a_dead_worker_is_noticed_within_the_budget_the_servers_timer_shift_included() -> None:
    bound = _bounds(profile="hardened", detection_budget_s=20)[Impact.KILLED]
    assert bound.parts == {"heartbeat_timeout_s": 18.0, "timer_shift_s": 1.0, "backoff_s": 1.0}
    assert bound.seconds == 20.0


def test_a_graceful_stop_hands_the_step_on_within_the_grace_and_a_backoff() -> None:
    bound = _bounds(profile="hardened", stop_grace_s=30)[Impact.STOPPED]
    assert bound.parts == {"graceful_shutdown_timeout_s": 28.0, "report_s": 2.0, "backoff_s": 1.0}
    assert bound.seconds == 31.0


def test_stock_takes_half_an_hour_after_either_signal() -> None:
    bounds = _bounds(profile="stock")
    assert bounds[Impact.KILLED] == bounds[Impact.STOPPED]
    assert bounds[Impact.KILLED].seconds == 1801.0


def test_after_an_outage_a_step_also_waits_for_a_workers_next_poll() -> None:
    bounds = _bounds(profile="hardened")
    killed, disconnected = bounds[Impact.KILLED], bounds[Impact.DISCONNECTED]
    assert disconnected.parts == {**killed.parts, "reconnect_s": 12.0}


@pytest.mark.parametrize("name", ["stock", "tuned", "hardened", "standalone"])
def test_what_nobody_has_begun_is_with_the_server_whoever_dies(name: str) -> None:
    assert _bounds(profile=name)[Impact.PARKED].seconds == 0


@pytest.mark.parametrize("name", ["stock", "tuned", "hardened", "standalone"])
def test_every_setting_has_its_value_reason_and_source(name: str) -> None:
    settings = create_engine(Settings(profile=name)).settings()
    assert len(settings) > len(POLICIES)
    assert all(row.value and row.reason and row.source for row in settings)


@pytest.mark.parametrize("budget_s", [3.0, 20.0, 60.0])
def test_heartbeats_come_many_times_within_their_timeout(budget_s: float) -> None:
    profile = profiles.load(Settings(profile="hardened", detection_budget_s=budget_s))
    timeout_s = profile.step_options(GENERATE_IMAGE).heartbeat_timeout_s
    assert timeout_s is not None
    assert profile.heartbeat_throttle_s is not None
    assert profile.heartbeat_throttle_s <= 0.2 * timeout_s


@pytest.mark.parametrize("name", ["tuned", "hardened", "standalone"])
def test_every_step_has_what_notices_a_dead_worker_within_the_budget(name: str) -> None:
    profile = profiles.load(Settings(profile=name, detection_budget_s=6.0))
    for step, options in profile.all_step_options().items():
        silence_s = options.heartbeat_timeout_s or options.start_to_close_s
        assert silence_s + options.first_backoff_s + TIMER_SHIFT_S == 6.0, step


def test_a_large_budget_gives_a_cpu_step_no_more_time_than_its_policy() -> None:
    profile = profiles.load(Settings(profile="hardened", detection_budget_s=600.0))
    for step, policy in POLICIES.items():
        if policy.queue is Queue.CPU:
            assert profile.step_options(step).start_to_close_s == policy.start_to_close_s


def test_stock_keeps_the_guides_minute_for_a_cpu_step() -> None:
    profile = profiles.load(Settings(profile="stock", detection_budget_s=6.0))
    assert profile.step_options(CAPTURE_CREDITS).start_to_close_s == 60.0


def test_the_first_retry_after_a_failure_waits_for_the_longest_backoff_at_most() -> None:
    bounds = _bounds(profile="hardened", detection_budget_s=20)
    assert (
        bounds[Impact.UNWRITABLE].parts["backoff_s"] == POLICIES[GENERATE_IMAGE].maximum_interval_s
    )


def test_a_worker_has_no_child_to_lose() -> None:
    assert Impact.CHILD_KILLED not in _bounds(profile="hardened")


def test_whoever_is_silent_is_missed_as_one_who_is_dead() -> None:
    for name in ("stock", "tuned", "hardened", "standalone"):
        bounds = _bounds(profile=name)
        assert bounds[Impact.SILENT] == bounds[Impact.KILLED]


def test_without_a_signal_handler_a_stop_is_a_kill() -> None:
    bounds = _bounds(profile="tuned", detection_budget_s=20)
    assert bounds[Impact.STOPPED] == bounds[Impact.KILLED]
    assert bounds[Impact.KILLED].seconds == 20
