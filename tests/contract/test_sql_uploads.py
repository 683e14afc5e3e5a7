"""The register of uploads keeps its port's promises on every database."""

import hashlib
import threading

import pytest
from sqlalchemy import Engine as Database

from shared.adapters.sql import connect
from shared.adapters.uploads import SqlUploads
from shared.domain.errors import Conflict
from shared.ports.uploads import Upload
from tests.contract.racing import in_processes, in_threads

ALWAYS_S = 2.0**40
"""Far in the future: every finished job was over before it."""


def a_file(content: str, slot: str = "image") -> Upload:
    return Upload(slot, hashlib.sha256(content.encode()).hexdigest(), "image/jpeg", len(content))


def _outcome(uploads: SqlUploads, job_id: str, upload: Upload) -> str | None:
    try:
        return uploads.offer(job_id, upload).sha256
    except Conflict:
        return None


def test_the_first_file_fills_its_slot_and_is_never_replaced(database: Database) -> None:
    uploads = SqlUploads(database)
    first = a_file("one")
    assert uploads.offer("job", first) == first
    assert uploads.offer("job", first) == first
    with pytest.raises(Conflict, match="image"):
        uploads.offer("job", a_file("other"))
    video = a_file("one", "video")
    uploads.offer("job", video)
    uploads.offer("another job", a_file("other"))
    assert uploads.of_job("job") == {"image": first, "video": video}
    assert uploads.of_job("no job") == {}


def test_the_same_file_by_another_type_is_the_same_file(database: Database) -> None:
    uploads = SqlUploads(database)
    first = a_file("one")
    uploads.offer("job", first)
    again = Upload(first.slot, first.sha256, "image/png", first.size)
    assert uploads.offer("job", again) == first


def test_of_racing_different_files_exactly_one_fills_the_slot(database: Database) -> None:
    uploads = SqlUploads(database)
    for race in range(10):
        job_id = f"job-{race}"
        outcomes = in_threads(8, lambda n, job=job_id: _outcome(uploads, job, a_file(str(n))))
        (winner,) = (outcome for outcome in outcomes if outcome is not None)
        assert uploads.of_job(job_id)["image"].sha256 == winner


def test_racing_offers_of_the_same_file_all_succeed(database: Database) -> None:
    uploads = SqlUploads(database)
    same = a_file("same")
    assert in_threads(8, lambda _: _outcome(uploads, "job", same)) == [same.sha256] * 8


def _offer_all(url: str, number: int) -> list[str | None]:
    uploads = SqlUploads(connect(url))
    return [_outcome(uploads, f"job-{job}", a_file(f"{number}")) for job in range(20)]


def test_of_racing_processes_exactly_one_fills_each_slot(url: str) -> None:
    for outcomes in zip(*in_processes(3, _offer_all, url), strict=True):
        assert len([outcome for outcome in outcomes if outcome is not None]) == 1


def test_only_files_of_jobs_that_were_over_in_time_are_forgotten(database: Database) -> None:
    uploads = SqlUploads(database)
    for job_id in ("over", "open"):
        uploads.offer(job_id, a_file(job_id))
    uploads.finish("over")
    removed: list[str] = []
    assert uploads.forget_finished(0, removed.append) == 0
    assert uploads.forget_finished(ALWAYS_S, removed.append) == 1
    assert removed == [a_file("over").sha256]
    assert uploads.of_job("over") == {}
    assert set(uploads.of_job("open")) == {"image"}
    assert uploads.forget_finished(ALWAYS_S, removed.append) == 0


def test_finishing_again_does_not_keep_a_file_longer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = SqlUploads(database)
    uploads.offer("job", a_file("one"))
    for now in (100.0, 900.0):
        monkeypatch.setattr("shared.adapters.uploads.time.time", lambda now=now: now)
        uploads.finish("job")
    assert uploads.forget_finished(500.0, lambda _: None) == 1


def test_a_file_that_another_job_uses_stays_until_that_one_is_forgotten(database: Database) -> None:
    uploads = SqlUploads(database)
    shared = a_file("shared")
    for job_id in ("one", "two"):
        uploads.offer(job_id, shared)
    removed: list[str] = []
    uploads.finish("one")
    assert uploads.forget_finished(ALWAYS_S, removed.append) == 1
    assert removed == []
    uploads.finish("two")
    assert uploads.forget_finished(ALWAYS_S, removed.append) == 1
    assert removed == [shared.sha256]


def test_many_files_are_forgotten_in_portions_that_end(database: Database) -> None:
    uploads = SqlUploads(database)
    for number in range(70):
        uploads.offer(f"job-{number}", a_file(str(number)))
        uploads.finish(f"job-{number}")
    removed: list[str] = []
    portions: list[int] = []
    while not portions or portions[-1]:
        portions.append(uploads.forget_finished(ALWAYS_S, removed.append))
    assert sum(portions) == 70
    assert max(portions) < 70
    assert len(set(removed)) == 70


def test_a_removal_that_fails_forgets_nothing(database: Database) -> None:
    uploads = SqlUploads(database)
    uploads.offer("job", a_file("one"))
    uploads.finish("job")

    def fail(_: str) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        uploads.forget_finished(ALWAYS_S, fail)
    removed: list[str] = []
    assert uploads.forget_finished(ALWAYS_S, removed.append) == 1
    assert removed == [a_file("one").sha256]


def test_a_file_that_is_offered_while_an_equal_one_is_removed_is_offered_after_that(
    database: Database,
) -> None:
    uploads = SqlUploads(database)
    uploads.offer("old", a_file("same"))
    uploads.finish("old")
    happened: list[str] = []
    offered = threading.Event()

    def offer() -> None:
        uploads.offer("new", a_file("same"))
        happened.append("offered")
        offered.set()

    def remove(_: str) -> None:
        threading.Thread(target=offer).start()
        # If the offer did not wait, this would see it: it has nothing else to wait for.
        offered.wait(0.5)
        happened.append("removed")

    uploads.forget_finished(ALWAYS_S, remove)
    assert offered.wait(30)
    assert happened == ["removed", "offered"]


def test_racing_purges_remove_each_file_and_forget_each_entry_once(database: Database) -> None:
    uploads = SqlUploads(database)
    for number in range(40):
        uploads.offer(f"job-{number}", a_file(str(number)))
        uploads.finish(f"job-{number}")
    removed: list[str] = []
    assert sum(in_threads(4, lambda _: uploads.forget_finished(ALWAYS_S, removed.append))) == 40
    assert len(removed) == len(set(removed)) == 40
