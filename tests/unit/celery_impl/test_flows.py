"""The canvas of a job."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import chord

from celery_impl.app import build_app
from celery_impl.flows import image_flow
from shared.policy import POLICIES, RELEASE_CREDITS
from shared.settings import Settings

JOB = "00000000-0000-0000-0000-000000000001"


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


def test_every_step_but_the_compensation_is_in_the_flow(flow: Any) -> None:
    assert {signature.task for signature in tasks(flow)} == set(POLICIES) - {RELEASE_CREDITS}


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
