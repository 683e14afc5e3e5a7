"""The register of jobs in SQL."""

import hashlib
import time
from collections.abc import Sequence

from sqlalchemy import Column, Float, Row, String, Table, Text, select, update
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_if_absent, insert_or_ignore, metadata, transaction
from shared.domain.errors import Conflict, UnknownJob
from shared.domain.ids import JobId, new_job_id
from shared.domain.jobs import Artifact
from shared.ports.jobs import Acceptance, RegisteredJob

_jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("workload", String(40), nullable=False),
    Column("engine", String(20), nullable=False),
    Column("request", Text, nullable=False),
    Column("acceptance", String(10), nullable=False),
    Column("created_at_s", Float(53), nullable=False, index=True),
)
_keys = Table(
    "job_keys",
    metadata,
    Column("idempotency_key", String(200), primary_key=True),
    Column("job_id", String(36), nullable=False),
    Column("body_sha256", String(64), nullable=False),
)
_artifacts = Table(
    "artifacts",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("media_type", String(80), nullable=False),
    Column("sha256", String(64), nullable=False),
)


class SqlJobs:
    """`Jobs` in three tables; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self, workload: str, engine: str, request: str, idempotency_key: str | None
    ) -> RegisteredJob:
        job = RegisteredJob(
            new_job_id(), workload, engine, request, Acceptance.PENDING, time.time()
        )
        body = hashlib.sha256(f"{workload}\0{request}".encode()).hexdigest()
        with transaction(self._database) as connection:
            if idempotency_key is not None:
                row = {
                    "idempotency_key": idempotency_key,
                    "job_id": job.job_id,
                    "body_sha256": body,
                }
                if not insert_if_absent(connection, _keys, row):
                    key = connection.execute(
                        select(_keys)
                        .where(_keys.c.idempotency_key == idempotency_key)
                        .with_for_update()
                    ).one()
                    if key.body_sha256 != body:
                        raise Conflict
                    known = connection.execute(
                        select(_jobs).where(_jobs.c.job_id == key.job_id)
                    ).one()
                    if known.acceptance != Acceptance.REJECTED:
                        return _job(known)
                    connection.execute(
                        update(_keys)
                        .where(_keys.c.idempotency_key == idempotency_key)
                        .values(job_id=job.job_id)
                    )
            connection.execute(
                _jobs.insert(),
                {
                    "job_id": job.job_id,
                    "workload": workload,
                    "engine": engine,
                    "request": request,
                    "acceptance": job.acceptance,
                    "created_at_s": job.created_at_s,
                },
            )
        return job

    def accept(self, job_id: JobId) -> bool:
        return self._decide(job_id, Acceptance.ACCEPTED)

    def reject(self, job_id: JobId) -> bool:
        return self._decide(job_id, Acceptance.REJECTED)

    def _decide(self, job_id: JobId, verdict: Acceptance) -> bool:
        with transaction(self._database) as connection:
            connection.execute(
                update(_jobs)
                .where(_jobs.c.job_id == job_id, _jobs.c.acceptance == Acceptance.PENDING)
                .values(acceptance=verdict)
            )
            stands = connection.execute(
                select(_jobs.c.acceptance).where(_jobs.c.job_id == job_id)
            ).scalar_one_or_none()
        return stands == verdict

    def get(self, job_id: JobId) -> RegisteredJob:
        with self._database.connect().execution_options(read_only=True) as connection:
            row = connection.execute(select(_jobs).where(_jobs.c.job_id == job_id)).first()
        if row is None or row.acceptance == Acceptance.REJECTED:
            raise UnknownJob(f"no job {job_id}; check the id that the submit call returned")
        return _job(row)

    def page(
        self, *, limit: int, before_s: float | None, engine: str | None, workload: str | None
    ) -> Sequence[RegisteredJob]:
        query = select(_jobs).where(_jobs.c.acceptance != Acceptance.REJECTED)
        if before_s is not None:
            query = query.where(_jobs.c.created_at_s < before_s)
        if engine is not None:
            query = query.where(_jobs.c.engine == engine)
        if workload is not None:
            query = query.where(_jobs.c.workload == workload)
        query = query.order_by(_jobs.c.created_at_s.desc()).limit(limit)
        with self._database.connect().execution_options(read_only=True) as connection:
            return [_job(row) for row in connection.execute(query)]

    def add_artifact(self, job_id: str, artifact: Artifact) -> None:
        row = {
            "job_id": job_id,
            "name": artifact.name,
            "media_type": artifact.media_type,
            "sha256": artifact.sha256,
        }
        with transaction(self._database) as connection:
            connection.execute(insert_or_ignore(self._database, _artifacts), row)

    def artifacts(self, job_id: str) -> Sequence[Artifact]:
        query = select(_artifacts).where(_artifacts.c.job_id == job_id).order_by(_artifacts.c.name)
        with self._database.connect().execution_options(read_only=True) as connection:
            return [
                Artifact(row.name, row.media_type, row.sha256) for row in connection.execute(query)
            ]


def _job(row: Row[*tuple[object, ...]]) -> RegisteredJob:
    values = dict(row._mapping)
    values["acceptance"] = Acceptance(values["acceptance"])
    return RegisteredJob(**values)
