"""Faults that aim at no attempt: how they are run, and what the checkers make of them."""

import asyncio
import random
import time
from types import SimpleNamespace
from typing import Any

import pytest

from bench.faults.fault import NOBODY, Facts, FaultContext, Observation
from bench.faults.injector import Injector
from bench.faults.kinds.client import OwnJob
from bench.record.history import FaultPhase, OpPhase
from bench.record.metrics import Bucket, Verdict
from bench.report.format import NBSP
from bench.report.measures import confirmed
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import Story

JOB = "00000000-0000-0000-0000-000000000001"


class Twice(OwnJob):
    """Submits a job, or fails to."""

    facts = Facts("twice", None, "", "client", "", "", aimed=False)
    healed_by: list[str]

    async def inject(self) -> float:
        self.about(JOB)
        if self.context.cell == "unanswered":
            raise TimeoutError("no answer")
        return time.monotonic()

    def observed(self) -> Observation:
        return Observation(self.context.cell == "struck", "what was seen")

    def heal(self) -> None:
        self.context.bodies = iter([{"healed": True}])


def injector(cell: str, *, limit_s: float = 30.0, places: int = 1) -> Injector:
    nowhere: Any = SimpleNamespace(workers=[])
    nothing: Any = SimpleNamespace(by_attempt={})
    return Injector(
        context=FaultContext(cell, nowhere, nothing, 5.0),
        fault=Twice,
        at=(0.2, 0.8),
        rng=random.Random(1),
        since_mono_s=0.0,
        give_up_mono_s=time.monotonic() + limit_s,
        at_once=asyncio.Semaphore(places),
    )


@pytest.mark.parametrize(
    ("cell", "phases"),
    [
        ("struck", [FaultPhase.INJECTED, FaultPhase.CONFIRMED, FaultPhase.HEALED]),
        ("missed", [FaultPhase.INJECTED, FaultPhase.MISSED, FaultPhase.HEALED]),
        ("unanswered", [FaultPhase.INJECTED, FaultPhase.MISSED]),
    ],
)
async def test_a_fault_without_a_target_names_the_job_that_it_made_and_is_always_healed(
    cell: str, phases: list[FaultPhase]
) -> None:
    here = injector(cell)
    await here.trial()
    assert [event.phase for event in here.log.events] == phases
    assert [event.job_id for event in here.log.events] == ["", *[JOB] * (len(phases) - 1)]
    named = {(event.step, event.attempt_id, event.worker) for event in here.log.events}
    assert named == {("", "", "")}
    assert next(here.context.bodies) == {"healed": True}
    assert not here.at_once.locked()
    assert NOBODY.job_id == ""


async def test_a_trial_that_gets_no_turn_in_time_is_not_run() -> None:
    here = injector("struck", limit_s=0.05, places=0)
    await here.trial()
    assert here.log.events == []


def twice() -> Story:
    """A cell with one such fault, about a job that went well."""
    return Story(fault="double-submit", trials=1).healthy("a").client_fault("t", "a", 1.0)


def test_it_is_confirmed_by_the_injector_and_leaves_nothing_to_recover() -> None:
    cell = twice().cell()
    [trial] = cell.trial_list
    assert (trial.confirmed, trial.job_id, trial.bucket) == (True, "a", Bucket.COMPLETED)
    assert (trial.nothing_to_recover, trial.cut_off) == (True, False)
    for samples in (cell.recovery_s, cell.resumption_s, cell.completion_penalty_s):
        assert (samples.samples, samples.censored) == ([], 0)
    assert (cell.faults_confirmed, cell.verdict) == (1, Verdict.VALID)


def test_one_that_missed_is_not_confirmed() -> None:
    story = Story(fault="double-submit", trials=1).healthy("a")
    story.client_fault("t", "a", 1.0, phase=FaultPhase.MISSED)
    assert story.check("faults hit").verdict is Verdict.UNKNOWN


def test_it_strikes_no_attempt_of_its_job() -> None:
    story = Story(fault="facade-sigkill", trials=1).submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=None)
    story.client_fault("t", "a", 3.0, kind="facade-sigkill")
    story.final("a", JobStatus.RUNNING, held=False)
    cell = story.cell()
    assert (cell.recovery_s.censored, cell.lost_per_fault.hits) == (0, 1)


def test_two_submits_with_one_key_make_one_job() -> None:
    story = twice().submit("a", 0.5, key="k").submit("a", 0.6, key="k")
    assert story.check("one job a key").verdict is Verdict.VALID


def test_two_jobs_of_one_key_are_a_breach() -> None:
    story = twice().submit("b", 0.5, key="k").submit("c", 0.6, key="k")
    assert story.check("one job a key").verdict is Verdict.INVALID


def test_a_refused_submit_made_no_second_job_of_its_key() -> None:
    story = twice().submit(None, 0.5, OpPhase.FAIL, key="k").submit("b", 0.6, key="k")
    assert story.check("one job a key").verdict is Verdict.VALID


def cancelled(ends: RecordKind) -> Story:
    """A cancel asked for 4 s into an attempt that then ends so, at 7 s."""
    story = Story(fault="cancel", trials=1).healthy("other").submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=ends)
    story.fault("t", "a", "a-1", 4.0, kind="cancel").client("cancel", "a", 4.1)
    return story.effect("a", "reserve_credits", 1).effect("a", "release_credits", 8)


def test_a_cancelled_attempt_is_timed_and_owes_no_recovery() -> None:
    cell = cancelled(RecordKind.CANCELLED).final("a", JobStatus.CANCELLED).cell()
    [trial] = cell.trial_list
    assert (trial.confirmed, trial.bucket) == (True, Bucket.CANCELLED)
    assert trial.stopped_s == pytest.approx(3.0)
    assert (cell.recovery_s.samples, cell.recovery_s.censored) == ([], 0)
    assert confirmed(cell, None).detail == f"of 1, 1 stopped within 3.0{NBSP}s"


def test_an_attempt_that_a_cancel_did_not_stop_finished_all_the_same() -> None:
    story = cancelled(RecordKind.FINISHED).final("a", JobStatus.CANCELLED)
    [trial] = story.cell().trial_list
    assert (trial.confirmed, trial.graceful, trial.stopped_s) == (True, True, None)
