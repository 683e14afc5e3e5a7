"""Builds a `JobView` from what the engine, the register and the ledger know."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from shared.domain.jobs import Artifact, EngineView
from shared.domain.records import AttemptRecord
from shared.facade.models import ArtifactView, AttemptView, FileView, JobView
from shared.facade.progress import progress_of
from shared.ports.jobs import RegisteredJob
from shared.ports.uploads import Upload


def job_view(
    job: RegisteredJob,
    engine: EngineView,
    records: Sequence[AttemptRecord],
    artifacts: Sequence[Artifact],
    inputs: Sequence[Upload],
    engine_ui_url: str | None,
) -> JobView:
    """Put together one job's view. The engine has the say on status, result and error."""
    attempts = attempt_views(records)
    newest = max([job.created_at_s, engine.updated_at_s or 0.0, *(r.wall_s for r in records)])
    running = [attempt.step for attempt in attempts if attempt.outcome == "running"]
    newest_step = running[-1] if running else None
    return JobView(
        job_id=job.job_id,
        workload=job.workload,
        engine=job.engine,
        status=engine.status,
        step=None if engine.status.terminal else engine.step or newest_step,
        progress=progress_of(job, records),
        attempts=attempts,
        inputs=[file_view(upload) for upload in inputs],
        artifacts=[artifact_view(job.job_id, artifact) for artifact in artifacts],
        result=engine.result,
        error=engine.error,
        stuck=engine.stuck,
        created_at=_time(job.created_at_s),
        updated_at=_time(newest),
        engine_ui_url=engine_ui_url,
    )


def artifact_view(job_id: str, artifact: Artifact) -> ArtifactView:
    """Return an artifact with the URL that serves it."""
    url = f"/v1/jobs/{job_id}/artifacts/{artifact.name}"
    return ArtifactView(
        name=artifact.name, media_type=artifact.media_type, sha256=artifact.sha256, url=url
    )


def file_view(upload: Upload) -> FileView:
    """Return a file that a client has brought. It is not served: it shows a person."""
    return FileView(
        slot=upload.slot, sha256=upload.sha256, media_type=upload.media_type, size=upload.size
    )


def attempt_views(records: Sequence[AttemptRecord]) -> list[AttemptView]:
    """Return one view an attempt, in the order in which they started."""
    by_attempt = groupby(
        sorted(records, key=lambda r: (r.attempt_id, r.seq)), key=lambda r: r.attempt_id
    )
    executions = [list(group) for _, group in by_attempt]
    executions.sort(key=lambda execution: execution[0].seq)
    return [
        _attempt_view(execution, later=executions[place + 1 :])
        for place, execution in enumerate(executions)
    ]


def _attempt_view(execution: list[AttemptRecord], later: list[list[AttemptRecord]]) -> AttemptView:
    first, last = execution[0], execution[-1]
    ended = last.kind.ends_attempt
    followed = any(other[0].step == first.step for other in later)
    return AttemptView(
        step=first.step,
        attempt=first.attempt,
        worker=first.worker,
        pid=first.pid,
        started_at=_time(first.wall_s),
        ended_at=_time(last.wall_s) if ended else None,
        outcome=last.kind.value if ended else "died" if followed else "running",
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
