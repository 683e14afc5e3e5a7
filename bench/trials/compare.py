"""`changeover compare`: runs a scenario on every arm and writes the run folder."""

import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.arms.addresses import Backends
from bench.arms.backends import start_backends
from bench.arms.host import git_revision, host_facts, versions
from bench.arms.host_monitor import HostMonitor
from bench.arms.supervisor import Supervisor
from bench.arms.topology import WORKER_NICE, Arm
from bench.capabilities.suite import known_capabilities
from bench.faults.registry import FAULTS, exposed
from bench.load.pictures import write_index
from bench.record.history import History, merged, write_history
from bench.record.run_info import SCHEMA, AbsentCell, CellInfo, RunInfo, write_run_info
from bench.scenario.model import CellPlan, Scenario, Stage
from bench.trials.cell import cell_id
from bench.trials.idempotency.arms import guarded_arms
from bench.trials.idempotency.infos import experiment_infos
from bench.trials.idempotency.run import IdempotencyOutcome, run_idempotency
from bench.trials.live_arms import namespace_of
from bench.trials.predicted import predicted_bound
from bench.trials.soak.run import SoakOutcome, run_soak, soak_infos
from bench.trials.stage import StageOutcome, run_stage
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION, Bound
from shared.domain.records import EffectRecord

OWED_EFFECTS = ["reserve_credits", "capture_credits", "notify_user"]
OWED_BY_SESSIONS = ["notify_user"]
_DEMANDS_OF_ALL = ["faults_confirmed", "no_phantoms"]
_DEMANDS_OF_HARDENED = ["no_loss", "no_duplicate_effects", "within_bound"]
_EFFECTS_LIMIT_S = 300.0
_HARDENED = ("hardened", "renewed", "standalone")


async def compare(scenario: Scenario, text: str, folder: Path, say: Callable[[str], None]) -> None:
    """Run the scenario and write `run.json`, `history.jsonl` and `images/` into the folder."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    host = host_facts()
    capabilities = known_capabilities(folder.parent)
    outcomes: list[StageOutcome] = []
    async with HostMonitor() as monitor, Supervisor(folder / "logs") as supervisor:
        say("starting servers")
        backends, sink_url = await _start_servers(supervisor, scenario, folder)
        for number, stage in enumerate(scenario.stages):
            outcomes.append(
                await run_stage(
                    supervisor,
                    {arm.name: backends[namespace_of(stage, arm)] for arm in stage.parsed_arms},
                    scenario,
                    stage,
                    number=number,
                    run_id=folder.name,
                    folder=folder,
                    say=say,
                )
            )
        soak = SoakOutcome()
        if scenario.soak is not None:
            sink = Backends(None, None, None, sink_url)
            soak = await run_soak(
                supervisor,
                sink,
                scenario,
                scenario.soak,
                run_id=folder.name,
                folder=folder,
                say=say,
            )
        effects = await _effects(sink_url)
        experiments = IdempotencyOutcome()
        if scenario.idempotency is not None:
            experiments = await run_idempotency(
                supervisor, backends, scenario, scenario.idempotency, folder=folder, say=say
            )
        world = History(effects=effects, processes=supervisor.events, host=monitor.samples)
    parts: list[StageOutcome | SoakOutcome | IdempotencyOutcome] = [*outcomes, soak, experiments]
    history = merged([world, *(part.history for part in parts)])
    cells = [
        _cell_info(stage, arm, plan, outcome.bounds[arm.name], scenario.restart_delay_s)
        for stage, outcome in zip(scenario.stages, outcomes, strict=True)
        for plan in stage.cells
        for arm in stage.parsed_arms
        if exposed(arm.engine, plan.fault)
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
        services=list({k: v for part in parts for k, v in part.services.items()}.values()),
        topology=_topology_facts(scenario),
        settings={
            f"{arm} ({what})": settings
            for what, part in zip(
                [*(stage.id for stage in scenario.stages), "soak", "idempotency"],
                parts,
                strict=True,
            )
            for arm, settings in part.settings.items()
        },
        cells=[cell for cell in cells if not cell.twin_of],
        twins=[cell for cell in cells if cell.twin_of],
        absent=[
            AbsentCell(cell_id(stage, arm.name, plan), FAULTS[plan.fault].facts.absent[arm.engine])
            for stage in scenario.stages
            for plan in stage.cells
            for arm in stage.parsed_arms
            if not exposed(arm.engine, plan.fault) and not arm.twin
        ],
        idempotency=(
            experiment_infos(scenario.idempotency, OWED_EFFECTS) if scenario.idempotency else []
        ),
        soak=(soak_infos(scenario.soak, scenario.seed, OWED_EFFECTS) if scenario.soak else []),
        capabilities=capabilities,
    )
    write_index(folder / "images", [picture for o in outcomes for picture in o.pictures])
    write_run_info(folder / "run.json", info)
    write_history(folder / "history.jsonl", history)


async def _start_servers(
    supervisor: Supervisor, scenario: Scenario, folder: Path
) -> tuple[dict[str, Backends], str]:
    """Start one server a kind, and give every arm of every stage, and of every idempotency mode,
    its own part of each.

    An arm has a Redis database number or a Temporal namespace of its own, so that no two arms
    share queues, and Celery's shortest visibility timeout on a broker is each arm's own.
    """
    engines = {
        namespace_of(stage, arm): arm.engine
        for stage in scenario.stages
        for arm in stage.parsed_arms
    }
    if scenario.idempotency is not None:
        engines |= {arm.namespace: arm.engine for arm in guarded_arms(scenario.idempotency)}
    # Where a stage strikes servers, it starts one an arm itself.
    own = {namespace_of(s, arm) for s in scenario.stages if s.own_servers for arm in s.parsed_arms}
    on_shared = {namespace: e for namespace, e in engines.items() if namespace not in own}
    shared = await start_backends(
        supervisor,
        folder,
        sorted(set(on_shared.values())),
        [namespace for namespace, engine in on_shared.items() if engine == "temporal"],
        own_sink=True,
    )
    backends = {
        namespace: replace(shared, redis_url=_redis_database(shared.redis_url, number))
        for number, namespace in enumerate(engines)
    }
    return backends, shared.effects_url


def _redis_database(url: str | None, number: int) -> str | None:
    return urlsplit(url)._replace(path=f"/{number}").geturl() if url else None


async def _effects(sink_url: str) -> list[EffectRecord]:
    async with httpx.AsyncClient(base_url=sink_url, timeout=_EFFECTS_LIMIT_S) as client:
        calls = (await client.get("/calls")).raise_for_status().json()
    return [EffectRecord(**call) for call in calls]


def _cell_info(
    stage: Stage, arm: Arm, plan: CellPlan, bounds: dict[Impact, Bound], restart_delay_s: float
) -> CellInfo:
    demands = list(_DEMANDS_OF_ALL)
    if arm.profile in _HARDENED:
        demands += _DEMANDS_OF_HARDENED
    return CellInfo(
        id=cell_id(stage, arm.name, plan),
        arm=arm.name,
        engine=arm.engine,
        profile=arm.profile,
        workload=plan.workload,
        compute=stage.compute,
        stage=stage.id,
        detection_budget_s=stage.detection_budget_s,
        healthy_step_s=stage.healthy_step_s,
        fault=plan.fault,
        trials=plan.trials,
        drain_s=plan.drain_s,
        predicted=predicted_bound(plan, stage, bounds, restart_delay_s),
        owed_effects=OWED_EFFECTS if plan.workload == IMAGE_GENERATION else OWED_BY_SESSIONS,
        demands=demands,
        twin_of=cell_id(stage, replace(arm, twin=False).name, plan) if arm.twin else "",
    )


def _topology_facts(scenario: Scenario) -> dict[str, str]:
    facts = {
        "restart delay": f"{scenario.restart_delay_s:g} s",
        "grace between SIGTERM and SIGKILL": f"{scenario.stop_grace_s:g} s",
        "niceness of workers": f"{WORKER_NICE}; of all else 0",
    }
    for stage in scenario.stages:
        facts["CPU workers an arm"] = f"1 with {scenario.cpu_slots} slots"
        facts[f"GPU workers an arm ({stage.id})"] = f"{stage.gpu_workers} with 1 slot"
        facts[f"detection budget ({stage.id})"] = f"{stage.detection_budget_s:g} s"
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
