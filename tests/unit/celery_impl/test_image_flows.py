"""The canvas of a job."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import chord

from celery_impl.app import build_app
from celery_impl.face_flows import NOTIFY_SESSION_USER, session_flow
from celery_impl.image_flows import compensation, image_flow, next_image_step
from shared.policy import (
    ASSEMBLE,
    CAPTURE_CREDITS,
    CLOSE_SESSION,
    COMPARE_FACES,
    GENERATE_IMAGE,
    NOTIFY_USER,
    OPEN_SESSION,
    POLICIES,
    RELEASE_CREDITS,
    RESERVE_CREDITS,
    SAVE_RESULT,
)
from shared.settings import Settings

JOB = "00000000-0000-0000-0000-000000000001"
IMAGE_STEPS = [RESERVE_CREDITS, GENERATE_IMAGE, ASSEMBLE, CAPTURE_CREDITS, NOTIFY_USER]


def tasks(flow: Any) -> Iterator[Any]:
    for signature in flow.tasks:
        if isinstance(signature, chord):
            yield from signature.tasks
            yield signature.body
        else:
            yield signature


@pytest.fixture
def flow() -> Any:
    return image_flow(build_app(Settings()), JOB, 3)


@pytest.fixture
def pieces() -> list[Any]:
    app = build_app(Settings())
    firsts = (OPEN_SESSION, COMPARE_FACES, SAVE_RESULT, NOTIFY_USER, CLOSE_SESSION)
    return [session_flow(app, JOB, first) for first in firsts]


def test_every_step_but_the_compensation_is_in_the_flow(flow: Any) -> None:
    assert {signature.task for signature in tasks(flow)} == set(IMAGE_STEPS)


def test_a_session_is_published_in_pieces_from_any_step_on(pieces: list[Any]) -> None:
    assert [[signature.task for signature in tasks(piece)] for piece in pieces] == [
        [OPEN_SESSION],
        [COMPARE_FACES],
        [SAVE_RESULT, NOTIFY_SESSION_USER, CLOSE_SESSION],
        [NOTIFY_SESSION_USER, CLOSE_SESSION],
        [CLOSE_SESSION],
    ]
    steps = {signature.id.partition("/")[2] for piece in pieces for signature in tasks(piece)}
    assert steps | set(IMAGE_STEPS) | {RELEASE_CREDITS} <= set(POLICIES)


def test_what_fails_in_a_session_closes_it(pieces: list[Any]) -> None:
    for piece in pieces:
        for signature in tasks(piece):
            (errback,) = signature.options["link_error"]
            assert (errback["task"], errback["args"]) == (CLOSE_SESSION, (JOB,))


def test_attempts_are_counted_as_executions_on_every_task() -> None:
    app = build_app(Settings())
    assert app.tasks[COMPARE_FACES].max_retries == 2
    assert app.tasks[NOTIFY_SESSION_USER].max_retries == 49


def test_every_step_has_the_compensation_as_its_errback(flow: Any) -> None:
    for signature in tasks(flow):
        assert [errback["task"] for errback in signature.options["link_error"]] == [RELEASE_CREDITS]


def test_messages_carry_the_job_id_and_an_index_and_nothing_else(flow: Any) -> None:
    assert {tuple(signature.args) for signature in tasks(flow)} == {
        (JOB,),
        (JOB, 0),
        (JOB, 1),
        (JOB, 2),
    }


def test_a_flow_that_is_made_twice_is_the_same_flow(flow: Any) -> None:
    again = image_flow(build_app(Settings()), JOB, 3)
    assert json.dumps([s.id for s in tasks(flow)]) == json.dumps([s.id for s in tasks(again)])
    assert next(tasks(flow)).id == f"{JOB}/reserve_credits"


ORDER = [RESERVE_CREDITS, "generate_image/0", "generate_image/1", ASSEMBLE, CAPTURE_CREDITS]


@pytest.mark.parametrize("finished", range(len(ORDER) + 1))
def test_what_is_left_of_a_flow_begins_with_the_first_step_that_has_no_result(
    finished: int,
) -> None:
    done, left = ORDER[:finished], [*ORDER[finished:], NOTIFY_USER]
    assert next_image_step(2, done) == left[0]
    rest = image_flow(build_app(Settings()), JOB, 2, done)
    assert [signature.id for signature in tasks(rest)] == [f"{JOB}/{step}" for step in left]


def test_only_the_missing_members_of_a_fan_out_are_published_again() -> None:
    done = [RESERVE_CREDITS, "generate_image/0", "generate_image/2"]
    assert next_image_step(3, done) == "generate_image/1"
    rest = image_flow(build_app(Settings()), JOB, 3, done)
    assert [signature.id.partition("/")[2] for signature in tasks(rest)] == [
        "generate_image/1",
        ASSEMBLE,
        CAPTURE_CREDITS,
        NOTIFY_USER,
    ]


def test_a_compensation_that_is_called_again_is_that_of_the_same_failure() -> None:
    failed = f"{JOB}/generate_image/1"
    again = compensation(build_app(Settings()), JOB, failed)
    assert (again.task, tuple(again.args)) == (RELEASE_CREDITS, (JOB,))
    assert again.options["parent_id"] == failed
