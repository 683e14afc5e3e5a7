"""Fan out to parts in parallel, and in again once all have finished."""

from collections.abc import Mapping
from typing import Any

from celery import chord

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.NATIVE,
    "`chord`: a group, and a body that gets its results (celery docs, userguide/canvas, Chords).",
)


@pattern_task("fan_out.part")
def part(self: PatternTask, job: str, index: int, work_s: float) -> int:
    with self.attempt(job, f"part/{index}"):
        nap(work_s)
    return index


@pattern_task("fan_out.join")
def join(self: PatternTask, indices: list[int], job: str) -> int:
    with self.attempt(job, "join"):
        return sum(indices)


def start(app: PatternApp, job: str, given: Mapping[str, Any]) -> None:
    part, join = app.tasks["fan_out.part"], app.tasks["fan_out.join"]
    parts = [part.s(job, index, given["work_s"]) for index in range(given["n"])]
    chord(parts, join.s(job).set(task_id=job), app=app).apply_async()
