"""What the clock sends, and when it does not."""

from typing import Any

import pytest
import redis

from celery_impl.app import build_app
from celery_impl.beat import build_beat
from celery_impl.kept_by_us.clock import Clock
from celery_impl.kept_by_us.housekeeping import PURGE_UPLOADS, RECOVER, SWEEP
from shared.settings import Settings


def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings, waiting: Any) -> tuple[Clock, list]:
    """A clock, and what it sends; `waiting` says how much of a task waits already."""
    clock = Clock(build_beat(settings))
    sent: list[str] = []
    monkeypatch.setattr(clock._queues, "waiting", waiting)
    for task in clock.schedule.values():
        monkeypatch.setattr(
            clock.app.tasks[task.task],
            "apply_async",
            lambda *_, name=task.task, **__: sent.append(name),
        )
    return clock, sent


def test_everything_is_due_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    due, sent = clock(monkeypatch, Settings(), lambda _: 0)
    monkeypatch.setattr(Clock, "producer", None)
    for _ in range(3):
        due.tick()
    assert sorted(sent) == [PURGE_UPLOADS, RECOVER, SWEEP]


def test_the_periods_are_those_of_the_settings() -> None:
    settings = Settings(purge_every_s=60, detection_budget_s=5)
    periods = {name: e.schedule.seconds for name, e in Clock(build_beat(settings)).schedule.items()}
    assert periods == {SWEEP: 1, RECOVER: 5, PURGE_UPLOADS: 60}


def test_the_default_settings_miss_no_message() -> None:
    assert RECOVER not in build_beat(Settings(profile="stock")).conf.beat_schedule


def test_what_waits_already_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    idle, sent = clock(monkeypatch, Settings(), lambda task: int(task == SWEEP))
    for entry in idle.schedule.values():
        idle.apply_entry(entry)
    assert sorted(sent) == [PURGE_UPLOADS, RECOVER]


def test_nothing_is_sent_while_redis_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> int:
        raise redis.ConnectionError

    blind, sent = clock(monkeypatch, Settings(), unknown)
    for entry in blind.schedule.values():
        blind.apply_entry(entry)
    assert sent == []


def test_every_scheduled_task_has_a_queue_of_its_own() -> None:
    app = build_app(Settings())
    for task in (SWEEP, RECOVER, PURGE_UPLOADS):
        assert app.amqp.router.route({}, task)["queue"].name == task
