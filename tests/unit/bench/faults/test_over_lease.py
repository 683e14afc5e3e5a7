"""A step that outlasts its lease is confirmed by the ledger, or the trial is missed."""

import time
from typing import cast

import pytest

from bench.arms.topology import Stack
from bench.faults.fault import FaultContext
from bench.faults.kinds.lease import OverLease
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from tests.unit.bench.written import tail_of

BUDGET_S = 5.0


def _fault(began: float, *later: tuple[RecordKind, float]) -> OverLease:
    kinds = [(RecordKind.WORKING, began), *later]
    records = [
        AttemptRecord(kind, "job", "generate_image/0", 1, "a1", "gpu-0", 42, mono_s=at, seq=seq)
        for seq, (kind, at) in enumerate(kinds, start=1)
    ]
    # It strikes nothing, so it never looks at a process.
    return OverLease(
        FaultContext("cell", cast(Stack, None), tail_of(records), BUDGET_S), records[-1]
    )


async def test_the_fault_is_the_moment_at_which_the_step_outlasted_its_lease() -> None:
    began = time.monotonic() - BUDGET_S - 1
    fault = _fault(began, (RecordKind.PROGRESS, began + 1))
    await fault.strike()
    assert fault.struck_at == began + BUDGET_S
    assert fault.observed().struck
    assert not fault.healed()


async def test_a_step_that_ends_within_its_lease_is_a_missed_fault() -> None:
    began = time.monotonic()
    fault = _fault(began, (RecordKind.FINISHED, began + 1))
    with pytest.raises(TimeoutError, match="within the detection budget"):
        await fault.strike()


async def test_a_step_that_ended_just_before_is_not_confirmed() -> None:
    began = time.monotonic() - BUDGET_S - 1
    fault = _fault(began, (RecordKind.FINISHED, began + BUDGET_S - 0.01))
    await fault.strike()
    assert not fault.observed().struck
    assert fault.healed()
