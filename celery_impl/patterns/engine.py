"""Celery behind the `Patterns` port: publish, and read the result backend."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from celery import states
from celery.contrib.abortable import ABORTED

from celery_impl.patterns import approval, cancel, events, visibility
from celery_impl.patterns import schedule as schedules
from celery_impl.patterns.app import PATTERNS, build_app
from celery_impl.patterns.base import PatternApp
from celery_impl.patterns.footprint import size_of
from celery_impl.patterns.idempotent_start import is_started, start_once
from celery_impl.patterns.progress import PROGRESS
from shared.domain.errors import BadRequest, UnknownJob
from shared.ports.patterns import Happening, Outcome, State
from shared.settings import Settings

_OUTCOMES = {
    states.SUCCESS: Outcome.DONE,
    states.FAILURE: Outcome.FAILED,
    ABORTED: Outcome.CANCELLED,
    events.TIMED_OUT: Outcome.TIMED_OUT,
}


class CeleryPatterns:
    """`Patterns` on Celery with Redis. Its clients block, so calls run in threads."""

    def __init__(self, app: PatternApp) -> None:
        self._app = app

    async def start(self, pattern: str, job: str, given: Mapping[str, object]) -> None:
        if pattern not in PATTERNS:
            raise BadRequest(f"no pattern {pattern!r}; there are {', '.join(PATTERNS)}")
        publish = partial(PATTERNS[pattern].start, self._app, job, given)
        await asyncio.to_thread(start_once, self._app, job, publish)

    async def state(self, job: str) -> State:
        return await asyncio.to_thread(self._state, job)

    async def send(self, job: str, event: str, value: object) -> None:
        await asyncio.to_thread(events.send, self._app, job, event, value)

    async def complete(self, token: str, value: object) -> None:
        await asyncio.to_thread(approval.complete, self._app, token, value)

    async def cancel(self, job: str) -> None:
        await asyncio.to_thread(cancel.cancel, self._app, job)

    async def history(self, job: str) -> Sequence[Happening]:
        return await asyncio.to_thread(visibility.history, self._app, job)

    async def size(self, job: str) -> int:
        return await asyncio.to_thread(size_of, self._app, job)

    async def put_schedule(self, schedule: str, every_s: float) -> None:
        put = partial(schedules.put, task="schedule.tick", args=(schedule,))
        await asyncio.to_thread(put, self._app, schedule, every_s)

    async def pause_schedule(self, schedule: str, *, paused: bool) -> None:
        await asyncio.to_thread(schedules.pause, self._app, schedule, paused=paused)

    async def trigger_schedule(self, schedule: str) -> None:
        await asyncio.to_thread(schedules.trigger, self._app, schedule)

    async def delete_schedule(self, schedule: str) -> None:
        await asyncio.to_thread(schedules.delete, self._app, schedule)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._app.close()
        self._app.redis.close()

    def _state(self, job: str) -> State:
        if not is_started(self._app, job):
            raise UnknownJob(f"no job {job}; check the name that it was started under")
        meta = self._app.backend.get_task_meta(job)
        told, outcome = meta["result"], _OUTCOMES.get(meta["status"], Outcome.OPEN)
        match outcome, meta["status"]:
            case Outcome.FAILED, _:
                return State(outcome, error=str(told))
            case _, str(status) if status == PROGRESS:
                return State(outcome, done=told["done"], total=told["total"])
            case Outcome.OPEN, _:
                return State(outcome)
        return State(outcome, told)


def create_patterns(settings: Settings) -> CeleryPatterns:
    """Return one environment's patterns; nothing is connected yet."""
    return CeleryPatterns(build_app(settings))
