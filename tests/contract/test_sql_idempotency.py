"""The idempotency store's four modes do what each says, on every database."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine as Database

from shared.adapters.idempotency import idempotency_store
from shared.ports.idempotency import (
    Claimed,
    Held,
    Idempotency,
    IdempotencyMode,
    LostProcess,
    Stored,
)
from tests.contract.racing import in_threads

ALIVE_S = 60.0
EXPIRED_S = 0.0
"""A lease that is over by the time anyone looks."""

KEY = "job/generate_image/0"


@pytest.fixture
def store(database: Database) -> Callable[[IdempotencyMode], Idempotency]:
    return lambda mode: idempotency_store(mode, database)


@pytest.fixture
def fenced(store: Callable[[IdempotencyMode], Idempotency]) -> Idempotency:
    return store(IdempotencyMode.FENCED)


def test_none_lets_every_attempt_compute(store: Callable[[IdempotencyMode], Idempotency]) -> None:
    unguarded = store(IdempotencyMode.NONE)
    assert unguarded.begin(KEY, "a", ALIVE_S) == Claimed(1)
    assert unguarded.commit(KEY, 1, "1")
    assert unguarded.begin(KEY, "b", ALIVE_S) == Claimed(1)


def test_check_then_act_lets_two_attempts_that_looked_early_both_compute(
    store: Callable[[IdempotencyMode], Idempotency],
) -> None:
    check = store(IdempotencyMode.CHECK_THEN_ACT)
    assert check.begin(KEY, "a", ALIVE_S) == Claimed(1)
    assert check.begin(KEY, "b", ALIVE_S) == Claimed(1)
    assert check.commit(KEY, 1, "first")
    assert check.commit(KEY, 1, "second")
    assert check.begin(KEY, "c", ALIVE_S) == Stored("first")


def test_claim_keeps_the_first_result_but_cannot_keep_a_second_attempt_from_computing(
    store: Callable[[IdempotencyMode], Idempotency],
) -> None:
    claim = store(IdempotencyMode.CLAIM)
    assert claim.begin(KEY, "a", ALIVE_S) == Claimed(1)
    assert claim.begin(KEY, "b", ALIVE_S) == Claimed(1)
    assert claim.commit(KEY, 1, "first")
    assert claim.commit(KEY, 1, "second")
    assert claim.begin(KEY, "c", ALIVE_S) == Stored("first")


@pytest.mark.parametrize(
    "mode", [IdempotencyMode.CHECK_THEN_ACT, IdempotencyMode.CLAIM, IdempotencyMode.FENCED]
)
def test_keys_do_not_touch_each_other(
    store: Callable[[IdempotencyMode], Idempotency], mode: IdempotencyMode
) -> None:
    guard = store(mode)
    for key in ("job/one", "job/two"):
        assert guard.begin(key, "a", ALIVE_S) == Claimed(1)
        assert guard.commit(key, 1, key)
    assert guard.begin("job/one", "b", ALIVE_S) == Stored("job/one")


def test_fenced_holds_a_later_attempt_off_while_the_lease_is_alive(fenced: Idempotency) -> None:
    assert fenced.begin(KEY, "a", ALIVE_S) == Claimed(1)
    held = fenced.begin(KEY, "b", ALIVE_S)
    assert isinstance(held, Held)
    assert 0 < held.expires_in_s <= ALIVE_S


def test_fenced_returns_a_stored_result_instead_of_computing(fenced: Idempotency) -> None:
    fenced.begin(KEY, "a", ALIVE_S)
    assert fenced.commit(KEY, 1, '{"n": 1}')
    assert fenced.begin(KEY, "b", ALIVE_S) == Stored('{"n": 1}')


def test_fenced_lets_a_later_attempt_take_over_an_expired_lease(fenced: Idempotency) -> None:
    assert fenced.begin(KEY, "a", EXPIRED_S) == Claimed(1)
    assert fenced.begin(KEY, "b", ALIVE_S) == Claimed(2)


def test_a_paused_holder_that_wakes_up_can_neither_renew_nor_commit(fenced: Idempotency) -> None:
    fenced.begin(KEY, "paused", EXPIRED_S)
    fenced.begin(KEY, "later", ALIVE_S)
    assert not fenced.renew(KEY, 1, ALIVE_S)
    assert not fenced.commit(KEY, 1, "stale")
    assert fenced.commit(KEY, 2, "fresh")
    assert not fenced.commit(KEY, 1, "stale")
    assert fenced.begin(KEY, "next", ALIVE_S) == Stored("fresh")


def test_a_holder_whose_lease_ran_out_goes_on_while_nobody_took_over(fenced: Idempotency) -> None:
    fenced.begin(KEY, "slow", EXPIRED_S)
    assert fenced.renew(KEY, 1, ALIVE_S)
    assert isinstance(fenced.begin(KEY, "later", ALIVE_S), Held)
    assert fenced.commit(KEY, 1, "1")


def test_an_abandoned_step_is_free_at_once(fenced: Idempotency) -> None:
    fenced.begin(KEY, "failed", ALIVE_S)
    fenced.abandon(KEY, 1)
    assert fenced.begin(KEY, "later", ALIVE_S) == Claimed(2)


def test_a_superseded_attempt_cannot_abandon_its_successors_lease(fenced: Idempotency) -> None:
    fenced.begin(KEY, "paused", EXPIRED_S)
    fenced.begin(KEY, "later", ALIVE_S)
    fenced.abandon(KEY, 1)
    assert isinstance(fenced.begin(KEY, "third", ALIVE_S), Held)


def test_a_committed_result_is_final(fenced: Idempotency) -> None:
    fenced.begin(KEY, "a", ALIVE_S)
    assert fenced.commit(KEY, 1, "1")
    assert not fenced.commit(KEY, 1, "2")
    assert not fenced.renew(KEY, 1, ALIVE_S)
    fenced.abandon(KEY, 1)
    assert fenced.begin(KEY, "b", ALIVE_S) == Stored("1")


def test_of_racing_attempts_exactly_one_claims_a_fresh_step(fenced: Idempotency) -> None:
    for race in range(10):
        outcomes = in_threads(8, lambda n, key=f"race-{race}": fenced.begin(key, str(n), ALIVE_S))
        assert outcomes.count(Claimed(1)) == 1
        assert sum(isinstance(outcome, Held) for outcome in outcomes) == 7


def test_of_racing_attempts_exactly_one_takes_over_an_expired_lease(fenced: Idempotency) -> None:
    for race in range(10):
        key = f"race-{race}"
        fenced.begin(key, "dead", EXPIRED_S)
        outcomes = in_threads(8, lambda n, key=key: fenced.begin(key, str(n), ALIVE_S))
        assert outcomes.count(Claimed(2)) == 1
        assert sum(isinstance(outcome, Held) for outcome in outcomes) == 7


def test_a_takeover_and_a_commit_race_to_one_result(fenced: Idempotency) -> None:
    for race in range(10):
        key = f"race-{race}"
        fenced.begin(key, "slow", EXPIRED_S)

        def act(number: int, key: str = key) -> bool:
            if number == 0:
                return fenced.commit(key, 1, "slow")
            return isinstance(fenced.begin(key, "later", ALIVE_S), Claimed)

        committed, took_over = in_threads(2, act)
        assert committed != took_over


def test_fenced_gives_a_lost_processs_step_back_at_once(fenced: Idempotency) -> None:
    assert fenced.begin(KEY, "gpu-0:7:a", ALIVE_S) == Claimed(1)
    fenced.abandon_lost(KEY, LostProcess("gpu-0:7:", time.time()), ALIVE_S)
    assert fenced.begin(KEY, "gpu-1:8:b", ALIVE_S) == Claimed(2)
    assert not fenced.commit(KEY, 1, "of the dead")


@pytest.mark.parametrize("owner", ["gpu-0:77:a", "gpu-1:7:a", "gpu%0:7:a", "gpu_0:7:a"])
def test_fenced_leaves_the_lease_of_another_process_alone(fenced: Idempotency, owner: str) -> None:
    assert fenced.begin(KEY, owner, ALIVE_S) == Claimed(1)
    fenced.abandon_lost(KEY, LostProcess("gpu-0:7:", time.time()), ALIVE_S)
    assert isinstance(fenced.begin(KEY, "b", ALIVE_S), Held)


def test_fenced_leaves_a_lease_alone_that_was_taken_after_the_loss(fenced: Idempotency) -> None:
    """Process ids come back, in a container that is started again at once."""
    lost_at_s = time.time() - 1.0
    assert fenced.begin(KEY, "gpu-0:7:later", ALIVE_S) == Claimed(1)
    fenced.abandon_lost(KEY, LostProcess("gpu-0:7:", lost_at_s), ALIVE_S)
    assert isinstance(fenced.begin(KEY, "b", ALIVE_S), Held)


def test_fenced_keeps_the_result_of_a_process_that_was_lost_after_it(fenced: Idempotency) -> None:
    fenced.begin(KEY, "gpu-0:7:a", ALIVE_S)
    assert fenced.commit(KEY, 1, "done")
    fenced.abandon_lost(KEY, LostProcess("gpu-0:7:", time.time()), ALIVE_S)
    assert fenced.begin(KEY, "b", ALIVE_S) == Stored("done")
