"""The outside world: applies effects, honours idempotency keys, and logs every call.

`POST /{effect}` with `{"job_id", "effect", "amount"?}` and an `Idempotency-Key`. A key that was
applied before is answered 200 and not applied again, as a payment provider would.
`GET /calls` returns the log. `PUT /outages/{job_id}` with `{"effect", "for_s"}` refuses one job's
effect with 503 for so many seconds, as if this world were down; such a call is not logged.
Options make it a worse world: one that does not know keys, that is slow, or that applies an effect
and hangs up instead of answering.
"""

import argparse
import asyncio
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.domain.durability import Durability

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, effect TEXT NOT NULL,
    key TEXT NOT NULL, amount INTEGER, applied INTEGER NOT NULL, wall_s REAL NOT NULL,
    mono_s REAL NOT NULL, unanswered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS calls_by_key ON calls (key, effect);
CREATE INDEX IF NOT EXISTS calls_by_job ON calls (job_id);
"""
_ONCE = ":once-a-job"


class Call(BaseModel):
    """The body of one call."""

    job_id: str
    effect: str
    amount: int | None = None


class Outage(BaseModel):
    """Which effect of a job to refuse, and for how many seconds from now."""

    effect: str
    for_s: float = Field(gt=0)


@dataclass(frozen=True, slots=True)
class DroppedReply:
    """Which effect's callers get no answer: all of them, or the first one of each job."""

    effect: str
    once_a_job: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `capture_credits` or `capture_credits:once-a-job`."""
        return cls(text.removesuffix(_ONCE), text.endswith(_ONCE))


@dataclass(frozen=True, slots=True)
class Manners:
    """How the sink treats its callers; by default as well as it can."""

    honours_keys: bool = True
    delay_s: float = 0.0
    """How long a caller waits for its answer, once the effect is applied."""
    drops: DroppedReply | None = None
    durability: Durability = Durability.PROCESS


class Log:
    """The calls, in SQLite: written before the caller is answered."""

    def __init__(self, path: Path, manners: Manners) -> None:
        self._manners = manners
        self._db = sqlite3.connect(path, isolation_level=None, timeout=20)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={manners.durability.sqlite_synchronous}")
        self._db.executescript(_SCHEMA)
        columns = {row["name"] for row in self._db.execute("PRAGMA table_info(calls)")}
        if "unanswered" not in columns:  # a log that an earlier version began
            self._db.execute("ALTER TABLE calls ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0")

    def add(self, call: Call, effect: str, key: str) -> tuple[bool, bool]:
        """Log one call; return whether it was applied, and whether to hang up on its caller.

        Where keys are honoured, the first call with a key is applied, else every call.
        """
        self._db.execute("BEGIN IMMEDIATE")
        seen = self._manners.honours_keys and self._one(
            "SELECT 1 FROM calls WHERE key = ? AND effect = ? AND applied = 1", key, effect
        )
        unanswered = self._drops(call.job_id, effect)
        self._db.execute(
            "INSERT INTO calls (job_id, effect, key, amount, applied, wall_s, mono_s, unanswered)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(call.job_id, effect, key, call.amount, not seen),
                *(time.time(), time.monotonic(), unanswered),
            ),
        )
        self._db.execute("COMMIT")
        return not seen, unanswered

    def calls(self, job_id: str | None) -> list[dict[str, Any]]:
        """Return the calls, of one job or all, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM calls WHERE :job IS NULL OR job_id = :job ORDER BY seq", {"job": job_id}
        )
        truths = ("applied", "unanswered")
        return [{**dict(row), **{name: bool(row[name]) for name in truths}} for row in rows]

    def _drops(self, job_id: str, effect: str) -> bool:
        drops = self._manners.drops
        if drops is None or drops.effect != effect:
            return False
        known = "SELECT 1 FROM calls WHERE job_id = ? AND effect = ?"
        return not (drops.once_a_job and self._one(known, job_id, effect))

    def _one(self, query: str, *values: str) -> bool:
        return self._db.execute(f"{query} LIMIT 1", values).fetchone() is not None


class HangingUp(H11Protocol):
    """HTTP in which a handler may close the connection: `request.state.hang_up()`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give this connection's requests a way to end it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "hang_up": transport.abort}


def create_app(database: Path, manners: Manners) -> FastAPI:
    """Return the sink over the log at `database`."""
    app = FastAPI(title="Changeover effect sink")
    log = Log(database, manners)
    out_until_s: dict[tuple[str, str], float] = {}

    @app.get("/calls")
    async def calls(job_id: str | None = None) -> JSONResponse:
        # As it is: to check and copy each of a long run's calls would take most of the time.
        return JSONResponse(log.calls(job_id))

    @app.put("/outages/{job_id}", status_code=204)
    async def refuse(job_id: str, outage: Outage) -> None:
        out_until_s[job_id, outage.effect] = time.monotonic() + outage.for_s

    @app.post("/{effect}")
    async def apply(
        effect: str, call: Call, idempotency_key: Annotated[str, Header()], request: Request
    ) -> dict[str, bool]:
        if time.monotonic() < out_until_s.get((call.job_id, effect), 0.0):
            raise HTTPException(503, f"{effect} of this job is refused for now")
        applied, unanswered = log.add(call, effect, idempotency_key)
        await asyncio.sleep(manners.delay_s)
        if unanswered:
            request.state.hang_up()
            # One turn of the loop, for the server to see that nobody is left to be answered.
            await asyncio.sleep(0)
        return {"applied": applied}

    return app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="bench.arms.effect_sink", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument(
        "--durability",
        type=Durability,
        default=Durability.PROCESS,
        help="what a call survives",
    )
    parser.add_argument(
        "--ignore-keys", action="store_true", help="apply every call, whatever its key"
    )
    parser.add_argument(
        "--delay-s", type=float, default=0.0, help="seconds from applying an effect to answering"
    )
    parser.add_argument(
        "--drop-reply",
        type=DroppedReply.parse,
        metavar=f"EFFECT[{_ONCE}]",
        help="apply the effect and close the connection instead of answering",
    )
    given = parser.parse_args()
    manners = Manners(not given.ignore_keys, given.delay_s, given.drop_reply, given.durability)
    uvicorn.run(
        create_app(given.database, manners),
        host=given.host,
        port=given.port,
        log_level="warning",
        http=HangingUp,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
