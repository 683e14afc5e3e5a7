"""The application that `celery -A celery_impl` finds."""

import sys

import pytest
from celery import signals
from celery.app.utils import find_app

from celery_impl.kept_by_us.application import ChangeoverApp
from shared.settings import Settings


def test_it_is_found_by_the_packages_name_and_reads_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "celery_impl.celery", raising=False)
    monkeypatch.setenv("CHANGEOVER_NAMESPACE", "found")
    app = find_app("celery_impl")
    assert isinstance(app, ChangeoverApp)
    assert app.conf.broker_transport_options["global_keyprefix"] == "found:"


@pytest.mark.parametrize("signal", [signals.celeryd_init, signals.beat_init])
def test_it_starts_no_worker_and_no_clock(signal: object) -> None:
    import celery_impl.celery  # noqa: F401

    with pytest.raises(SystemExit, match="start a worker with"):
        signal.send(sender=None)  # type: ignore[attr-defined]


def test_what_it_never_hands_out_is_a_matter_of_redis_alone() -> None:
    from celery_impl.celery import build_monitor

    on_redis = build_monitor(Settings(profile="hardened")).conf.broker_transport_options
    assert on_redis["visibility_timeout"] > 86_400
    profile, url = "rabbitmq", "amqp://guest:guest@127.0.0.1:1//"
    on_rabbitmq = build_monitor(Settings(profile=profile, broker_url=url)).conf
    assert "visibility_timeout" not in on_rabbitmq.broker_transport_options
