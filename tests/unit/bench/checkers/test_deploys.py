"""What became of jobs around a deploy."""

from bench.checkers.by_job import by_cell
from bench.checkers.deploys import Fate, judge
from bench.record.metrics import Bucket
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import CELL, Story

_DEPLOYED_S = 20.0


def _judged(story: Story) -> Fate:
    return judge(by_cell(story.cells, story.history)[CELL], _DEPLOYED_S)


def _picture(story: Story, job: str, index: int, from_s: float, to_s: float) -> None:
    story.attempt(
        job,
        f"{job}-{index}",
        at=from_s,
        working=from_s,
        ends=(RecordKind.FINISHED, to_s),
        step=f"generate_image/{index}",
    )


def test_a_job_that_was_over_before_the_deploy_says_nothing_of_it() -> None:
    fate = _judged(Story().healthy("early", at=0).healthy("open", at=15))
    assert (fate.jobs, fate.finished, fate.last_finished_s) == (1, 1, 7.0)


def test_a_stuck_job_is_told_from_one_that_waits_and_from_a_lost_one() -> None:
    story = Story().submit("stuck").submit("waits").submit("lost")
    story.final("waits", JobStatus.RUNNING, held=True, at=55.0)
    story.final("stuck", JobStatus.RUNNING, held=True, stuck=True, at=60.0)
    story.final("lost", JobStatus.RUNNING, held=False, at=50.0)
    fate = _judged(story)
    assert (fate.finished, fate.stuck, fate.waiting) == (0, 1, 1)
    assert fate.counts == {Bucket.UNRECOVERED: 2, Bucket.LOST: 1}
    assert (fate.last_finished_s, fate.last_seen_s) == (None, 40.0)


def test_what_is_done_twice_is_counted() -> None:
    story = Story().healthy("a", at=15).effect("a", "notify_user", 29.0)
    fate = _judged(story.denoise("a", "a-2", at=16))
    assert (fate.re_executions, fate.duplicate_effects) == (1, 1)


def test_pictures_that_overlap_were_made_at_once_and_others_were_not() -> None:
    story = Story().submit("old").submit("new")
    _picture(story, "old", 0, 21, 23)
    _picture(story, "old", 1, 22, 24)
    _picture(story, "new", 0, 21, 23)
    _picture(story, "new", 1, 23, 25)
    assert _judged(story.final("old").final("new")).at_once == 1
