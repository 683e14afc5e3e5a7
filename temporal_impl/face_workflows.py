"""The face session as a workflow: it waits for files and for a person, for as long as it takes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from shared.codec import to_dict
    from shared.domain.faces import IMAGE, SLOTS, VIDEO, Decision, FaceResult
    from shared.domain.status import JobStatus
    from shared.policy import CLOSE_SESSION, COMPARE_FACES, NOTIFY_USER, OPEN_SESSION, SAVE_RESULT
    from shared.workloads.face_similarity.rules import reviewed
    from temporal_impl.cancellation import see_through, stop_if_cancelled
    from temporal_impl.face_activities import FaceActivities
    from temporal_impl.messages import (
        CompareFaces,
        FaceWorkflowInput,
        SaveResult,
        SessionOutcome,
        Verdict,
    )


@workflow.defn
class FaceSimilarityWorkflow:
    """open -> wait for both files -> compare -> (wait for a verdict) -> save -> notify -> close.

    Guarantees: files count in any order and once a slot; one comparison is asked for; a session
    is closed however it went; one whose user is being notified is completed, even if it is
    cancelled then; deadlines are the server's timers and outlive every process.
    """

    @workflow.init
    def __init__(self, given: FaceWorkflowInput) -> None:
        self._given = given
        self._order = given.order
        self._phase: JobStatus | None = None
        self._files: dict[str, str] = {}
        self._takes_files = True
        self._verdict: Verdict | None = None

    @workflow.run
    async def run(self, _: FaceWorkflowInput) -> SessionOutcome:
        try:
            outcome = await self._session()
        except (ActivityError, asyncio.CancelledError):
            cancelled = workflow.cancellation_reason() is not None
            await see_through(self._close())
            if cancelled:
                # Also if the step's worker died before it could stop: then it timed out.
                raise asyncio.CancelledError from None
            raise
        await see_through(self._close())
        return outcome

    @workflow.signal
    def provide(self, slot: str, sha256: str) -> None:
        """Take a file that has arrived. The first one for a slot counts; it may come early."""
        if self._takes_files and slot in SLOTS and slot not in self._files:
            self._files[slot] = sha256
            self._show(inputs=dict(self._files))

    @workflow.signal
    def review(self, approved: bool, reviewer: str) -> None:
        """Take the verdict of a person. The first one counts, once the session asks for it."""
        if self._phase is JobStatus.REVIEW and self._verdict is None:
            self._verdict = Verdict(approved, reviewer)
            self._show(verdict=self._verdict)

    async def _session(self) -> SessionOutcome:
        await self._open()
        if not await self._files_are_there():
            return SessionOutcome(JobStatus.TIMED_OUT, {"inputs": sorted(self._files)})
        result = await self._compare()
        if result.decision is Decision.REVIEW:
            verdict = await self._verdict_of_a_person(result)
            if verdict is None:
                return SessionOutcome(JobStatus.TIMED_OUT, to_dict(result))
            result = reviewed(result, approved=verdict.approved)
        stored = await self._save(result)
        await see_through(self._notify())
        return SessionOutcome(JobStatus.SUCCEEDED, to_dict(stored))

    async def _files_are_there(self) -> bool:
        """Wait for both files, at most until the deadline; say whether they came."""
        until = workflow.info().workflow_start_time + timedelta(
            seconds=self._given.input_deadline_s
        )
        if not self._complete():
            self._enter(JobStatus.WAITING)
        came = await _wait(self._complete, until, "deadline of the files")
        self._takes_files = False
        return came

    async def _verdict_of_a_person(self, result: FaceResult) -> Verdict | None:
        """Ask for a verdict on it and wait for that, at most until the deadline."""
        until = workflow.now() + timedelta(seconds=self._given.review_deadline_s)
        self._enter(JobStatus.REVIEW, review_until_s=until.timestamp(), compared=result)
        await _wait(lambda: self._verdict is not None, until, "deadline of the review")
        self._enter(JobStatus.RUNNING)
        return self._verdict

    def _complete(self) -> bool:
        return self._files.keys() == SLOTS

    def _enter(self, phase: JobStatus, **entries: object) -> None:
        self._phase = phase
        self._show(phase=phase, **entries)

    def _show(self, **entries: object) -> None:
        """Put entries of `SessionMemo` where `describe` finds them."""
        workflow.upsert_memo({**entries, "changed_at_s": workflow.time()})

    async def _open(self) -> None:
        await workflow.execute_activity_method(
            FaceActivities.open_session, self._order, **self._step(OPEN_SESSION)
        )
        stop_if_cancelled()

    async def _compare(self) -> FaceResult:
        self._enter(JobStatus.RUNNING)
        result = await workflow.execute_activity_method(
            FaceActivities.compare_faces,
            CompareFaces(self._order, self._files[IMAGE], self._files[VIDEO]),
            **self._step(COMPARE_FACES),
        )
        stop_if_cancelled()
        return result

    async def _save(self, result: FaceResult) -> FaceResult:
        stored = await workflow.execute_activity_method(
            FaceActivities.save_result, SaveResult(self._order, result), **self._step(SAVE_RESULT)
        )
        stop_if_cancelled()
        return stored

    async def _notify(self) -> None:
        await workflow.execute_activity_method(
            FaceActivities.notify_user, self._order, **self._step(NOTIFY_USER)
        )

    async def _close(self) -> None:
        if self._phase is not JobStatus.RUNNING:
            self._enter(JobStatus.RUNNING)
        await workflow.execute_activity_method(
            FaceActivities.close_session, self._order, **self._step(CLOSE_SESSION)
        )

    def _step(self, step: str) -> ActivityConfig:
        return self._given.options[step].to_temporal(step)


async def _wait(holds: Callable[[], bool], until: datetime, summary: str) -> bool:
    """Wait until it holds or the time has come, and say which.

    A signal and the timer race, and the history has settled it once for every replay: what is in
    it before the workflow task that acts on the timer counts, even behind the timer, for the SDK
    hands a task's signals over before its timers; what comes later is too late.
    """
    left = until - workflow.now()
    if not holds() and left > timedelta():
        with suppress(TimeoutError):
            await workflow.wait_condition(holds, timeout=left, timeout_summary=summary)
    stop_if_cancelled()
    return holds()
