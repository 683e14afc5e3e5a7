"""What a job has announced is published by whoever knows its workload."""

import pytest
from sqlalchemy import Engine as Database

from celery_impl.app import build_publisher
from shared.domain.errors import BadRequest
from shared.settings import Settings

JOB = "00000000-0000-0000-0000-000000000001"


def test_a_job_of_an_unknown_workload_is_left_to_another_process(database: Database) -> None:
    app = build_publisher(Settings())
    app.open_state(database)
    app.states.add(JOB, "weather", "{}", first_step="look")
    with pytest.raises(BadRequest, match="no workload 'weather'"):
        app.publisher.publish(JOB)
    app.publisher.publish_or_leave(JOB)
    assert app.publications.left_behind() == {JOB}
