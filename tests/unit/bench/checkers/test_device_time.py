"""Every busy second has one cause, and the causes add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.checkers.buckets import sort_into_buckets
from bench.checkers.by_job import by_cell
from bench.checkers.device_time import busy_s, split_device_time
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import STEPS, Story


def split(story: Story) -> dict[str, float]:
    """The causes that took time."""
    return {cause: seconds for cause, seconds in story.cell().device_s.items() if seconds}


def test_a_clean_job_is_all_useful() -> None:
    story = Story().healthy("a")
    assert split(story) == {"useful": pytest.approx(12.0)}
    assert story.cell().goodput == pytest.approx(1.0)


def test_waiting_and_cpu_steps_take_no_device_time() -> None:
    story = Story().healthy("a").attempt("a", "a-2", at=20, ends=(RecordKind.REPLAYED, 40))
    story.attempt("a", "x", at=20, working=20, ends=(RecordKind.FINISHED, 40), step="assemble")
    assert split(story) == {"useful": pytest.approx(12.0)}


def test_progress_that_a_later_attempt_repeats_is_redone() -> None:
    story = Story(fault="sigkill", trials=1).killed("a")
    assert split(story) == {"useful": pytest.approx(12.0), "redone": pytest.approx(6.0)}
    wasted = story.cell().wasted_per_fault_s
    assert wasted["redone"] == pytest.approx(6.0)
    assert "useful" not in wasted


def test_progress_up_to_the_checkpoint_is_useful() -> None:
    # 5 of 10 done in 6 s; the next attempt takes the first 4 over, which took 5 s.
    story = Story(fault="sigkill", trials=1).killed("a", resumed_from=4)
    assert split(story) == {"useful": pytest.approx(5.0 + 8.0), "redone": pytest.approx(1.0)}


def test_a_chain_of_checkpoints_is_useful_link_by_link() -> None:
    story = Story().submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=RecordKind.FAILED)
    story.denoise("a", "a-2", at=20, done=(4, 8), ends=RecordKind.FAILED)
    story.denoise("a", "a-3", at=40, done=(8, 10)).settled("a", 50).final("a")
    # a-1: 0..4 took 5 s, then 2 s more. a-2: 4..8 took 5 s, then 1 s to fail. a-3: 4 s.
    assert split(story) == {"useful": pytest.approx(5 + 5 + 4), "redone": pytest.approx(3.0)}


def test_an_attempt_between_two_links_that_got_no_further_is_redone() -> None:
    story = Story().submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=RecordKind.FAILED)
    story.denoise("a", "a-2", at=20, done=(4, 6), ends=RecordKind.FAILED)
    story.denoise("a", "a-3", at=40, done=(4, 10)).settled("a", 50).final("a")
    assert split(story) == {"useful": pytest.approx(5 + 8), "redone": pytest.approx(2 + 4)}


def test_the_second_finisher_is_a_duplicate() -> None:
    story = Story().healthy("a").denoise("a", "a-2", at=30)
    assert split(story) == {"useful": pytest.approx(12.0), "duplicate": pytest.approx(12.0)}


def test_what_an_attempt_does_after_a_later_one_works_is_zombie_time() -> None:
    story = Story().submit("a").denoise("a", "a-1", at=0, done=(0, 7), ends=RecordKind.SUPERSEDED)
    story.denoise("a", "a-2", at=6.5).settled("a", 20).final("a")
    assert split(story) == {
        "useful": pytest.approx(12.0),
        "redone": pytest.approx(6.5),
        "zombie": pytest.approx(2.5),
    }


def test_work_that_nobody_did_again_is_lost_work() -> None:
    story = Story(fault="sigkill", trials=1).submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=None).fault("t", "a", "a-1", 6.25)
    story.final("a", JobStatus.RUNNING, held=False)
    assert split(story) == {"lost_work": pytest.approx(6.25)}
    assert story.cell().goodput == 0.0


def test_finished_pictures_of_a_job_that_did_not_complete_are_lost_work() -> None:
    story = Story().submit("a").denoise("a", "a-1", at=0).final("a", JobStatus.RUNNING, held=False)
    assert split(story) == {"lost_work": pytest.approx(12.0)}


def test_only_what_was_repeated_is_redone_when_the_step_never_finished() -> None:
    story = Story().submit("a").denoise("a", "a-1", at=0, done=(0, 7), ends=RecordKind.FAILED)
    story.denoise("a", "a-2", at=20, done=(0, 3), ends=RecordKind.FAILED)
    story.final("a", JobStatus.FAILED)
    # a-1 took 4 s to 3 done; a-2's 5 s and the rest of a-1's 9 s were for nothing.
    assert split(story) == {"redone": pytest.approx(4.0), "lost_work": pytest.approx(5 + 5)}


ends = st.sampled_from(
    [None, RecordKind.FINISHED, RecordKind.FAILED, RecordKind.SUPERSEDED, RecordKind.CANCELLED]
)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40), st.integers(0, STEPS), st.integers(0, STEPS), ends, st.booleans()
        ),
        max_size=5,
    ),
    st.booleans(),
    st.lists(st.integers(0, 60), max_size=2),
)
def test_the_causes_add_up_to_the_busy_time(
    attempts: list[tuple[int, int, int, RecordKind | None, bool]],
    completed: bool,
    kills: list[int],
) -> None:
    story = Story().submit("a")
    for index, (at, low, high, end, works) in enumerate(attempts):
        if works:
            done = (min(low, high), max(low, high))
            story.denoise("a", f"a-{index}", at=float(at), done=done, ends=end)
        else:
            story.attempt("a", f"a-{index}", at=float(at))
    for index, at in enumerate(kills):
        story.fault(f"t{index}", "a", f"a-{index}", float(at))
    if completed:
        story.settled("a", 90)
    story.final("a", JobStatus.SUCCEEDED if completed else JobStatus.FAILED)
    [cell] = by_cell(story.info().cells, story.history).values()
    seconds = split_device_time(cell.every_job, sort_into_buckets(cell).of_job)
    assert sum(seconds.values()) == pytest.approx(busy_s(cell.every_job))
    assert all(value >= 0 for value in seconds.values())
