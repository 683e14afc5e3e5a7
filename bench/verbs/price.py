"""`changeover price`: what a job costs in calls to its engine's server."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.arms.engines import detection_of
from bench.arms.topology import Arm
from bench.errors import BadScenario
from bench.record.run_folder import new_run_folder
from bench.trials.price import Job, Price, price_arms
from shared.codec import to_json
from shared.domain.detection import Clock


async def price_verb(
    arms: Sequence[Arm], job: Job, budget_s: float, idle_s: float, results: Path, console: Console
) -> int:
    """Run one job on every arm, an engine at a time, and print what it asked for; 0."""
    for arm in arms:
        found = detection_of(arm.engine, arm.profile, budget_s)
        if found and found.clock is Clock.DELIVERY and job.picture_s >= found.timeout_s:
            raise BadScenario(
                f"{arm.name}: a picture of {job.picture_s:g} s is handed out again with a budget of"
                f" {budget_s:g} s, and a repeat has its own price; give --budget a second more"
            )
    folder = new_run_folder(results, "price")
    prices: list[Price] = []
    for engine in dict.fromkeys(arm.engine for arm in arms):
        group = [arm for arm in arms if arm.engine == engine]
        with console.status(f"one job on each of {', '.join(arm.name for arm in group)}"):
            prices += await price_arms(group, job, budget_s, idle_s, folder / engine)
    (folder / "price.json").write_text(to_json(prices) + "\n")
    _print(prices, console)
    console.print(f"by kind: {folder / 'price.json'}", soft_wrap=True)
    return 0


def _print(prices: Sequence[Price], console: Console) -> None:
    table = Table()
    for label in ("arm", "a job", "of them heartbeats", "idle, a minute", "of what"):
        table.add_column(label, justify="left" if label in ("arm", "of what") else "right")
    for price in prices:
        heartbeats = f"{price.heartbeats:.0f}" if price.unit == "actions" else "-"
        table.add_row(
            price.arm,
            f"{price.total:.0f}",
            heartbeats,
            f"{sum(price.idle_a_minute.values()):.0f}",
            "actions" if price.unit == "actions" else "Redis commands",
        )
    console.print(table)
