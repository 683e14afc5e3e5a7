"""Whom a retry names, and when a worker looks."""

from types import SimpleNamespace
from typing import Any

import pytest

from celery_impl.kept_by_us.lost_child import LOOK_EVERY_S, LooksForLostChildren, lost_child
from shared.attempt import owner_of


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
