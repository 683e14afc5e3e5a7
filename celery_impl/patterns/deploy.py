"""New code while jobs are in flight: each job ends as the version that began it would."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from celery_impl.patterns.events import wait_for
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "A message names its task and nothing else ties it to code (celery docs, userguide/tasks, "
    "Names): a changed step gets a new name, and workers keep the old one until no job needs it.",
)

_WAYS = {"v1": "old_way", "v2": "new_way"}
_DAY_S = 86_400.0


@pattern_task("deploy.begin", ignore_result=True)
def begin(self: PatternTask, job: str) -> None:
    with self.attempt(job, "before"):
        pass
    wait_for(self.app, job, ["go"], _DAY_S, then=f"deploy.{_WAYS[self.app.version]}")


@pattern_task("deploy.old_way")
def old_way(self: PatternTask, job: str, _: object) -> str:
    with self.attempt(job, "old_way"):
        return "old_way"


@pattern_task("deploy.new_way")
def new_way(self: PatternTask, job: str, _: object) -> str:
    with self.attempt(job, "new_way"):
        return "new_way"


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:  # noqa: ARG001
    app.tasks["deploy.begin"].apply_async((job,))
