"""`changeover chaos`: the faults listed, or scenarios run one after another."""

import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.arms.preflight import drivers, refuse_if_unfit
from bench.faults.fault import Facts
from bench.faults.registry import LISTED
from bench.scenario.file import load_scenario, shipped
from bench.verbs.compare import compare_verb
from shared.codec import to_json


async def chaos_verb(
    names: list[str],
    seed: int | None,
    results: Path,
    console: Console,
    *,
    as_json: bool,
    at_once: int | None = None,
) -> int:
    """Run the scenarios; return the worst exit status. All are read, and what their drivers need is
    looked for, before the first one runs."""
    needs = [need for name in names for need in load_scenario(name)[0].needs]
    refuse_if_unfit(list(drivers(needs)))
    statuses = [
        await compare_verb(name, seed, results, console, as_json=as_json, at_once=at_once)
        for name in names
    ]
    return max(statuses)


def list_verb(console: Console, *, as_json: bool) -> int:
    """Print what is known of every fault; return the exit status."""
    if as_json:
        sys.stdout.write(to_json({"faults": [_as_row(each) for each in LISTED]}) + "\n")
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("fault", "strikes", "when", "healed by", "engines"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "fault")
    for each in LISTED:
        if not each.run_by:
            table.add_row(
                each.name, each.role, each.moment, each.heals_by, " and ".join(each.engines)
            )
    console.print(table)
    for run_by in dict.fromkeys(each.run_by for each in LISTED if each.run_by):
        names = ", ".join(each.name for each in LISTED if each.run_by == run_by)
        console.print(f"\nby `{run_by}`: {names}", markup=False, highlight=False)
    console.print(f"\nscenarios: {', '.join(shipped())}", markup=False, highlight=False)
    return 0


def _as_row(facts: Facts) -> dict[str, object]:
    fields = asdict(facts)
    shown = ("name", "row", "title", "role", "moment", "heals_by", "absent", "run_by")
    return {**{key: fields[key] for key in shown}, "engines": facts.engines}
