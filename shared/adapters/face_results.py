"""The table of finished comparisons in SQL."""

from sqlalchemy import Column, String, Table, Text, select
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_if_absent, metadata, transaction

_results = Table(
    "face_results",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("job_id", String(36), nullable=False, index=True),
    Column("result", Text, nullable=False),
)


class SqlFaceResults:
    """`FaceResults` by the primary key: the first insert wins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, key: str, job_id: str, result_json: str) -> str:
        row = {"key": key, "job_id": job_id, "result": result_json}
        with transaction(self._database) as connection:
            if insert_if_absent(connection, _results, row):
                return result_json
            stored: str = connection.execute(
                select(_results.c.result).where(_results.c.key == key)
            ).scalar_one()
            return stored

    def get(self, key: str) -> str | None:
        with self._database.connect().execution_options(read_only=True) as connection:
            stored: str | None = connection.execute(
                select(_results.c.result).where(_results.c.key == key)
            ).scalar_one_or_none()
            return stored
