"""Urgent jobs first, and no tenant behind another's backlog."""

import zlib
from collections.abc import Mapping
from typing import Any

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.BUILT,
    "On Redis a queue has four priorities, 0 the highest, and a worker takes from its queues in "
    "turn (celery docs, userguide/routing, Redis Message Priorities; kombu/transport/redis.py, "
    "queue_order_strategy). A queue a tenant, out of a fixed number, is ours on any broker.",
)

TENANT_QUEUES = [f"tenants-{number}" for number in range(8)]
_URGENT, _USUAL = 0, 6


@pattern_task("priority.work")
def work(self: PatternTask, job: str, work_s: float) -> None:
    with self.attempt(job, "work"):
        nap(work_s)


def start(app: PatternApp, job: str, given: Mapping[str, Any]) -> None:
    # Workers name their queues when they start, so tenants share a few; some have one alone.
    number = zlib.crc32(given["tenant"].encode()) % len(TENANT_QUEUES)
    app.tasks["priority.work"].apply_async(
        (job, given["work_s"]),
        task_id=job,
        queue=TENANT_QUEUES[number],
        priority=_URGENT if given["urgent"] else _USUAL,
    )
