"""Face sessions on Celery: what their tests send, do and wait for."""

import asyncio
from collections.abc import Awaitable, Callable

from PIL import Image

from celery_impl.engine import CeleryEngine
from celery_impl.kept_by_us.state import change
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.ids import JobId
from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus, RecordKind
from shared.policy import COMPARE_FACES
from tests.integration.celery_lab import Lab
from tests.media import levels_video, png

# The simulated model takes a picture's brightness for a face: see `SimulatedFaces`.
DOCUMENT = png(Image.new("RGB", (64, 48), "white"))
SELFIES = {level: levels_video([level] * 20) for level in (255, 167, 60, 0)}
SAME, BORDERLINE, ANOTHER, NOBODY = SELFIES.values()

Engines = Callable[..., Awaitable[CeleryEngine]]


async def opened(lab: Lab, engine: CeleryEngine) -> JobId:
    job_id, request = lab.register_session()
    await engine.submit(job_id, FACE_SIMILARITY, request)
    return job_id


async def provided(lab: Lab, engine: CeleryEngine, job_id: JobId, video: bytes = SAME) -> JobId:
    for slot, data in ((IMAGE, DOCUMENT), (VIDEO, video)):
        await engine.provide(job_id, slot, lab.upload(job_id, slot, data))
    return job_id


async def reached(
    engine: CeleryEngine, job_id: JobId, *wanted: JobStatus, limit_s: float = 60
) -> EngineView:
    async with asyncio.timeout(limit_s):
        while (view := await engine.view(job_id)).status not in wanted:
            assert not view.status.terminal, view
            await asyncio.sleep(0.02)
    return view


async def succeeded(engine: CeleryEngine, job_id: JobId) -> dict[str, object]:
    view = await reached(engine, job_id, JobStatus.SUCCEEDED)
    assert view.result is not None
    return view.result


def comparisons(lab: Lab, job_id: JobId) -> int:
    """How often the two faces were compared."""
    records = lab.records(job_id, COMPARE_FACES)
    return sum(record.kind is RecordKind.WORKING for record in records)


def ends(lab: Lab, job_id: JobId, deadline_s: float) -> None:
    """Let a session wait until then, in Unix seconds, for what it waits for."""
    with lab.database.begin() as connection:
        change(connection, job_id, deadline_s=deadline_s)
