"""A transaction is counted for the job that it names, by what it is for."""

import json

import pytest

from tools.transactions.__main__ import of_job, read_purposes, table

GUARD = "shared.adapters.idempotency:Fenced.begin"
LEDGER = "shared.adapters.ledger:SqlLedger.append"


def line(*asked: tuple[str, str], write: bool = True) -> str:
    statements = [{"by": by, "statement": "...", "parameters": text} for by, text in asked]
    return json.dumps({"write": write, "asked": statements})


def test_a_transaction_is_named_after_the_first_of_its_purposes() -> None:
    (found,) = of_job(
        [line((LEDGER, "('started', 'j')"), (GUARD, "('j/s',)"))], "j", read_purposes()
    )
    assert [purpose.name for purpose in found.purposes] == [
        "guard: a step is taken",
        "ledger: begin and end of an attempt",
    ]
    rows = table({"celery": [found]}).splitlines()
    assert [row.split(" | ")[-2] for row in rows if row.startswith("| writes")] == ["1"]


def test_progress_is_told_from_the_other_rows_of_the_ledger() -> None:
    kinds = ("started", "progress")
    lines = [line((LEDGER, f"('{kind}', 'j')")) for kind in kinds]
    names = [each.first.name for each in of_job(lines, "j", read_purposes())]
    assert names == ["ledger: begin and end of an attempt", "ledger: progress"]


def test_another_jobs_transaction_is_not_counted() -> None:
    assert of_job([line((GUARD, "('k/s',)"))], "j", read_purposes()) == []


def test_what_nobody_knows_the_purpose_of_is_an_error() -> None:
    with pytest.raises(LookupError, match="give it a purpose"):
        of_job([line(("new:module", "('j',)"))], "j", read_purposes())
