"""`changeover deploys`: what a deploy of changed code does to jobs that are under way."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.arms.preflight import Level, preflight, refuse_if_unfit
from bench.checkers.deploys import Fate
from bench.record.metrics import Bucket
from bench.record.run_folder import new_run_folder
from bench.trials.deploys.changes import WAYS
from bench.trials.deploys.run import run_deploys
from bench.trials.deploys.story import Deployed
from bench.verbs.telling import print_findings, saying
from shared.codec import to_json

_WORDS = {
    Bucket.FAILED: "failed",
    Bucket.LOST: "lost",
    Bucket.PHANTOM: "phantom",
    Bucket.CANCELLED: "cancelled",
    Bucket.REJECTED: "refused",
    Bucket.UNKNOWN: "unknown",
}


async def deploys_verb(
    jobs: int, drain_s: float, seed: int, results: Path, console: Console, *, as_json: bool
) -> int:
    """Deploy a change in every way and print what came of the jobs; 0, whatever came of them."""
    findings = preflight(results, arms=len(WAYS))
    refuse_if_unfit(findings)
    print_findings([f for f in findings if f.level is not Level.OK], console)
    folder = new_run_folder(results, "deploys")
    console.print(f"run folder  {folder}", soft_wrap=True)
    with saying(console) as say:
        deployed = await run_deploys(jobs, drain_s, seed, folder, say)
    written = to_json(deployed)
    (folder / "deploys.json").write_text(written + "\n")
    if as_json:
        sys.stdout.write(written + "\n")
    _print(deployed, console)
    return 0


def _print(deployed: Sequence[Deployed], console: Console) -> None:
    table = Table()
    for heading in ("arm", "way", "jobs under way", "jobs begun after", "replay beforehand"):
        table.add_column(heading, no_wrap=heading == "arm")
    for each in deployed:
        arm, _, way = each.arm.rpartition("/")
        kept = f", old workers kept {each.kept_s:.0f} s" if each.kept_s is not None else ""
        table.add_row(
            arm,
            way + kept,
            say_fate(each.before),
            say_fate(each.after),
            each.replay.partition(" histories")[0] or "-",
        )
    console.print(table)
    for each in deployed:
        if each.before.why:
            console.print(f"{each.arm}: {each.before.why}", markup=False, highlight=False)
    console.print("Seconds are counted from the beginning of the deploy.")


def say_fate(fate: Fate) -> str:
    """Say how many jobs came to what end, and until when."""
    parts = [f"{fate.finished} of {fate.jobs} finished"]
    if fate.last_finished_s is not None:
        parts[0] += f" by {fate.last_finished_s:.0f} s"
    if fate.stuck:
        parts.append(f"{fate.stuck} stuck")
    if fate.waiting:
        parts.append(f"{fate.waiting} waiting")
    parts += [f"{fate.counts[b]} {word}" for b, word in _WORDS.items() if fate.counts.get(b)]
    if len(parts) > 1 and fate.last_seen_s is not None:
        parts[-1] += f" at {fate.last_seen_s:.0f} s"
    if fate.re_executions:
        parts.append(f"{fate.re_executions} attempts repeated")
    if fate.duplicate_effects:
        parts.append(f"{fate.duplicate_effects} effects twice")
    return ", ".join(parts)
