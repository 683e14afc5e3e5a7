"""Two steps on the same worker, or both again on another if that one dies in between."""

import json
from collections.abc import Mapping

from celery.exceptions import Ignore
from celery.utils.nodenames import worker_direct

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.BUILT,
    "With `worker_direct` every worker has a queue of its own (celery docs, "
    "userguide/configuration), which nobody reads once it is dead: beat looks for jobs whose "
    "worker is gone, and starts them anew.",
)

SWEEP = {"task": "affinity.sweep", "schedule": 1.0}
_RESTART_CLAIM_S = 2


@pattern_task("affinity.fetch", ignore_result=True)
def fetch(self: PatternTask, job: str, use_s: float) -> None:
    app = self.app
    with self.attempt(job, "fetch"):
        held = json.dumps({"worker": app.settings.worker_name, "use_s": use_s})
    app.redis.hset(app.key("affinity"), job, held)
    mine = worker_direct(self.request.hostname)
    app.tasks["affinity.use"].apply_async((job, use_s), task_id=job, queue=mine)


@pattern_task("affinity.use")
def use(self: PatternTask, job: str, use_s: float) -> None:
    app = self.app
    held = app.redis.hget(app.key("affinity"), job)
    if held is None or json.loads(held)["worker"] != app.settings.worker_name:
        raise Ignore  # the job has moved on to another worker
    with self.attempt(job, "use"):
        nap(use_s)
    app.redis.hdel(app.key("affinity"), job)


@pattern_task("affinity.sweep", ignore_result=True)
def sweep(self: PatternTask) -> None:
    """Start the jobs of dead workers anew; published by beat."""
    app = self.app
    alive = {worker.name for worker in app.workers.alive(app.settings.detection_budget_s - 1)}
    for job, told in app.redis.hgetall(app.key("affinity")).items():
        held, claim = json.loads(told), app.key("affinity-restart", job)
        if held["worker"] not in alive and app.redis.set(claim, 1, nx=True, ex=_RESTART_CLAIM_S):
            app.tasks["affinity.fetch"].apply_async((job, held["use_s"]))


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["affinity.fetch"].apply_async((job, given["use_s"]))
