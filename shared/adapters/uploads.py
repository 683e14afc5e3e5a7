"""The register of uploads in SQL."""

import time
from collections.abc import Callable, Mapping

from sqlalchemy import Column, Float, Integer, String, Table, delete, select, tuple_, update
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_if_absent, metadata, take_turns, transaction
from shared.domain.errors import Conflict
from shared.ports.uploads import Upload

_uploads = Table(
    "uploads",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("slot", String(20), primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("media_type", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("finished_at_s", Float(53), nullable=True, index=True),
)
_TURNS = "uploads"
# Offers wait while files are removed, so that is done in small portions.
_FORGET_AT_ONCE = 50


class SqlUploads:
    """`Uploads` by the primary key: the first insert wins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def offer(self, job_id: str, upload: Upload) -> Upload:
        row = {
            "job_id": job_id,
            "slot": upload.slot,
            "sha256": upload.sha256,
            "media_type": upload.media_type,
            "size": upload.size,
        }
        with transaction(self._database) as connection:
            take_turns(connection, _TURNS)
            if insert_if_absent(connection, _uploads, row):
                return upload
            known = connection.execute(
                select(_uploads).where(_uploads.c.job_id == job_id, _uploads.c.slot == upload.slot)
            ).one()
        if known.sha256 != upload.sha256:
            raise Conflict(f"another file fills the slot {upload.slot!r} of this job already")
        return Upload(known.slot, known.sha256, known.media_type, known.size)

    def of_job(self, job_id: str) -> Mapping[str, Upload]:
        query = select(_uploads).where(_uploads.c.job_id == job_id)
        with self._database.connect().execution_options(read_only=True) as connection:
            return {
                row.slot: Upload(row.slot, row.sha256, row.media_type, row.size)
                for row in connection.execute(query)
            }

    def finish(self, job_id: str) -> None:
        with transaction(self._database) as connection:
            connection.execute(
                update(_uploads)
                .where(_uploads.c.job_id == job_id, _uploads.c.finished_at_s.is_(None))
                .values(finished_at_s=time.time())
            )

    def forget_finished(self, before_s: float, remove: Callable[[str], None]) -> int:
        key = tuple_(_uploads.c.job_id, _uploads.c.slot)
        with transaction(self._database) as connection:
            take_turns(connection, _TURNS)
            old = connection.execute(
                select(_uploads)
                .where(_uploads.c.finished_at_s < before_s)
                .order_by(_uploads.c.finished_at_s)
                .limit(_FORGET_AT_ONCE)
            ).all()
            hashes = {row.sha256 for row in old}
            connection.execute(delete(_uploads).where(key.in_([(r.job_id, r.slot) for r in old])))
            used = select(_uploads.c.sha256).where(_uploads.c.sha256.in_(hashes))
            for sha256 in sorted(hashes - set(connection.execute(used).scalars())):
                remove(sha256)
        return len(old)
