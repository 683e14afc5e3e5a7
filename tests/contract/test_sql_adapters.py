"""Ledger, decisions, jobs and workers keep their ports' promises on every database."""

import threading

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import inspect

from shared.adapters.decisions import SqlDecisions
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.workers import SqlWorkers
from shared.domain.errors import Conflict, UnknownJob
from shared.domain.ids import JobId, new_job_id
from shared.domain.jobs import IMAGE_GENERATION, Artifact
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.jobs import Acceptance, RegisteredJob
from tests.contract.racing import in_threads

TABLES = {"artifacts", "decisions", "job_keys", "jobs", "ledger", "workers"}


def a_record(job_id: str = "job", done: int = 0) -> AttemptRecord:
    return AttemptRecord(
        RecordKind.PROGRESS, job_id, "generate_image/0", 1, "a" * 32, "gpu-0", 17, done, 20, "é"
    )


def register(
    jobs: SqlJobs, key: str | None = None, request: str = "{}", engine: str = "celery"
) -> RegisteredJob:
    return jobs.register(IMAGE_GENERATION, engine, request, key)


# Tables


def test_tables_may_be_created_by_several_callers_at_once(empty_url: str) -> None:
    databases = [connect(empty_url) for _ in range(8)]
    in_threads(8, lambda number: create_tables(databases[number]))
    assert set(inspect(databases[0]).get_table_names()) >= TABLES
    for database in databases:
        database.dispose()


# Ledger


def test_a_record_is_read_back_as_it_was_written(database: Database) -> None:
    ledger = SqlLedger(database)
    written = a_record()
    ledger.append(written)
    (read,) = ledger.of_job("job")
    assert read.seq > 0
    assert {**_fields(read), "seq": 0} == _fields(written)


def test_since_returns_only_later_records_oldest_first(database: Database) -> None:
    ledger = SqlLedger(database)
    for done in range(5):
        ledger.append(a_record(done=done))
    everything = ledger.since(0)
    assert [record.done for record in everything] == [0, 1, 2, 3, 4]
    assert [record.done for record in ledger.since(everything[2].seq)] == [3, 4]
    assert ledger.since(everything[-1].seq) == []


def test_a_jobs_records_are_only_its_own(database: Database) -> None:
    ledger = SqlLedger(database)
    for job_id in ("one", "other", "one"):
        ledger.append(a_record(job_id))
    assert [record.job_id for record in ledger.of_job("one")] == ["one", "one"]
    assert ledger.of_job("neither") == []


def test_a_reader_that_follows_the_ledger_misses_no_record(database: Database) -> None:
    ledger = SqlLedger(database)
    writers, each = 6, 50
    over = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        newest, last_look = 0, False
        while not last_look:
            last_look = over.is_set()
            for record in ledger.since(newest):
                newest = record.seq
                seen.append(record.done)

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        in_threads(
            writers,
            lambda writer: [ledger.append(a_record(done=writer * each + i)) for i in range(each)],
        )
    finally:
        over.set()
        reader.join()
    assert sorted(seen) == list(range(writers * each))


def _fields(record: AttemptRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in AttemptRecord.__slots__}


# Decisions


def test_the_first_decision_stands(database: Database) -> None:
    decisions = SqlDecisions(database)
    assert decisions.decide("settlement", "captured") == "captured"
    assert decisions.decide("settlement", "released") == "captured"


def test_racing_proposals_all_learn_the_same_decision(database: Database) -> None:
    decisions = SqlDecisions(database)
    for race in range(10):
        learnt = in_threads(8, lambda n, key=f"race-{race}": decisions.decide(key, f"value-{n}"))
        assert len(set(learnt)) == 1


# Jobs


def test_a_registered_job_is_pending_and_is_found(database: Database) -> None:
    jobs = SqlJobs(database)
    job = register(jobs, request='{"n": 1}')
    assert job.acceptance is Acceptance.PENDING
    assert jobs.get(job.job_id) == job


def test_the_same_key_and_body_return_the_same_job(database: Database) -> None:
    jobs = SqlJobs(database)
    first = register(jobs, "key", '{"n": 1}')
    # The pin to an engine is written once: a later flag does not move the job.
    again = register(jobs, "key", '{"n": 1}', engine="temporal")
    assert again == first
    assert register(jobs, "another key", '{"n": 1}').job_id != first.job_id
    assert register(jobs, None, '{"n": 1}').job_id != first.job_id


def test_a_key_that_comes_with_another_body_or_workload_is_a_conflict(database: Database) -> None:
    jobs = SqlJobs(database)
    register(jobs, "key", '{"n": 1}')
    with pytest.raises(Conflict):
        register(jobs, "key", '{"n": 2}')
    with pytest.raises(Conflict):
        jobs.register("another workload", "celery", '{"n": 1}', "key")


def test_racing_submissions_with_one_key_make_one_job(database: Database) -> None:
    jobs = SqlJobs(database)
    for race in range(10):
        racing = in_threads(8, lambda _, key=f"key-{race}": register(jobs, key))
        assert len({job.job_id for job in racing}) == 1
    assert len(jobs.page(limit=100, before_s=None, engine=None, workload=None)) == 10


def test_accept_and_reject_race_to_one_outcome(database: Database) -> None:
    jobs = SqlJobs(database)
    for _ in range(10):
        job_id = register(jobs).job_id

        def decide(number: int, job_id: JobId = job_id) -> bool:
            return jobs.accept(job_id) if number % 2 else jobs.reject(job_id)

        outcomes = in_threads(8, decide)
        rejected, accepted = set(outcomes[::2]), set(outcomes[1::2])
        assert {*rejected, *accepted} == {True, False}
        assert rejected != accepted


def test_deciding_twice_the_same_way_holds_twice(database: Database) -> None:
    jobs = SqlJobs(database)
    job_id = register(jobs).job_id
    assert jobs.accept(job_id)
    assert jobs.accept(job_id)
    assert not jobs.reject(job_id)
    assert jobs.get(job_id).acceptance is Acceptance.ACCEPTED


def test_a_rejected_job_is_unknown_and_gives_its_key_free(database: Database) -> None:
    jobs = SqlJobs(database)
    rejected = register(jobs, "key")
    assert jobs.reject(rejected.job_id)
    with pytest.raises(UnknownJob):
        jobs.get(rejected.job_id)
    racing = in_threads(8, lambda _: register(jobs, "key"))
    assert len({job.job_id for job in racing}) == 1
    assert racing[0].job_id != rejected.job_id
    assert racing[0].acceptance is Acceptance.PENDING


def test_a_job_that_never_was_is_unknown(database: Database) -> None:
    jobs = SqlJobs(database)
    with pytest.raises(UnknownJob):
        jobs.get(new_job_id())
    assert not jobs.accept(new_job_id())


def test_pages_are_newest_first_and_can_be_narrowed(database: Database) -> None:
    jobs = SqlJobs(database)
    made = [register(jobs, engine=engine) for engine in ("celery", "temporal", "celery")]
    assert jobs.reject(register(jobs).job_id)

    def page(
        limit: int = 10, before_s: float | None = None, engine: str | None = None
    ) -> list[str]:
        found = jobs.page(limit=limit, before_s=before_s, engine=engine, workload=IMAGE_GENERATION)
        return [job.job_id for job in found]

    first, second, third = (job.job_id for job in made)
    assert page() == [third, second, first]
    assert page(limit=2) == [third, second]
    assert page(before_s=made[1].created_at_s) == [first]
    assert page(engine="temporal") == [second]
    assert jobs.page(limit=10, before_s=None, engine=None, workload="another") == []


def test_artifacts_come_by_name_and_a_repeat_changes_nothing(database: Database) -> None:
    jobs = SqlJobs(database)
    job_id = register(jobs).job_id
    sheet, image = (Artifact(name, "image/png", "0" * 64) for name in ("sheet.png", "image-0.png"))
    for artifact in (sheet, image, Artifact("sheet.png", "image/png", "1" * 64)):
        jobs.add_artifact(job_id, artifact)
    assert jobs.artifacts(job_id) == [image, sheet]


# Workers


def test_a_worker_is_alive_until_it_leaves_and_only_its_own_process_leaves(
    database: Database,
) -> None:
    workers = SqlWorkers(database)
    for pid in (1, 2):
        workers.beat("gpu-0", "gpu", "celery", pid)
    assert [(w.name, w.role, w.engine) for w in workers.alive()] == [("gpu-0", "gpu", "celery")] * 2
    workers.leave("gpu-0", 1)
    assert [worker.pid for worker in workers.alive()] == [2]


def test_a_silent_worker_is_not_alive_and_a_beat_revives_it(database: Database) -> None:
    workers = SqlWorkers(database)
    workers.beat("gpu-0", "gpu", "temporal", 1)
    assert workers.alive(within_s=0) == []
    seen = workers.alive()[0].age_s
    workers.beat("gpu-0", "gpu", "temporal", 1)
    (worker,) = workers.alive()
    assert min(worker.age_s, seen) >= 0
