"""What a distance between two faces means."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.faces import Decision
from shared.workloads.face_similarity.rules import FaceRules, similarity

RULES = FaceRules(threshold=0.6, review_margin=0.05)
DISTANCES = st.floats(0, 3, allow_nan=False)


@pytest.mark.parametrize(
    ("distance", "decision"),
    [
        (0.0, Decision.MATCH),
        (math.nextafter(0.6 - 0.05, 0), Decision.MATCH),
        (0.6 - 0.05, Decision.REVIEW),
        (0.55, Decision.REVIEW),
        (0.6, Decision.REVIEW),
        (0.65, Decision.REVIEW),
        (math.nextafter(0.65, 1), Decision.NO_MATCH),
        (1.4, Decision.NO_MATCH),
        (None, Decision.NO_FACE),
    ],
)
def test_both_edges_of_the_margin_go_to_review(distance: float | None, decision: Decision) -> None:
    assert RULES.decide(distance) is decision


def test_without_a_margin_only_the_threshold_itself_goes_to_review() -> None:
    rules = FaceRules(threshold=0.6, review_margin=0.0)
    decided = [rules.decide(distance) for distance in (0.59, 0.6, 0.61)]
    assert decided == [Decision.MATCH, Decision.REVIEW, Decision.NO_MATCH]


@given(DISTANCES)
def test_only_the_decision_match_is_a_match(distance: float) -> None:
    result = RULES.result(distance, 3, "a model")
    assert result.match == (result.decision is Decision.MATCH)
    assert (result.distance, result.threshold, result.frame) == (distance, 0.6, 3)


def test_without_a_face_there_is_no_distance_and_no_similarity() -> None:
    result = RULES.result(None, None, "a model")
    assert not result.match
    assert (result.similarity, result.distance, result.frame) == (0.0, None, None)
    assert result.decision is Decision.NO_FACE


@pytest.mark.parametrize(("distance", "expected"), [(0.0, 1.0), (0.6, 0.5), (1.2, 0.0), (2.0, 0.0)])
def test_similarity_is_one_for_the_same_picture_and_a_half_at_the_models_threshold(
    distance: float, expected: float
) -> None:
    assert similarity(distance) == pytest.approx(expected)


@given(DISTANCES, DISTANCES)
def test_similarity_falls_as_the_distance_grows_and_stays_within_0_and_1(
    one: float, other: float
) -> None:
    near, far = sorted((one, other))
    assert 1.0 >= similarity(near) >= similarity(far) >= 0.0


def test_similarity_does_not_move_with_the_threshold() -> None:
    strict, lax = FaceRules(threshold=0.4), FaceRules(threshold=0.8)
    assert strict.result(0.5, 0, "").similarity == lax.result(0.5, 0, "").similarity
