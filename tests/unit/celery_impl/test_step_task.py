"""What a task does around its step."""

import pytest
from sqlalchemy.exc import OperationalError

from celery_impl.app import build_publisher
from shared.domain.errors import UnknownJob
from shared.policy import ASSEMBLE
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
def test_a_locked_database_fails_no_job_where_steps_are_retried(profile: str, asked: int) -> None:
    app = build_publisher(Settings(profile=profile))  # whose results stay in memory
    app.conf.task_always_eager = True
    states = LockedOnce()
    app.states = states  # type: ignore[assignment]  # as much of it as is asked for
    assert app.tasks[ASSEMBLE].apply(("job",)).failed()
    assert states.asked == asked
