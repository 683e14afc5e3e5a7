"""A deploy's outcome in words."""

from collections.abc import Mapping

from bench.checkers.deploys import Fate
from bench.record.metrics import Bucket
from bench.verbs.deploys import say_fate


def _fate(counts: Mapping[Bucket, int], *, stuck: int = 0, repeats: int = 0) -> Fate:
    finished = counts.get(Bucket.COMPLETED)
    return Fate(
        jobs=sum(counts.values()),
        counts=counts,
        stuck=stuck,
        re_executions=repeats,
        duplicate_effects=0,
        at_once=0,
        last_finished_s=12.3 if finished else None,
        last_seen_s=60.0,
        why="",
    )


def test_jobs_that_finished_are_said_with_the_time_of_the_last() -> None:
    assert say_fate(_fate({Bucket.COMPLETED: 8})) == "8 of 8 finished by 12 s"


def test_stuck_waiting_and_lost_jobs_are_told_apart_with_the_time_of_the_last_look() -> None:
    counts = {Bucket.COMPLETED: 1, Bucket.UNRECOVERED: 3, Bucket.LOST: 2}
    said = say_fate(_fate(counts, stuck=2))
    assert said == "1 of 6 finished by 12 s, 2 stuck, 1 waiting, 2 lost at 60 s"


def test_repeats_are_said_where_there_are_any() -> None:
    said = say_fate(_fate({Bucket.COMPLETED: 1}, repeats=3))
    assert said == "1 of 1 finished by 12 s, 3 attempts repeated"
