"""The two sentences say what the entries say, whatever there is of them."""

from dataclasses import replace

from bench.checkers.idempotency_answer import idempotency_answer
from bench.record.metrics import Verdict
from tests.unit.bench.experiments import KILLED, Experiments

CLEAN = replace(Experiments(KILLED).killed().entry, suppressed_effects=0)


def test_the_first_sentence_is_about_fenced_and_the_second_about_the_others() -> None:
    weak = [
        replace(CLEAN, mode="check_then_act", duplicate_executions=3, suppressed_effects=2),
        replace(CLEAN, mode="none", duplicate_executions=1, duplicate_effects=4),
    ]
    first, second = idempotency_answer([CLEAN, replace(CLEAN, arm="temporal/hardened"), *weak])
    assert first == (
        "In 2 crashes, freezes and lost replies on celery/hardened and temporal/hardened, fenced"
        " finished no step twice and had no effect applied twice."
    )
    assert second == (
        "Under the same, check_then_act finished 3 steps twice and had no effect applied twice"
        " (2 repeats stopped by the receiver, which knew the key); none finished 1 step twice and"
        " had 4 effects applied twice."
    )


def test_what_went_wrong_is_said_with_its_verdict() -> None:
    broken = replace(CLEAN, duplicate_effects=1, verdict=Verdict.INVALID)
    first, _ = idempotency_answer([broken])
    assert "fenced (verdict: invalid) finished no step twice and had 1 effect applied" in first


def test_faults_that_were_not_confirmed_are_not_counted() -> None:
    missed = replace(CLEAN, trials=3, verdict=Verdict.UNKNOWN)
    first, _ = idempotency_answer([missed])
    assert first.startswith("In one crash, freeze or lost reply (2 more could not be confirmed")
    assert "fenced (verdict: unknown)" in first


def test_modes_that_were_not_tried_are_not_spoken_of() -> None:
    assert idempotency_answer([replace(CLEAN, mode="none")])[0].startswith("No fault was seen")
    assert idempotency_answer([CLEAN])[1] == "No weaker mode was tried in this run."
    assert len(idempotency_answer([])) == 2


def test_a_run_of_experiments_alone_is_answered_by_them() -> None:
    metrics = Experiments(KILLED).killed().metrics()
    assert metrics.answer == idempotency_answer(metrics.idempotency)
