"""Profiles hold what Celery and kombu know, and the numbers that bounds are made of."""

import socket
from dataclasses import replace
from inspect import signature
from types import SimpleNamespace

import amqp
import pytest
from celery.app.defaults import DEFAULTS
from kombu.transport.redis import Channel

from bench.arms.rabbitmq import NODE_CONFIGURATION
from celery_impl.app import build_app
from celery_impl.bounds import recovery_bounds
from celery_impl.kept_by_us.renewal import INDEX
from celery_impl.profile import limit_countdowns, load
from shared.domain.errors import BadSetting
from shared.domain.impact import Impact
from shared.domain.jobs import Bound
from shared.policy import POLICIES
from shared.settings import Settings

PROFILES = ["stock", "tuned", "hardened", "renewed", "rabbitmq"]


def known_options(name: str) -> set[str]:
    if name == "rabbitmq":
        return set(signature(amqp.Connection).parameters)
    return set(Channel.from_transport_options)


@pytest.mark.parametrize("name", PROFILES)
def test_every_name_is_one_that_celery_or_kombu_reads(name: str) -> None:
    profile = load(Settings(profile=name))
    assert set(profile.conf) <= set(DEFAULTS)
    assert set(profile.transport) <= known_options(name)
    assert set(profile.environment) <= {"REMAP_SIGTERM"}


@pytest.mark.parametrize("name", PROFILES)
def test_every_setting_says_which_version_brought_it(name: str) -> None:
    assert all(setting.since for setting in load(Settings(profile=name)).effective)


def test_a_transport_option_that_kombu_would_ignore_is_refused_with_what_knows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on kombu 5.6, where the sweep's interval is not to be set."""
    known = [name for name in Channel.from_transport_options if "unacked_restore_i" not in name]
    monkeypatch.setattr(Channel, "from_transport_options", tuple(known))
    with pytest.raises(BadSetting, match=r"would ignore .*restore_interval \(since kombu 5\.7\)"):
        build_app(Settings(profile="tuned"))


def test_a_setting_that_celery_would_ignore_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DEFAULTS, "task_retry_on_worker_lost")
    with pytest.raises(BadSetting, match=r"task_retry_on_worker_lost \(since celery 5\.7\)"):
        build_app(Settings(profile="hardened"))


def test_keepalive_options_are_given_by_the_systems_own_numbers() -> None:
    options = load(Settings(profile="hardened")).transport["socket_keepalive_options"]
    assert options[socket.TCP_KEEPINTVL] == 5


def test_the_connection_is_sought_for_ever_as_documented() -> None:
    assert build_app(Settings(profile="tuned")).conf.broker_connection_max_retries is None


def test_a_half_open_link_is_noticed_within_the_budget() -> None:
    """A second of BRPOP and two intervals, from a budget of 5 s on."""
    for budget_s in (5.0, 6.0, 60.0):
        profile = load(Settings(profile="hardened", detection_budget_s=budget_s))
        assert 1 + 2 * profile.transport["health_check_interval"] <= budget_s


def test_the_stock_values_are_the_defaults() -> None:
    profile = load(Settings(profile="stock"))
    assert {name: DEFAULTS[name] for name in profile.conf} == profile.conf
    assert {name: getattr(Channel, name) for name in profile.transport} == profile.transport


def test_a_killed_worker_is_noticed_within_the_detection_budget() -> None:
    settings = Settings(profile="hardened", detection_budget_s=12.0)
    assert recovery_bounds(load(settings), settings)[Impact.KILLED].seconds == 12.0


def test_renewing_changes_nothing_but_that_a_running_step_renews() -> None:
    renewed = load(Settings(profile="renewed", detection_budget_s=10.0))
    hardened = load(Settings(profile="hardened", detection_budget_s=10.0))
    assert (renewed.renews_every_s, hardened.renews_every_s) == (3.0, None)
    assert replace(renewed, name="", effective=[], renewals=0) == replace(
        hardened, name="", effective=[]
    )


def test_a_bound_says_what_the_visibility_timeout_is_counted_from() -> None:
    whys = {}
    for name in ("hardened", "renewed"):
        settings = Settings(profile=name)
        whys[name] = recovery_bounds(load(settings), settings)[Impact.KILLED].why
    assert "since its delivery" in whys["hardened"]
    assert "since its last renewal" in whys["renewed"]


def test_a_stopped_worker_hands_back_within_its_grace() -> None:
    settings = Settings(profile="hardened", stop_grace_s=30.0)
    assert recovery_bounds(load(settings), settings)[Impact.STOPPED].seconds == 30.0


def test_kombu_still_names_the_index_that_a_renewal_writes_to() -> None:
    assert Channel.unacked_index_key == INDEX


def test_early_acknowledgement_has_no_bound_and_says_why() -> None:
    settings = Settings(profile="stock")
    bound = recovery_bounds(load(settings), settings)[Impact.KILLED]
    assert bound.seconds is None
    assert "acknowledged" in bound.why


def test_whoever_is_silent_is_missed_as_one_who_is_dead() -> None:
    for name in ("hardened", "renewed"):
        settings = Settings(profile=name)
        bounds = recovery_bounds(load(settings), settings)
        assert bounds[Impact.SILENT] == bounds[Impact.KILLED]


@pytest.mark.parametrize(("profile", "seconds"), [("hardened", 2.0), ("tuned", 7.0)])
def test_a_killed_child_is_retried_without_waiting_for_the_visibility_timeout(
    profile: str, seconds: float
) -> None:
    """Without the worker's own looks Celery's second look, 5 s after the first, has to do."""
    settings = Settings(profile=profile, detection_budget_s=600.0)
    assert recovery_bounds(load(settings), settings)[Impact.CHILD_KILLED].seconds == seconds


def test_early_acknowledgement_never_recovers_whatever_the_fault_and_says_why() -> None:
    settings = Settings(profile="stock")
    bounds = recovery_bounds(load(settings), settings)
    # Of these nobody holds the message: it waits in its queue.
    for impact in (Impact.KEEPER_KILLED, Impact.PARKED):
        assert bounds.pop(impact).seconds == 0
    assert all(bound.seconds is None and bound.why for bound in bounds.values())


@pytest.mark.parametrize(
    ("name", "longest_s"), [("tuned", 30.0), ("hardened", 1.0), ("renewed", 1.0)]
)
def test_after_an_outage_a_step_also_waits_for_a_workers_next_try_to_connect(
    name: str, longest_s: float
) -> None:
    settings = Settings(profile=name)
    bounds = recovery_bounds(load(settings), settings)
    killed, disconnected = bounds[Impact.KILLED], bounds[Impact.DISCONNECTED]
    assert disconnected.parts == {**killed.parts, "reconnect_s": longest_s}


def parked(name: str, **conf: object) -> Bound:
    """What is promised of a message that comes while a retry runs."""
    settings = Settings(profile=name, detection_budget_s=10.0)
    profile = load(settings)
    return recovery_bounds(replace(profile, conf=profile.conf | conf), settings)[Impact.PARKED]


@pytest.mark.parametrize("name", ["tuned", "hardened", "renewed"])
def test_a_message_that_comes_while_a_retry_runs_stays_in_its_queue(name: str) -> None:
    assert parked(name).seconds == 0


def test_without_the_limit_on_countdowns_only_recover_finds_such_a_message() -> None:
    # As long as any message stays with a dead worker, and then once a budget.
    assert parked("hardened", worker_eta_task_limit=None).seconds == 20.0
    assert parked("tuned", worker_eta_task_limit=None).seconds is None


@pytest.mark.parametrize(("slots", "limit"), [(1, 1), (4, None)])
def test_only_a_worker_of_one_slot_has_its_countdowns_limited(
    slots: int, limit: int | None
) -> None:
    """With more the limit would lower the prefetch, below the slots, for good."""
    conf = SimpleNamespace(**load(Settings(profile="hardened")).conf)
    limit_countdowns(conf, slots)
    assert conf.worker_eta_task_limit == limit


def test_on_rabbitmq_no_clock_runs_for_a_killed_worker_and_heartbeats_for_a_frozen_one() -> None:
    settings = Settings(profile="rabbitmq", detection_budget_s=16.0)
    bounds = recovery_bounds(load(settings), settings)
    assert bounds[Impact.KILLED].parts == {"connection_s": 1.0}
    assert bounds[Impact.SILENT].parts == {"heartbeats_s": 15.0, "connection_s": 1.0}
    assert load(settings).conf["broker_heartbeat"] == 5


def test_on_rabbitmq_a_message_that_comes_while_a_retry_runs_is_the_brokers() -> None:
    settings = Settings(profile="rabbitmq", detection_budget_s=16.0)
    bound = recovery_bounds(load(settings), settings)[Impact.PARKED]
    assert bound.seconds == 1.0
    assert "socket" not in bound.why


@pytest.mark.parametrize(
    ("profile", "url"), [("rabbitmq", "redis://127.0.0.1:6379"), ("hardened", "amqp://127.0.0.1//")]
)
def test_a_broker_of_the_other_kind_is_refused_with_the_remedy(profile: str, url: str) -> None:
    with pytest.raises(BadSetting, match="CHANGEOVER_PROFILE=rabbitmq"):
        load(Settings(profile=profile, broker_url=url))


def test_the_queues_of_an_environment_on_rabbitmq_have_its_name_and_a_type_that_counts() -> None:
    app = build_app(Settings(profile="rabbitmq", namespace="shop"))
    queue = app.amqp.queues["gpu"]
    assert queue.name == queue.exchange.name == "shop.gpu"
    assert queue.exchange.type == "topic"
    arguments = dict(queue.queue_arguments)
    assert arguments.pop("x-consumer-timeout")
    assert arguments == {"x-queue-type": "quorum", "x-delivery-limit": 60}


def test_a_step_is_stopped_by_its_time_limit_before_rabbitmq_takes_its_message_back() -> None:
    app = build_app(Settings(profile="rabbitmq"))
    limits = [each.get("time_limit", 0.0) for each in app.conf.task_annotations.values()]
    timeout_ms = app.profile.queue_arguments["x-consumer-timeout"]
    assert timeout_ms / 1000 > max(limits) > 1800
    assert f"consumer_timeout = {timeout_ms}\n" in NODE_CONFIGURATION


def test_a_message_is_dropped_only_after_more_deliveries_than_any_policy_allows_attempts() -> None:
    limit = load(Settings(profile="rabbitmq")).queue_arguments["x-delivery-limit"]
    assert limit > max(policy.maximum_attempts for policy in POLICIES.values())
