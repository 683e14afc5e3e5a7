"""Celery's own command finds the application and shows the jobs: `celery -A celery_impl`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from celery_impl.engine import CeleryEngine
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from tests.integration.celery_lab import (
    Lab,
    Process,
    StartWorker,
    free_port,
    over,
    running_lab,
    until,
)

FIRST = "generate_image/0"
COMMAND = (sys.executable, "-m", "celery", "-A", "celery_impl", "--no-color")

pytest_plugins = ("tests.integration.celery_fixtures",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("command")
    with running_lab(folder, "hardened", detection_budget_s=30.0) as lab:
        lab.worker("cpu", "cpu-0")
        yield lab


def celery(lab: Lab, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in the environment of the lab's processes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=lab.environment(**settings),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


async def test_inspect_names_the_jobs_step_that_a_worker_runs(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-seen")
    job_id, request = lab.register(steps=150)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    lab.reached(job_id, FIRST, 1)
    told = celery(lab, "inspect", "active", "--json", "--timeout", "5")
    assert told.returncode == 0, told.stderr
    running = [task for tasks in json.loads(told.stdout).values() for task in tasks]
    assert [(task["id"], task["name"]) for task in running] == [
        (f"{job_id}/{FIRST}", "generate_image")
    ]
    await engine.cancel(job_id)
    await over(engine, job_id)


async def test_a_command_with_a_shorter_budget_hands_nothing_out_again(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    """It sweeps while it waits for answers, as a worker does, but nothing is overdue for it."""
    for name in ("gpu-left", "gpu-right"):
        gpu(name)
    job_id, request = lab.register(steps=150)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    lab.reached(job_id, FIRST, 30)
    told = celery(lab, "inspect", "ping", "--timeout", "1", detection_budget_s=2.0)
    assert told.returncode == 0, told.stderr
    assert not lab.ended(job_id, FIRST), "too slow a command to show anything"
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    started = [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.STARTED]
    assert len(started) == 1


async def test_events_show_a_job_from_step_to_step(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-events")
    log = lab.folder / "events.log"
    events = Process([*COMMAND, "events", "--dump"], log, lab.environment()).start()
    try:
        until(lambda: "heartbeat" in log.read_text(), "the workers are heard")
        job_id, request = lab.register(steps=4)
        await engine.submit(job_id, IMAGE_GENERATION, request)
        await over(engine, job_id)
        for step in ("reserve_credits", FIRST, "assemble", "capture_credits", "notify_user"):
            until(
                lambda step=step: any(  # type: ignore[misc]
                    f"{job_id}/{step}" in line and "succeeded" in line
                    for line in log.read_text().splitlines()
                ),
                f"{step} is shown as succeeded",
            )
    finally:
        events.kill()


async def test_flower_shows_a_job_with_its_steps(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    pytest.importorskip("flower")
    gpu("gpu-flower")
    address = f"127.0.0.1:{free_port()}"
    host, _, port = address.partition(":")
    argv = [*COMMAND, "flower", f"--address={host}", f"--port={port}"]
    environment = lab.environment() | {"FLOWER_UNAUTHENTICATED_API": "true"}
    flower = Process(argv, lab.folder / "flower.log", environment).start()
    try:
        until(lambda: len(_asked(f"http://{address}/api/workers")) == 2, "it knows the workers")
        job_id, request = lab.register(steps=4)
        await engine.submit(job_id, IMAGE_GENERATION, request)
        await over(engine, job_id)
        tasks = f"http://{address}/api/tasks"
        until(lambda: _states(_asked(tasks), job_id) == ["SUCCESS"] * 5, "it knows the five steps")
    finally:
        flower.kill()


def _asked(url: str) -> dict[str, Any]:
    try:
        answer = httpx.get(url)
    except httpx.HTTPError:
        return {}
    return answer.json() if answer.is_success else {}


def _states(tasks: dict[str, Any], job_id: str) -> list[str]:
    return [task["state"] for name, task in tasks.items() if name.startswith(job_id)]


def test_report_says_what_is_in_force(lab: Lab) -> None:
    told = celery(lab, "report")
    assert told.returncode == 0, told.stderr
    assert "task_acks_late: True" in told.stdout
    assert lab.settings.redis_url in told.stdout


def test_a_worker_is_refused_with_the_command_that_starts_one(lab: Lab) -> None:
    told = celery(lab, "worker", "-Q", "gpu")
    assert told.returncode != 0
    assert "python -m celery_impl.worker" in told.stderr


@pytest.mark.parametrize("process", ["celery_impl.worker --role cpu", "celery_impl.beat"])
def test_a_profile_that_cannot_be_had_is_refused_in_one_sentence(lab: Lab, process: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", *process.split()],
        env=lab.environment(profile="nobodys"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 3
    assert told.stderr.startswith("BadSetting: ")
    assert len(told.stderr.splitlines()) == 1
