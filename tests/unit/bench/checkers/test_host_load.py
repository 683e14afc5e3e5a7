"""On a machine that did not keep up, seconds are nobody's, and losses stay what they are."""

import pytest

from bench.checkers.host_load import KEPT_UP
from bench.record.metrics import Bucket, Verdict
from bench.report.measures import recovery
from shared.domain.jobs import Bound
from shared.domain.status import JobStatus
from tests.unit.bench.builder import Story

PROMISES = ["no_loss", "within_bound", "faults_confirmed"]
STARVED = {"stretch": 19.0}


def killed(*, after: float = 4.0, **looks: float) -> Story:
    """A killed job that is started again, on a machine of which this was seen."""
    story = Story(fault="sigkill", trials=1, demands=PROMISES).killed("a", after=after)
    return story.machine(busy=0.9, from_s=-5, to_s=60, **looks)


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ({"stretch": 19.0}, "19.0 times as long as alone"),
        ({"io_stall": 0.6}, "waited for the disk for 60%"),
        ({"memory_stall": 0.6}, "waited for the memory for 60%"),
        ({"fsync_s": 0.5}, "500 ms"),
    ],
)
def test_what_was_short_makes_the_cell_unknown_and_is_said_first(
    looks: dict[str, float], reason: str
) -> None:
    story = killed(**looks)
    assert story.check(KEPT_UP).verdict is Verdict.UNKNOWN
    first, *rest = story.metrics().answer
    assert first.startswith("This machine was too busy to tell")
    assert reason in first
    assert " s on" not in " ".join(rest)
    assert "after" not in " ".join(rest)


def test_a_machine_that_kept_up_is_not_mentioned() -> None:
    story = killed(stretch=1.5, io_stall=0.02, memory_stall=0.0, fsync_s=0.002)
    assert story.cell().verdict is Verdict.VALID
    assert not story.metrics().answer[0].startswith("This machine")


def test_a_history_in_which_nobody_looked_is_judged_as_before() -> None:
    assert killed().check(KEPT_UP).verdict is Verdict.VALID


def test_a_server_that_was_too_slow_for_itself_makes_its_own_cells_unknown() -> None:
    def story(server: str) -> Story:
        return killed().complains(server, times=500, at=10.0)

    # The cells of the builder are those of an arm on Celery.
    assert story("redis").check(KEPT_UP).verdict is Verdict.UNKNOWN
    assert story("temporal").check(KEPT_UP).verdict is Verdict.VALID


def test_a_server_that_was_held_up_by_its_own_word_makes_its_own_cells_unknown() -> None:
    def story(server: str, pause_s: float) -> Story:
        return killed().pauses(server, pause_s, at=range(60))

    assert story("redis", 0.4).check(KEPT_UP).verdict is Verdict.UNKNOWN
    assert story("redis", 0.05).check(KEPT_UP).verdict is Verdict.VALID
    assert story("temporal", 0.4).check(KEPT_UP).verdict is Verdict.VALID


def test_a_pause_that_is_noted_twice_in_a_second_counts_once() -> None:
    story = killed().pauses("redis", 0.08, at=range(60))
    story.pauses("redis", 0.08, at=range(60), event="aof-fsync-always")
    assert story.check(KEPT_UP).verdict is Verdict.VALID


def test_no_second_is_shown_of_such_a_cell() -> None:
    cell = killed(**STARVED).cell()
    assert cell.recovery_s.samples  # the record keeps what was measured
    assert recovery(cell, None).text == "–"
    assert "too busy" in recovery(cell, None).note
    assert not cell.terms_s


def test_a_late_recovery_and_a_job_still_open_accuse_no_engine() -> None:
    late = killed(after=10.5, **STARVED)
    assert late.check("recovery within bound").verdict is Verdict.UNKNOWN
    open_ = killed(**STARVED).submit("b").final("b", JobStatus.RUNNING, held=True)
    assert open_.check("no loss").verdict is Verdict.UNKNOWN
    assert open_.cell().verdict is Verdict.UNKNOWN


def test_a_job_that_was_lost_is_lost_on_any_machine() -> None:
    story = Story(
        fault="sigkill", trials=1, demands=PROMISES, predicted=Bound(None, {}, "early ack")
    ).healthy("h")
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None, worker="gpu-9", pid=9)
    story.fault("t", "a", "a-1", 6.0, worker="gpu-9", pid=9)
    story.final("a", JobStatus.RUNNING, held=False).machine(busy=1, from_s=-5, to_s=60, **STARVED)
    assert story.check("no loss").verdict is Verdict.INVALID
    assert story.cell().buckets[Bucket.LOST] == 1
