"""What the patterns' tasks are made of."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from celery import Celery, Task, shared_task
from redis import Redis
from sqlalchemy import Engine as Database

from celery_impl.profile import CeleryProfile
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect
from shared.adapters.workers import SqlWorkers
from shared.settings import Settings
from shared.workloads.pattern_steps import Attempt, attempt


class PatternApp(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery application with what the patterns' tasks need. Opens nothing before it is used."""

    settings: Settings
    profile: CeleryProfile
    version = "v1"

    @cached_property
    def database(self) -> Database:
        return connect(self.settings.database_url)

    @property
    def ledger(self) -> SqlLedger:
        return SqlLedger(self.database)

    @property
    def workers(self) -> SqlWorkers:
        return SqlWorkers(self.database)

    @cached_property
    def redis(self) -> Any:
        """Redis itself, for what Celery has no word for; keys come from `key`."""
        return Redis.from_url(self.settings.redis_url, decode_responses=True)

    def key(self, *parts: str) -> str:
        """Return a key of this environment."""
        return ":".join((self.settings.namespace, "patterns", *parts))


class PatternTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task whose steps write the ledger."""

    abstract = True
    app: PatternApp

    def attempt(self, job: str, step: str) -> AbstractContextManager[Attempt]:
        """Record one attempt of a step; its number is that of the task's retries, from 1."""
        number = self.request.retries + 1
        return attempt(self.app.ledger, job, step, number, self.app.settings.worker_name)


def pattern_task(
    name: str, base: type[PatternTask] = PatternTask, **options: object
) -> Callable[[Callable[..., object]], Any]:
    """Register a function `(self: PatternTask, job, ...)` as the task `name`."""
    register: Callable[[Callable[..., object]], Any] = shared_task(
        bind=True, base=base, name=name, **options
    )
    return register
