"""The class of the Celery application: what tasks find at `self.app`."""

from collections.abc import Callable
from typing import Any

from celery import Celery
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.face_waits import FaceWaits
from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.publisher import Publisher
from celery_impl.kept_by_us.queues import Queues
from celery_impl.kept_by_us.rabbit_queues import RabbitQueues
from celery_impl.kept_by_us.redis_queues import RedisQueues
from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from celery_impl.profile import Broker, CeleryProfile, Results
from celery_impl.steps import BackendSteps, Steps
from shared.runtime import Runtime, build_runtime
from shared.settings import Settings


class ChangeoverApp(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery application that knows its settings and, in a worker's child, its ports."""

    settings: Settings
    profile: CeleryProfile
    runtime: Runtime
    states: JobStates
    step_states: Steps
    checkpoints: StepStates | None
    """Where steps leave what a later attempt resumes from; None if each starts from nothing."""
    sessions: FaceWaits
    publications: Publications
    publisher: Publisher
    reads_results_from: Any = None
    """The result backend of a process whose own one is not Redis."""
    rebuild: tuple[Callable[..., "ChangeoverApp"], tuple[object, ...]] | None = None
    """How another process makes this application again; None if none has to."""

    def open_queues(self) -> Queues:
        """Return a reader of the broker's queues; it connects when it is first asked."""
        if self.profile.broker is Broker.RABBITMQ:
            return RabbitQueues(self.profile.broker_url, self.settings)
        return RedisQueues(self.profile.broker_url, self.settings)

    def __reduce__(self) -> Any:
        return self.rebuild or super().__reduce__()

    def open_runtime(self) -> Runtime:
        """Wire the ports. Opens the database: call it in the child, never before the fork."""
        self.runtime = build_runtime(self.settings)
        self.open_state(self.runtime.database)
        return self.runtime

    def open_state(self, database: Database) -> None:
        """Wire what Celery makes us keep in SQL."""
        self.states = JobStates(database)
        kept = StepStates(database)
        self.checkpoints = kept if self.profile.resumes else None
        self.step_states = kept
        if self.profile.results is Results.BACKEND:
            backend = self.reads_results_from or self.backend
            self.step_states = BackendSteps(self.states.begun, self.states.job, backend)
        self.sessions = FaceWaits(database)
        self.publications = Publications(database)
        self.publisher = Publisher(
            self, self.states, self.step_states, self.publications, self.profile.publishing
        )
