"""The outside world: applies effects, honours idempotency keys, and logs every call.

`POST /{effect}` with `{"job_id", "effect", "amount"?}` and an `Idempotency-Key`. A key that was
applied before is answered 200 and not applied again, as a payment provider would.
`GET /calls` returns the log.
"""

import argparse
import sqlite3
import time
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header
from pydantic import BaseModel

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, effect TEXT NOT NULL,
    key TEXT NOT NULL, amount INTEGER, applied INTEGER NOT NULL, wall_s REAL NOT NULL,
    mono_s REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_key ON calls (key, effect);
CREATE INDEX IF NOT EXISTS calls_by_job ON calls (job_id);
"""


class Call(BaseModel):
    """The body of one call."""

    job_id: str
    effect: str
    amount: int | None = None


class Log:
    """The calls, in SQLite: written before the caller is answered."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=20)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def add(self, call: Call, effect: str, key: str) -> bool:
        """Log one call; return whether it was applied, that is, the first with its key."""
        self._db.execute("BEGIN IMMEDIATE")
        seen = self._db.execute(
            "SELECT 1 FROM calls WHERE key = ? AND effect = ? AND applied = 1 LIMIT 1",
            (key, effect),
        ).fetchone()
        self._db.execute(
            "INSERT INTO calls (job_id, effect, key, amount, applied, wall_s, mono_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (call.job_id, effect, key, call.amount, not seen, time.time(), time.monotonic()),
        )
        self._db.execute("COMMIT")
        return not seen

    def calls(self, job_id: str | None) -> list[dict[str, Any]]:
        """Return the calls, of one job or all, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM calls WHERE :job IS NULL OR job_id = :job ORDER BY seq", {"job": job_id}
        )
        return [{**dict(row), "applied": bool(row["applied"])} for row in rows]


def create_app(database: Path) -> FastAPI:
    """Return the sink over the log at `database`."""
    app = FastAPI(title="Changeover effect sink")
    log = Log(database)

    @app.get("/calls")
    async def calls(job_id: str | None = None) -> list[dict[str, Any]]:
        return log.calls(job_id)

    @app.post("/{effect}")
    async def apply(
        effect: str, call: Call, idempotency_key: Annotated[str, Header()]
    ) -> dict[str, bool]:
        return {"applied": log.add(call, effect, idempotency_key)}

    return app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        create_app(arguments.database),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
