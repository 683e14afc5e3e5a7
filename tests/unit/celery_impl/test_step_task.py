"""What a task does around its step."""

from types import SimpleNamespace

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy.exc import OperationalError

from celery_impl.app import build_publisher
from celery_impl.context import CeleryHost
from shared.codec import to_json
from shared.domain.errors import UnknownJob
from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.domain.status import JobStatus
from shared.policy import ASSEMBLE, POLICIES, RESERVE_CREDITS
from shared.settings import Settings


class LockedOnce:
    """Job states whose database is locked when it is asked for the first time."""

    def __init__(self) -> None:
        self.asked = 0

    def job(self, job_id: str) -> None:
        self.asked += 1
        if self.asked == 1:
            raise OperationalError("SELECT", {}, Exception("database is locked"))
        raise UnknownJob


@pytest.mark.parametrize(("profile", "asked"), [("hardened", 2), ("stock", 1)])
def test_a_locked_database_fails_no_job_where_steps_are_retried(
    database: Database, profile: str, asked: int
) -> None:
    app = build_publisher(Settings(profile=profile))  # whose results stay in memory
    app.conf.task_always_eager = True
    app.open_state(database)
    states = LockedOnce()
    app.states = states  # type: ignore[assignment]  # as much of it as is asked for
    app.runtime = SimpleNamespace(of=lambda _: SimpleNamespace(ports=None))  # type: ignore[assignment]
    assert app.tasks[ASSEMBLE].apply(("job",)).failed()
    assert states.asked == asked


@pytest.mark.parametrize("deliveries", [1, 4])
def test_a_step_has_the_attempts_of_its_policy_however_many_of_them_were_redelivered(
    database: Database, deliveries: int
) -> None:
    """Celery counts its own retries alone, and would go on."""
    app = build_publisher(Settings(profile="hardened"))
    app.conf.task_always_eager = True
    app.open_state(database)
    ran: list[str] = []

    def fails(_job_id: str, step: str, host: CeleryHost, *_: object) -> None:
        host.begin()
        ran.append(step)
        raise RuntimeError("no disk")

    app.runtime = SimpleNamespace(  # type: ignore[assignment]  # as much of it as is asked for
        runner=SimpleNamespace(run=fails), of=lambda _: SimpleNamespace(ports=None)
    )
    request = to_json(ImageJob("a red circle", "user", 1, 20, 1, 64, 64))
    app.states.add("job", IMAGE_GENERATION, request, first_step=RESERVE_CREDITS)
    for _ in range(deliveries):
        app.step_states.begin_attempt("job", RESERVE_CREDITS)
    assert app.tasks[RESERVE_CREDITS].apply(("job",)).failed()
    assert len(ran) == POLICIES[RESERVE_CREDITS].maximum_attempts - deliveries
    job = app.states.job("job")
    assert (job.outcome, job.error) == (JobStatus.FAILED, "no disk")
