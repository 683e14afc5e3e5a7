"""When a worker may take a message: only while a child is up."""

from types import SimpleNamespace
from typing import Any

import pytest

from celery_impl.gate import ReadyChildren


def _may_consume(processes: Any) -> bool:
    """What the channel answers once the step has wrapped it; the channel itself always agrees."""
    qos = SimpleNamespace(can_consume=lambda: True)
    consumer: Any = SimpleNamespace(
        task_consumer=SimpleNamespace(channel=SimpleNamespace(qos=qos)),
        pool=SimpleNamespace(_pool=processes),
    )
    ReadyChildren(consumer).start(consumer)
    return bool(qos.can_consume())


@pytest.mark.parametrize(
    ("processes", "may"),
    [
        (SimpleNamespace(_pool=["child"], _waiting_to_start=set()), True),
        (SimpleNamespace(_pool=["child"], _waiting_to_start={"child"}), False),
        (SimpleNamespace(_pool=[], _waiting_to_start=set()), False),
    ],
    ids=["a child is up", "the child is starting", "no child"],
)
def test_a_message_is_taken_only_while_a_child_is_up(processes: Any, may: bool) -> None:
    assert _may_consume(processes) is may


def test_a_pool_that_is_already_gone_takes_nothing_and_raises_nothing() -> None:
    assert _may_consume(None) is False
