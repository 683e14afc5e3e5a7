"""Profiles hold what Celery and kombu know, and the numbers that bounds are made of."""

import pytest
from celery.app.defaults import DEFAULTS
from kombu.transport.redis import Channel

from celery_impl.bounds import recovery_bounds
from celery_impl.profile import load
from shared.settings import Settings

PROFILES = ["stock", "hardened"]


@pytest.mark.parametrize("name", PROFILES)
def test_every_name_is_one_that_celery_or_kombu_reads(name: str) -> None:
    profile = load(Settings(profile=name))
    assert set(profile.conf) <= set(DEFAULTS)
    assert set(profile.transport) <= set(Channel.from_transport_options)
    assert set(profile.environment) <= {"REMAP_SIGTERM"}


def test_the_stock_values_are_the_defaults() -> None:
    profile = load(Settings(profile="stock"))
    assert {name: DEFAULTS[name] for name in profile.conf} == profile.conf
    assert {name: getattr(Channel, name) for name in profile.transport} == profile.transport


def test_a_killed_worker_is_noticed_within_the_detection_budget() -> None:
    settings = Settings(profile="hardened", detection_budget_s=12.0)
    assert recovery_bounds(load(settings), settings)["sigkill"].seconds == 12.0


def test_a_stopped_worker_hands_back_within_its_grace() -> None:
    settings = Settings(profile="hardened", stop_grace_s=30.0)
    assert recovery_bounds(load(settings), settings)["sigterm"].seconds == 30.0


def test_early_acknowledgement_has_no_bound_and_says_why() -> None:
    settings = Settings(profile="stock")
    bound = recovery_bounds(load(settings), settings)["sigkill"]
    assert bound.seconds is None
    assert "acknowledged" in bound.why
