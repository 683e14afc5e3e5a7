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


def test_on_rabbitmq_which_sends_what_it_has_at_once_consuming_begins_with_the_first_child() -> (
    None
):
    processes = SimpleNamespace(_pool=["child"], _waiting_to_start={"child"})
    later: list[tuple[Any, ...]] = []
    begun: list[Any] = []
    tasks = SimpleNamespace(channel=SimpleNamespace(), consume=begun.append)
    consumer: Any = SimpleNamespace(
        task_consumer=tasks,
        pool=SimpleNamespace(_pool=processes),
        hub=SimpleNamespace(call_later=lambda _, *call: later.append(call)),
    )
    ReadyChildren(consumer).start(consumer)
    tasks.consume()
    assert not begun
    processes._waiting_to_start.clear()
    call, *arguments = later.pop()
    call(*arguments)
    assert len(begun) == 1
    consumer.task_consumer = None  # the connection is gone
    call(*arguments)
    assert len(begun) == 1
