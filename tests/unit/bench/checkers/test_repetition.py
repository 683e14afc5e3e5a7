"""Repeats are counted, by kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.checkers.attempts import Attempt
from bench.checkers.repetition import overlap_s
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from tests.unit.bench.builder import Story


def test_a_clean_cell_repeats_nothing() -> None:
    cell = Story().healthy("a").healthy("b", 20.0).cell()
    assert (cell.re_executions, cell.duplicate_executions, cell.overlap_s) == (0, 0, 0.0)
    assert (cell.duplicate_effects, cell.suppressed_effects) == (0, 0)


def test_a_second_attempt_is_a_re_execution_and_no_duplicate() -> None:
    cell = Story(trials=1, fault="sigkill").killed("a").cell()
    assert (cell.re_executions, cell.duplicate_executions) == (1, 0)


def test_work_finished_twice_is_a_duplicate_execution() -> None:
    cell = Story().healthy("a").denoise("a", "a-2", at=30).cell()
    assert (cell.re_executions, cell.duplicate_executions) == (1, 1)


def test_a_stored_result_returned_again_is_no_duplicate_execution() -> None:
    story = Story().healthy("a").attempt("a", "a-2", at=30, ends=(RecordKind.REPLAYED, 31))
    cell = story.cell()
    assert (cell.re_executions, cell.duplicate_executions, cell.overlap_s) == (1, 0, 0.0)


def test_two_steps_of_one_job_do_not_repeat_each_other() -> None:
    story = (
        Story()
        .healthy("a")
        .attempt(
            "a", "a-x", at=1, working=1, ends=(RecordKind.FINISHED, 5), step="generate_image/1"
        )
    )
    cell = story.cell()
    assert (cell.re_executions, cell.overlap_s) == (0, 0.0)


def test_an_effect_applied_twice_is_a_duplicate_effect() -> None:
    cell = Story().healthy("a").effect("a", "notify_user", 40, key="another").cell()
    assert (cell.duplicate_effects, cell.suppressed_effects) == (1, 0)


def test_a_repeat_that_the_sink_suppressed_is_counted_apart() -> None:
    cell = Story().healthy("a").effect("a", "notify_user", 40, applied=False).cell()
    assert (cell.duplicate_effects, cell.suppressed_effects) == (0, 1)


def test_two_attempts_at_work_at_once_overlap() -> None:
    story = Story().healthy("a")
    story.attempt("a", "a-2", at=2, working=9, ends=(RecordKind.SUPERSEDED, 15))
    assert story.cell().overlap_s == pytest.approx(3.0)


def test_a_second_worker_that_waits_for_the_lease_does_not_overlap() -> None:
    story = Story().healthy("a").attempt("a", "a-2", at=2, ends=(RecordKind.REPLAYED, 13))
    assert story.cell().overlap_s == 0.0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6))
def test_overlap_is_the_time_with_two_or_more_at_work(spans: list[tuple[int, int]]) -> None:
    spans = [(min(span), max(span)) for span in spans]
    made = [
        Attempt(
            (
                AttemptRecord(
                    RecordKind.WORKING, "a", "s", 1, str(i), "w", 1, mono_s=begin, wall_s=0.0
                ),
            ),
            float(end),
        )
        for i, (begin, end) in enumerate(spans)
    ]
    seconds = sum(sum(begin <= t < end for begin, end in spans) >= 2 for t in range(51))
    assert overlap_s(made) == pytest.approx(seconds)
