"""What the verbs do around a run: check, show progress, print, judge."""

import sys
from pathlib import Path

from rich.console import Console

from bench.arms.addresses import configured
from bench.arms.engines import BROKER_VARIABLE
from bench.arms.fitness import look, model_import_s
from bench.arms.preflight import Finding, Level, drivers, preflight, refuse_if_unfit
from bench.arms.rabbitmq import rabbitmq_binary, why_no_rabbitmq
from bench.checkers.measure import measure
from bench.record.history import read_history
from bench.record.metrics import Metrics, Verdict, read_metrics, write_metrics
from bench.record.run_folder import mark_latest, new_run_folder
from bench.record.run_info import read_run_info
from bench.report.build import Report, build_report
from bench.report.terminal import print_report
from bench.scenario.file import load_scenario
from bench.scenario.model import Scenario
from bench.trials.at_once import blocks
from bench.trials.left_out import leave_out
from bench.trials.run import run_scenario
from bench.verbs.telling import print_findings, saying
from shared.codec import to_json
from shared.domain.faces import FACE_SIMILARITY
from shared.extras import needed_to_compute

FELL_SHORT, BAD_INPUT, NOT_FIT = 1, 2, 3
DEFAULT_SUITE = "compare"
HISTORY, METRICS = "history.jsonl", "metrics.json"
_OTHER_NEEDS = needed_to_compute("diffusers", [FACE_SIMILARITY])
"""What the default suite does without."""


async def compare_verb(
    name: str,
    seed: int | None,
    results: Path,
    console: Console,
    *,
    as_json: bool,
    at_once: int | None = None,
) -> int:
    """Run a scenario; return the exit status.

    So many arms run at once as the machine carries, or `at_once`.
    """
    scenario, text = load_scenario(name)
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    scenario, left_out = leave_out(scenario)
    for arm, why in {cell.arm: cell.why for cell in left_out}.items():
        console.print(f"{arm} is left out: {why}", markup=False, highlight=False, soft_wrap=True)
    arms, compute = scenario.largest
    findings = preflight(
        results, arms=arms, compute=compute, needs=scenario.needs, engines=scenario.engines
    )
    refuse_if_unfit(findings)
    fitness = await look(results) if at_once is None and scenario.stages else None
    print_findings([f for f in findings if f.level is not Level.OK], console)
    folder = new_run_folder(results, scenario.name)
    console.print(f"run folder  {folder}")
    with saying(console) as say:
        await run_scenario(
            scenario, text, folder, say, fitness=fitness, at_once=at_once, left_out=left_out
        )
        say("measuring")
        metrics, report = _measure_and_report(folder)
    mark_latest(folder)
    return _finish(metrics, report, console, as_json=as_json)


async def doctor_verb(results: Path, console: Console, *, as_json: bool) -> int:
    """Say whether this machine is fit for the default suite; return the exit status."""
    scenario, _ = load_scenario(DEFAULT_SUITE)
    arms, compute = scenario.largest
    findings = preflight(results, arms=arms, compute=compute, needs=scenario.needs)
    findings += list(drivers(_OTHER_NEEDS, level=Level.WARNING))
    findings.append(_rabbitmq())
    findings += await _speed(scenario, results)
    if as_json:
        sys.stdout.write(to_json(findings) + "\n")
    else:
        print_findings(findings, console)
    return NOT_FIT if any(f.level is Level.UNFIT for f in findings) else 0


def _rabbitmq() -> Finding:
    """Say whether `celery/rabbitmq` could run here; the default suite does without it."""
    what = "rabbitmq-server"
    if configured(BROKER_VARIABLE):
        return Finding(what, Level.OK, f"the broker is the one of {BROKER_VARIABLE}")
    if why := why_no_rabbitmq():
        said, _, remedy = why.partition("; ")
        return Finding(what, Level.WARNING, f"{said}: celery/rabbitmq is left out", remedy)
    return Finding(what, Level.OK, f"{rabbitmq_binary()}, for celery/rabbitmq")


async def _speed(scenario: Scenario, results: Path) -> list[Finding]:
    """Say how fast this machine is, and how many arms of each stage would run at once."""
    fitness, models_s = await look(results), await model_import_s()
    found = [Finding("speed", Level.OK, str(fitness))]
    if models_s is not None:
        said = f"the real models' libraries take {models_s:.1f} s of a core to import"
        found.append(Finding("models", Level.OK, said))
    for stage in scenario.stages:
        chosen = blocks(stage, fitness)
        all_at_once = len(chosen.arms) == 1
        largest = max(map(len, chosen.arms))
        detail = f"{stage.id}: " + (
            "all at once"
            if all_at_once
            else f"{largest} at a time, in {len(chosen.arms)} blocks, in turn"
        )
        remedy = "" if all_at_once else "the suite takes that much longer; free the processors"
        level = Level.OK if all_at_once else Level.WARNING
        found.append(Finding("arms", level, detail, remedy))
    return found


def report_verb(folder: Path, console: Console, *, as_json: bool) -> int:
    """Measure and render a finished run again; return the exit status.

    A run whose history was left behind is drawn from its `metrics.json`.
    """
    drawn_alone = not (folder / HISTORY).exists() and (folder / METRICS).exists()
    try:
        if drawn_alone:
            metrics = read_metrics(folder / METRICS)
            report = build_report(folder, metrics)
        else:
            metrics, report = _measure_and_report(folder)
    except (OSError, ValueError) as error:
        console.print(f"{folder} is not a run folder: {error}", markup=False)
        return BAD_INPUT
    return _finish(metrics, report, console, as_json=as_json)


def _measure_and_report(folder: Path) -> tuple[Metrics, Report]:
    """Work from the files alone, so that a fresh report and a rebuilt one cannot differ."""
    info = read_run_info(folder / "run.json")
    history = read_history(folder / HISTORY)
    metrics = measure(info, history)
    write_metrics(folder / METRICS, metrics)
    return metrics, build_report(folder, metrics)


def _finish(metrics: Metrics, report: Report, console: Console, *, as_json: bool) -> int:
    print_report(report.page, report.html, console)
    if as_json:
        sys.stdout.write(report.html.with_name(METRICS).read_text() + "\n")
    return 0 if metrics.verdict is Verdict.VALID else FELL_SHORT
