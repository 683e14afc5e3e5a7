"""Processes that share a database: racing ones agree, and a killed one harms nothing."""

import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import Engine as Database
from sqlalchemy import text

from shared.adapters.decisions import SqlDecisions
from shared.adapters.idempotency import idempotency_store
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.domain.jobs import IMAGE_GENERATION
from shared.ports.idempotency import Claimed, IdempotencyMode
from tests.contract.racing import in_processes

_WRITER = Path(__file__).with_name("sql_writer.py")
_RACES = 20


def _race(url: str, number: int) -> list[tuple[str, str, bool]]:
    database = connect(url)
    create_tables(database)
    decisions, jobs = SqlDecisions(database), SqlJobs(database)
    steps = idempotency_store(IdempotencyMode.FENCED, database)
    return [
        (
            decisions.decide(f"decision-{race}", f"value-{number}"),
            jobs.register(IMAGE_GENERATION, "celery", "{}", f"key-{race}").job_id,
            isinstance(steps.begin(f"step-{race}", str(number), lease_s=60), Claimed),
        )
        for race in range(_RACES)
    ]


def test_racing_processes_agree_on_tables_decisions_jobs_and_claims(empty_url: str) -> None:
    for outcomes in zip(*in_processes(3, _race, empty_url), strict=True):
        decided, job_ids, claims = zip(*outcomes, strict=True)
        assert len(set(decided)) == 1
        assert len(set(job_ids)) == 1
        assert claims.count(True) == 1


def _open_new_files(folder: str, _number: int) -> None:
    for race in range(50):
        # All on the same tick of the clock: what is looked for lasts some microseconds.
        time.sleep(0.02 - time.time() % 0.02)
        with connect(f"sqlite:///{folder}/{race}.db").connect():
            pass


def test_processes_may_open_a_new_sqlite_file_at_the_same_moment(tmp_path: Path) -> None:
    in_processes(4, _open_new_files, str(tmp_path))


def _write_until_killed(url: str, first: int, at_least: int) -> int:
    """Kill a writer, by SIGKILL, in the middle of its writing; return its last acknowledgement."""
    with subprocess.Popen(
        [sys.executable, str(_WRITER), url, str(first)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = first - 1
        try:
            while acknowledged < first + at_least:
                acknowledged = int(writer.stdout.readline())
        finally:
            writer.kill()
        # What it had acknowledged by then; a torn last line is none.
        for line in writer.stdout:
            if line.endswith("\n"):
                acknowledged = int(line)
    return acknowledged


def test_a_killed_writer_loses_nothing_that_it_was_told_is_stored(
    url: str, database: Database
) -> None:
    ledger, jobs = SqlLedger(database), SqlJobs(database)
    first = 0
    for _ in range(3):
        acknowledged = _write_until_killed(url, first, at_least=40)
        stored = [record.done for record in ledger.of_job("job")]
        # One more than was acknowledged may be there: stored, and killed before it could say so.
        assert stored in (list(range(acknowledged + 1)), list(range(acknowledged + 2)))
        # A submission is two rows; if one of them were missing, this would raise.
        for number in range(first, acknowledged + 2):
            jobs.register(IMAGE_GENERATION, "celery", str(number), f"key-{number}")
        first = stored[-1] + 1
    if database.dialect.name == "sqlite":
        with database.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
