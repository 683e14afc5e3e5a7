"""A lost member is confirmed only beside another one."""

from typing import cast

from bench.arms.topology import Stack
from bench.faults.fault import FaultContext
from bench.faults.kinds.members import LostMember
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from tests.unit.bench.written import tail_of


def _struck(*steps: str) -> LostMember:
    """The first of these steps is struck, and then all of them are at work."""
    records = [
        AttemptRecord(RecordKind.WORKING, "job", step, 1, step, f"gpu-{seq}", 42, mono_s=1, seq=seq)
        for seq, step in enumerate(steps, start=1)
    ]
    # What was seen is in the ledger: no process is looked at.
    fault = LostMember(FaultContext("cell", cast(Stack, None), tail_of(records), 5.0), records[0])
    fault.struck_at = 2.0
    return fault


def test_beside_another_member_it_is_confirmed_and_names_that_one() -> None:
    seen = _struck("generate_image/0", "generate_image/1").observed()
    assert (seen.struck, seen.detail) == (True, "beside generate_image/1")


def test_alone_it_is_not_what_was_meant() -> None:
    assert not _struck("generate_image/0", "reserve_credits").observed().struck


def test_it_kills_and_so_no_record_of_the_member_may_follow() -> None:
    fault = _struck("generate_image/0", "generate_image/1")
    assert fault.facts.kills
