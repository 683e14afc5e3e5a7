"""Whom a retry names, and when a worker looks."""

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from celery_impl.kept_by_us.lost_child import (
    LOOK_EVERY_S,
    LooksForLostChildren,
    last_holder,
    lost_child,
)
from celery_impl.profile import load
from shared.settings import Settings
from shared.worker_ports import owner_of


@pytest.mark.parametrize(
    ("worker", "pid", "other"), [("gpu-0", 7, "gpu-0:77:a"), ("gpu", 7, "gpu-0:7:a")]
)
def test_the_leases_of_a_process_are_told_from_those_of_others(
    worker: str, pid: int, other: str
) -> None:
    assert f"{worker}:{pid}:attempt".startswith(owner_of(worker, pid))
    assert not other.startswith(owner_of(worker, pid))


def test_a_request_that_names_no_child_has_lost_none() -> None:
    assert lost_child({}) is None
    lost = lost_child({"lost_child": {"owner": "gpu-0:7:", "lost_at_s": 5.0}})
    assert lost is not None
    assert (lost.owner, lost.lost_at_s) == ("gpu-0:7:", 5.0)


def test_a_worker_looks_for_dead_children_more_often_than_celery_does() -> None:
    pool = SimpleNamespace(maintain_pool=object())
    asked: list[tuple[float, Any]] = []
    hub = SimpleNamespace(call_repeatedly=lambda every_s, call: asked.append((every_s, call)))
    worker = SimpleNamespace(pool=pool)
    LooksForLostChildren(worker).register_with_event_loop(worker, hub)
    assert asked == [(LOOK_EVERY_S, pool.maintain_pool)]


@pytest.mark.parametrize(
    ("profile", "redelivered", "known"),
    [("rabbitmq", True, True), ("rabbitmq", False, False), ("hardened", True, False)],
)
def test_only_on_rabbitmq_is_a_message_that_comes_back_proof_that_its_worker_is_gone(
    profile: str, redelivered: bool, known: bool
) -> None:
    """On Redis it may be late, and its worker at work."""

    class Request(dict[str, Any]):
        delivery_info: ClassVar = {"redelivered": redelivered}

    lost = last_holder(Request(), load(Settings(profile=profile)))
    assert (lost is not None) is known
    assert lost is None or lost.owner == ""
