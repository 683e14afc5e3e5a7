"""What is changed together is there as a whole, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from shared.adapters.decisions import SqlDecisions
from shared.adapters.idempotency import Fenced
from shared.adapters.ledger import SqlLedger
from shared.adapters.transactions import SqlTransactions
from shared.domain.errors import Superseded
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.idempotency import Claimed


def record(kind: RecordKind) -> AttemptRecord:
    return AttemptRecord(kind, "job", "step", 1, "attempt", "worker", 1)


def test_changes_of_several_adapters_are_seen_by_others_at_once(database: Database) -> None:
    ledger, guard = SqlLedger(database), Fenced(database)
    with SqlTransactions(database).together():
        assert guard.begin("job/step", "me", 60) == Claimed(1)
        ledger.append(record(RecordKind.STARTED), record(RecordKind.WORKING))
        # A read is a connection of its own, which sees what is committed.
        assert not ledger.of_job("job")
    assert [each.kind for each in ledger.of_job("job")] == ["started", "working"]


def test_an_error_takes_all_of_it_back(database: Database) -> None:
    ledger, guard, decisions = SqlLedger(database), Fenced(database), SqlDecisions(database)
    with suppress(Superseded), SqlTransactions(database).together():
        decisions.decide("job/settlement", "captured")
        guard.begin("job/step", "me", 60)
        ledger.append(record(RecordKind.STARTED))
        raise Superseded
    assert not ledger.of_job("job")
    assert guard.begin("job/step", "another", 60) == Claimed(1)
    assert decisions.decide("job/settlement", "released") == "released"


def test_a_transaction_inside_another_is_a_part_of_it(database: Database) -> None:
    ledger, transactions = SqlLedger(database), SqlTransactions(database)
    with suppress(Superseded), transactions.together():
        with transactions.together():
            ledger.append(record(RecordKind.STARTED))
        raise Superseded
    ledger.append(record(RecordKind.FAILED))
    assert [each.kind for each in ledger.of_job("job")] == ["failed"]


def test_an_attempt_that_begins_and_one_that_ends_never_wait_for_each_other_for_good(
    database: Database,
) -> None:
    """PostgreSQL ends one of two transactions that took the same rows in opposite order."""
    ledger, guard, steps = SqlLedger(database), Fenced(database), StepStates(database)
    transactions = SqlTransactions(database)
    JobStates(database).add("job", "image-generation", "{}", first_step="step")
    steps.begin_attempt("job", "step")
    guard.begin("job/step", "me", 60)

    def begins(_: int) -> None:
        with transactions.together():
            steps.begin_attempt("job", "step")
            guard.begin("job/step", "another", 60)
            ledger.append(record(RecordKind.STARTED))

    def ends(_: int) -> None:
        with transactions.together():
            steps.keep("job", "step", "1")
            guard.renew("job/step", 1, 60)
            ledger.append(record(RecordKind.FINISHED))

    with ThreadPoolExecutor(4) as pool:
        rounds = [pool.map(each, range(40)) for each in (begins, ends, begins, ends)]
        assert [len(list(each)) for each in rounds] == [40] * 4
