"""Runs a scenario on every arm and writes the run folder."""

import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.backends import start_backends
from bench.arms.distress import DistressMonitor
from bench.arms.engines import broker_of
from bench.arms.fitness import Fitness
from bench.arms.host import git_revision, host_facts, versions
from bench.arms.host_monitor import HostMonitor
from bench.arms.supervisor import Supervisor
from bench.arms.topology import WORKER_NICE, Arm
from bench.capabilities.suite import known_capabilities
from bench.load.effects import calls_of
from bench.load.pictures import write_index
from bench.record.history import History, merged, write_history
from bench.record.run_info import SCHEMA, AbsentCell, RunInfo, write_run_info
from bench.scenario.model import Scenario
from bench.trials.at_once import Blocks, blocks
from bench.trials.idempotency.arms import guarded_arms
from bench.trials.idempotency.run import run_idempotency
from bench.trials.infos import absent_cells, experiment_cells, soak_cells, stage_cells
from bench.trials.outcome import Outcome
from bench.trials.soak.run import run_soak
from bench.trials.stage import namespace_of, run_stage
from shared.domain.durability import Durability

_SURVIVES = {
    Durability.PROCESS: (
        "the end of any process; Redis' log is synced every second, and SQLite, Temporal's and"
        " ours, at checkpoints"
    ),
    Durability.POWER: "a power cut: Redis' log and SQLite, Temporal's and ours, sync every commit",
}


async def run_scenario(
    scenario: Scenario,
    text: str,
    folder: Path,
    say: Callable[[str], None],
    *,
    fitness: Fitness | None = None,
    at_once: int | None = None,
    left_out: Sequence[AbsentCell] = (),
) -> None:
    """Run the scenario and write `run.json`, `history.jsonl` and `images/` into the folder.

    `left_out` are the cells that it should have had and cannot have here.

    So many arms of a stage run at once as `at_once` says, or as a machine that was looked at
    carries; by default all.
    """
    began, began_at = time.monotonic(), datetime.now(UTC)
    host = host_facts()
    capabilities = known_capabilities(folder.parent)
    parts: dict[str, Outcome] = {}
    side_by_side = {stage.id: blocks(stage, fitness, at_once) for stage in scenario.stages}
    async with (
        HostMonitor(folder) as monitor,
        Supervisor(folder / "logs") as supervisor,
        DistressMonitor(supervisor) as distress,
    ):
        say("starting servers")
        backends, sink = await _start_servers(supervisor, scenario, folder)
        for number, stage in enumerate(scenario.stages):
            parts[stage.id] = await run_stage(
                supervisor,
                backends,
                scenario,
                stage,
                number=number,
                side_by_side=side_by_side[stage.id],
                run_id=folder.name,
                folder=folder,
                say=say,
            )
        if scenario.soak is not None:
            parts["soak"] = await run_soak(
                supervisor,
                sink,
                scenario,
                scenario.soak,
                run_id=folder.name,
                folder=folder,
                say=say,
            )
        effects = await calls_of(sink.effects_url)
        if scenario.idempotency is not None:
            parts["idempotency"] = await run_idempotency(
                supervisor, backends, scenario, scenario.idempotency, folder=folder, say=say
            )
        world = History(
            effects=effects,
            processes=supervisor.events,
            host=monitor.samples,
            distress=distress.found,
            pauses=distress.pauses,
        )
    outcomes = list(parts.values())
    cells = [
        cell
        for stage in scenario.stages
        for cell in stage_cells(scenario, stage, parts[stage.id].bounds)
    ]
    info = RunInfo(
        schema=SCHEMA,
        run_id=folder.name,
        command=shlex.join(["changeover", *sys.argv[1:]]),
        scenario=text,
        seed=scenario.seed,
        started_at=began_at.isoformat(timespec="seconds"),
        duration_s=time.monotonic() - began,
        host=host,
        versions=versions(),
        git=git_revision(),
        services=list({k: v for part in outcomes for k, v in part.services.items()}.values()),
        topology=_topology_facts(scenario, side_by_side),
        settings={
            f"{arm} ({what})": settings
            for what, part in parts.items()
            for arm, settings in part.settings.items()
        },
        cells=[cell for cell in cells if not cell.twin_of],
        twins=[cell for cell in cells if cell.twin_of],
        absent=[
            *(cell for stage in scenario.stages for cell in absent_cells(stage)),
            *left_out,
        ],
        idempotency=experiment_cells(scenario.idempotency) if scenario.idempotency else [],
        soak=soak_cells(scenario.soak, scenario.seed) if scenario.soak else [],
        capabilities=capabilities,
    )
    write_index(folder / "images", [picture for part in outcomes for picture in part.pictures])
    write_run_info(folder / "run.json", info)
    write_history(folder / "history.jsonl", merged([world, *(each.history for each in outcomes)]))


async def _start_servers(
    supervisor: Supervisor, scenario: Scenario, folder: Path
) -> tuple[dict[str, Backends], Backends]:
    """Start one server a kind, and give every arm of every stage, and of every idempotency mode,
    its own part of each.

    An arm has a Redis database number or a Temporal namespace of its own, so that no two arms
    share queues, and Celery's shortest visibility timeout on a broker is each arm's own.
    """
    arms: dict[str, Arm] = {
        namespace_of(stage, arm): arm for stage in scenario.stages for arm in stage.parsed_arms
    }
    if scenario.idempotency is not None:
        arms |= {arm.namespace: arm for arm in guarded_arms(scenario.idempotency)}
    brokers = {namespace: broker_of(arm.engine, arm.profile) for namespace, arm in arms.items()}
    # Where a stage strikes servers, it starts one an arm itself.
    own = {namespace_of(s, arm) for s in scenario.stages if s.own_servers for arm in s.parsed_arms}
    on_shared = {name: arm.engine for name, arm in arms.items() if name not in own}
    shared = await start_backends(
        supervisor,
        folder,
        sorted(set(on_shared.values())),
        [namespace for namespace, engine in on_shared.items() if engine == "temporal"],
        own_sink=True,
        broker=next((brokers[name] for name in on_shared if brokers[name]), ""),
        durability=scenario.durability,
    )
    backends = {
        namespace: replace(
            shared.numbered(number),
            broker=shared.broker if brokers[namespace] else "",
        )
        for number, namespace in enumerate(arms)
    }
    return backends, replace(shared, addresses={}, ui_urls={}, broker="")


def _topology_facts(scenario: Scenario, side_by_side: Mapping[str, Blocks]) -> dict[str, str]:
    facts = {
        "restart delay": f"{scenario.restart_delay_s:g} s",
        "grace between SIGTERM and SIGKILL": f"{scenario.stop_grace_s:g} s",
        "an acknowledged write survives": _SURVIVES[scenario.durability],
        "a process that starts again": (
            "is forked, on every arm, from one that has imported its libraries (on Linux): the time"
            " that an import takes is in no recovery"
        ),
        "niceness of workers": f"{WORKER_NICE}; of all else 0",
    }
    for stage in scenario.stages:
        facts[f"arms side by side ({stage.id})"] = str(side_by_side[stage.id])
        facts["CPU workers an arm"] = f"1 with {scenario.cpu_slots} slots"
        facts[f"GPU workers an arm ({stage.id})"] = f"{stage.gpu_workers} with 1 slot"
        facts[f"detection budget ({stage.id})"] = f"{stage.detection_budget_s:g} s"
        for name, budget_s in stage.budgets_s.items():
            facts[f"detection budget ({stage.id}, {name})"] = f"{budget_s:g} s"
        facts[f"longest healthy step allowed for ({stage.id})"] = f"{stage.job.longest_step_s:g} s"
    if scenario.idempotency is not None:
        facts["workers a role (idempotency)"] = (
            "1 with 1 slot; where workers are frozen, one more than are frozen at once"
        )
        facts["detection budget (idempotency)"] = f"{scenario.idempotency.detection_budget_s:g} s"
    if scenario.soak is not None:
        soak = scenario.soak
        facts["workers an arm (soak)"] = (
            f"{soak.gpu_workers} GPU workers with 1 slot, {soak.cpu_workers} CPU workers with"
            f" {scenario.cpu_slots}"
        )
        facts["detection budget (soak)"] = f"{soak.detection_budget_s:g} s"
        facts["faults (soak)"] = f"one in {soak.mean_gap_s:g} s an arm, on average"
    return facts
