"""Takes in a file, free of HTTP: receive, check, register, store, tell the engine."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.artifacts import FsspecArtifacts
from shared.domain.errors import ChangeoverError, JobOver
from shared.domain.faces import IMAGE, VIDEO
from shared.domain.ids import JobId
from shared.facade.receiving import Pace, received, too_large
from shared.facade.service import Service
from shared.ports.artifacts import Artifacts
from shared.ports.jobs import Acceptance, RegisteredJob
from shared.ports.uploads import Upload
from shared.settings import Settings

_CHECKS_AT_ONCE = 2
_CHECK_LIMIT_S = 60.0


class IntakeUnavailable(ChangeoverError):
    """The file cannot be taken in right now; nothing is lost, so send it again later."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot takes: `check` returns the media type of a good file, else `UnreadableMedia`."""

    limit_bytes: int
    check: Callable[[Path], str]


class Intake:
    """Takes in the files of face sessions. Any number of processes may do so at once."""

    def __init__(
        self, service: Service, store: Artifacts, slots: Mapping[str, Slot], pace: Pace
    ) -> None:
        self._service = service
        self._store = store
        self._slots = slots
        self._pace = pace
        # Its own threads: decoding is slow, and a queue of it must not hold up anything else.
        self._threads = ThreadPoolExecutor(_CHECKS_AT_ONCE, thread_name_prefix="check")

    async def take(
        self, job_id: JobId, slot: str, announced_bytes: int | None, body: AsyncIterator[bytes]
    ) -> tuple[Upload, bool]:
        """Return the file that fills the slot from now on, and whether it did not before.

        Whatever is raised leaves the job as it was, and a good file works afterwards: `UnknownJob`,
        `JobOver`, `Conflict`, `TooLarge`, `TooSlow`, `UnreadableMedia`; `EngineUnavailable` and
        `IntakeUnavailable` ask for the same file once more.
        """
        rules = self._slots[slot]
        job = await self._open_session(job_id)
        if announced_bytes is not None and announced_bytes > rules.limit_bytes:
            raise too_large(rules.limit_bytes)
        try:
            async with received(body, rules.limit_bytes, self._pace) as file:
                media_type = await self._checked(rules, file.path)
                upload = Upload(slot, file.sha256, media_type, file.size)
                new = await self._register(job_id, upload)
                # Only now, so that nothing is ever stored that the register does not name: what it
                # names is purged one day, and what is offered is not purged from under us.
                await asyncio.to_thread(self._store.put_file, file.path)
        except OSError as error:
            raise IntakeUnavailable(
                f"the file cannot be stored now ({error.strerror}); send it again later"
            ) from error
        await self._provide(job, upload)
        return upload, new

    def close(self) -> None:
        """Stop checking."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _open_session(self, job_id: JobId) -> RegisteredJob:
        job = await self._service.waiting_job(job_id)
        if job.acceptance is Acceptance.PENDING:
            raise IntakeUnavailable(f"job {job_id} is not accepted yet; send the file again then")
        status = (await self._service.state_of(job)).status
        if status.terminal:
            raise JobOver(f"job {job_id} is over ({status}) and takes no more files")
        return job

    async def _checked(self, rules: Slot, path: Path) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CHECK_LIMIT_S):
                return await loop.run_in_executor(self._threads, rules.check, path)
        except TimeoutError:
            raise IntakeUnavailable(
                f"the file could not be checked within {_CHECK_LIMIT_S:g} s; send it again later"
            ) from None

    async def _register(self, job_id: JobId, upload: Upload) -> bool:
        uploads = self._service.uploads
        known = await asyncio.to_thread(uploads.of_job, job_id)
        await asyncio.to_thread(uploads.offer, job_id, upload)
        return upload.slot not in known

    async def _provide(self, job: RegisteredJob, upload: Upload) -> None:
        engine = await self._service.router.of(job)
        try:
            await engine.provide(job.job_id, upload.slot, upload.sha256)
        except JobOver:
            # The job was closed while its file arrived, so nothing else would ever purge the file.
            await asyncio.to_thread(self._service.uploads.finish, job.job_id)
            raise


def _check_image(path: Path) -> str:
    # Late, as is FFmpeg below: numpy takes a fifth of a facade's start, and only files need it.
    from shared.compute.image_media import check_image

    return check_image(path)


def _check_video(path: Path) -> str:
    from shared.compute.video_media import check_video

    return check_video(path)


def build_intake(settings: Settings, service: Service) -> Intake:
    """Wire the intake."""
    return Intake(
        service,
        FsspecArtifacts(settings.uploads_url),
        {
            IMAGE: Slot(settings.image_limit_bytes, _check_image),
            VIDEO: Slot(settings.video_limit_bytes, _check_video),
        },
        Pace(),
    )
