"""What keeps the folders of workloads and the tables of the engines in step."""

import pytest

import celery_impl.workloads
import shared.workloads.table
import temporal_impl.workloads
from shared.domain.errors import BadRequest
from shared.policy import POLICIES, WORKLOAD_NAMES

TABLES = [
    each.WORKLOADS
    for each in (shared.workloads.table, celery_impl.workloads, temporal_impl.workloads)
]


@pytest.mark.parametrize("table", TABLES, ids=["shared", "celery", "temporal"])
def test_every_workload_is_in_every_table_and_no_other_is_taken_for_one(
    table: dict[str, object],
) -> None:
    assert sorted(table) == sorted(WORKLOAD_NAMES)
    with pytest.raises(BadRequest, match="no workload 'weather', only image-generation"):
        table["weather"]


def test_both_engines_begin_each_workload_with_the_same_step() -> None:
    firsts = [{name: runs.first_step for name, runs in table.items()} for table in TABLES[1:]]
    assert firsts[0] == firsts[1]
    assert set(firsts[0].values()) <= POLICIES.keys()
