"""An engine's server that is away for a minute, under every step of the flow, fails no job."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from bench.arms.addresses import Backends
from bench.arms.services import start_effect_sink
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Arm, Topology
from bench.trials.live_arms import ArmPlan, LiveArm, running_arms
from shared.domain.jobs import IMAGE_GENERATION
from shared.policy import (
    ASSEMBLE,
    CAPTURE_CREDITS,
    GENERATE_IMAGE,
    NOTIFY_USER,
    RESERVE_CREDITS,
)

AWAY_S = 60.0
EFFECTS = [RESERVE_CREDITS, CAPTURE_CREDITS, NOTIFY_USER]
UNDER_WAY = {GENERATE_IMAGE, *EFFECTS}
"""What has to be running as the server goes. The outside world is slow, so that effects are."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("arm", [Arm("celery", "hardened"), Arm("temporal", "hardened")])
async def test_a_server_away_for_a_minute_under_every_step_fails_no_job(
    tmp_path: Path, arm: Arm
) -> None:
    async with Supervisor(tmp_path / "logs") as supervisor:
        sink = await start_effect_sink(supervisor, tmp_path / "sink", ["--delay-s", "1.5"])
        plan = ArmPlan(
            arm=arm,
            namespace=f"outage-{arm.slug}",
            backends=Backends(sink.url, {}, {}),
            topology=Topology(gpu_workers=2, cpu_slots=8, detection_budget_s=6.0),
            workloads=[IMAGE_GENERATION],
            env={"CHANGEOVER_COMPUTE": "simulated", "CHANGEOVER_SIMULATED_STEP_S": "0.05"},
            own_server=True,
        )
        async with (
            running_arms(supervisor, [plan], tmp_path) as [live],
            httpx.AsyncClient(base_url=live.stack.url, timeout=30) as facade,
            httpx.AsyncClient(base_url=sink.url, timeout=30) as world,
        ):
            jobs = await _submitted_until_every_step_is_under_way(facade, live)
            assert live.server is not None
            live.server.held = True
            live.server.kill_group()
            await asyncio.sleep(AWAY_S)
            live.server.held = False
            assert await _ends(facade, jobs) == dict.fromkeys(jobs, "succeeded")
            for job in jobs:
                calls = (await world.get("/calls", params={"job_id": job})).json()
                applied = [call["effect"] for call in calls if call["applied"]]
                assert sorted(applied) == sorted(EFFECTS), job
            assert {_kind(step) for job in jobs for step in _finished(live, job)} >= {ASSEMBLE}


async def _submitted_until_every_step_is_under_way(
    facade: httpx.AsyncClient, live: LiveArm
) -> list[str]:
    jobs: list[str] = []
    give_up_at = time.monotonic() + 60
    while UNDER_WAY - (
        running := {_kind(records[0].step) for records in live.tail.open_attempts()}
    ):
        assert time.monotonic() < give_up_at, running
        if len(jobs) < 40:
            body = {"prompt": "a red circle", "user_id": "me", "n": 2, "steps": 10}
            answer = await facade.post("/v1/jobs/image-generation", json=body)
            jobs.append(answer.raise_for_status().json()["job_id"])
        await asyncio.sleep(0.3)
    return jobs


async def _ends(facade: httpx.AsyncClient, jobs: list[str]) -> dict[str, str]:
    """Return the status of each job once it is over, or as it is after two minutes."""
    ends: dict[str, str] = {}
    give_up_at = time.monotonic() + 120
    while len(ends) < len(jobs) and time.monotonic() < give_up_at:
        for job in set(jobs) - ends.keys():
            view = await facade.get(f"/v1/jobs/{job}")
            if view.status_code == 200 and view.json()["status"] in ("succeeded", "failed"):
                ends[job] = view.json()["status"]
        await asyncio.sleep(0.5)
    return {job: ends.get(job, "open") for job in jobs}


def _finished(live: LiveArm, job: str) -> set[str]:
    return {
        records[0].step
        for records in live.tail.by_attempt.values()
        if records[0].job_id == job and records[-1].kind == "finished"
    }


def _kind(step: str) -> str:
    return step.partition("/")[0]
