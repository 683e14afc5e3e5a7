"""A step that somebody else completes later, while no worker waits for it."""

import json
import uuid
from collections.abc import Mapping

from celery.exceptions import Ignore

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.domain.errors import BadRequest
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import Attempt, hand_out

CLAIM = Claim(
    Support.BUILT,
    "A task may end without a result (`Ignore`; celery docs, userguide/tasks) and the result "
    "backend takes one from anybody; the token, and that the first answer stands, are ours.",
)


@pattern_task("approval.ask")
def ask(self: PatternTask, job: str) -> None:
    token = uuid.uuid4().hex
    self.app.redis.hset(self.app.key("tokens"), token, job)
    worker = self.app.settings.worker_name
    hand_out(Attempt(self.app.ledger, job, "ask", self.request.retries + 1, worker), token)
    raise Ignore


def complete(app: PatternApp, token: str, value: object) -> None:
    """Give a job its result; `BadRequest` if the token is not one of ours."""
    job = app.redis.hget(app.key("tokens"), token)
    if job is None:
        raise BadRequest(f"no step waits under the token {token[:60]!r}; use one that was recorded")
    app.redis.hsetnx(app.key("answers"), job, json.dumps(value))
    app.backend.mark_as_done(job, json.loads(app.redis.hget(app.key("answers"), job)))


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:  # noqa: ARG001
    app.tasks["approval.ask"].apply_async((job,), task_id=job)
