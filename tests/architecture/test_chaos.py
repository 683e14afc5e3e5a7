"""docs/chaos.md has the faults and the scenarios that there are; a failure prints the table."""

import re
from pathlib import Path

from bench.arms.engines import ENGINES, profiles_of
from bench.faults.fault import Facts
from bench.faults.registry import FAULTS, LISTED
from bench.scenario.file import shipped
from celery_impl.bounds import recovery_bounds as celery_bounds
from celery_impl.profile import load as load_celery
from shared.settings import Settings
from temporal_impl.bounds import recovery_bounds as temporal_bounds
from temporal_impl.profile import load as load_temporal

PAGE = (Path(__file__).parents[2] / "docs" / "chaos.md").read_text()
_CANCELLED = "cancel"


def _row(facts: Facts) -> str:
    where = f", by `{facts.run_by}`" if facts.run_by else ""
    return (
        f"| {facts.row or '-'} | `{facts.name}` | {facts.title}{where} | {facts.role} | "
        f"{facts.moment} | {facts.heals_by} |"
    )


def _table() -> str:
    head = "| row | fault | what happens | strikes | when | healed by |\n|--:|---|---|---|---|---|"
    cells = [facts for facts in LISTED if not facts.run_by]
    inside = [facts for facts in LISTED if facts.run_by]
    ordered = [*sorted(cells, key=lambda facts: facts.row or 1000), *inside]
    return "\n".join([head, *map(_row, ordered)])


def test_the_table_of_faults_is_the_registry() -> None:
    (written,) = re.findall(r"<!-- faults:begin -->\n(.*?)\n?<!-- faults:end -->", PAGE, re.DOTALL)
    assert written == _table(), f"docs/chaos.md should have:\n\n{_table()}\n"


def test_every_shipped_scenario_is_named() -> None:
    (section,) = re.findall(r"\| scenario \|.*?\n\n", PAGE, re.DOTALL)
    assert set(re.findall(r"`([a-z]+)`", section)) == set(shipped())


def test_every_fault_that_strikes_a_step_has_a_bound_and_its_reason_on_every_arm() -> None:
    for engine in ENGINES:
        struck = {
            fault.facts.impact
            for name, fault in FAULTS.items()
            if fault.facts.aimed and name != _CANCELLED and engine in fault.facts.engines
        }
        for profile in profiles_of(engine):
            settings = Settings(profile=profile)
            bounds = (
                celery_bounds(load_celery(settings), settings)
                if engine == "celery"
                else temporal_bounds(load_temporal(settings), settings.stop_grace_s)
            )
            assert struck <= set(bounds), profile
            assert all(bound.why for bound in bounds.values()), profile
