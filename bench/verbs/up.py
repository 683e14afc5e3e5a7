"""`changeover up`: the facade with workers, in the foreground, until Ctrl-C."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.arms.addresses import configured
from bench.arms.backends import start_backends
from bench.arms.engines import BROKER_VARIABLE, broker_of, detection_of, profiles_of
from bench.arms.ports import free_port, listening
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Arm, Topology, await_ready, start_stack
from bench.errors import NotFit
from bench.record.run_folder import new_run_folder
from shared.domain.faces import FACE_SIMILARITY
from shared.extras import complaints, needed_to_compute, require
from shared.settings import Settings

NAMESPACE = "changeover"
_USUAL_PORT = 8000


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What to serve; `engines` are those whose workers run, the first takes new jobs."""

    engines: list[str]
    profile: str
    compute: str
    port: int
    results: Path
    topology: Topology


def default_port() -> int:
    """Return 8000 or, so that a second run at the same time works, another free port."""
    return free_port() if listening(_USUAL_PORT) else _USUAL_PORT


async def up(options: UpOptions, console: Console) -> int:
    """Serve until cancelled. Nothing that was started outlives this call."""
    settings = Settings.from_environment()
    for engine in options.engines:
        if options.profile not in profiles_of(engine):
            raise NotFit(
                f"{engine} has no profile {options.profile!r}; it has"
                f" {', '.join(profiles_of(engine))}"
            )
        found = detection_of(engine, options.profile, options.topology.detection_budget_s)
        if found and not found.possible:
            budget = f"a detection budget of {options.topology.detection_budget_s:g} s"
            raise NotFit(f"{budget} is too short for {engine}/{options.profile}: {found.reason}")
    brokers = (broker_of(engine, options.profile) for engine in options.engines)
    broker = next((each for each in brokers if each), "")
    if not broker and configured(BROKER_VARIABLE):
        raise NotFit(f"{BROKER_VARIABLE} goes with --profile rabbitmq; choose that, or unset it")
    workloads = _workloads(settings, options.compute, console)
    if listening(options.port):
        raise NotFit(f"port {options.port} is taken; choose another with --port")
    folder = new_run_folder(options.results, "up")
    async with Supervisor(folder / "logs") as supervisor:
        with console.status("starting servers and workers"):
            backends = await start_backends(
                supervisor,
                folder,
                options.engines,
                [NAMESPACE],
                broker=broker,
                durability=settings.durability,
                any_namespace=True,
            )
            temporal = backends.temporal
            stack = start_stack(
                supervisor,
                arm=Arm(options.engines[0], options.profile),
                engines=options.engines,
                workloads=workloads,
                topology=options.topology,
                backends=backends,
                folder=folder,
                namespace=NAMESPACE,
                env={
                    "CHANGEOVER_COMPUTE": options.compute,
                    **({"CHANGEOVER_TEMPORAL_NAMESPACE": temporal.namespace} if temporal else {}),
                    **_own_stores(),
                },
                port=options.port,
            )
            await await_ready(stack)
        console.print(f"[bold]ready[/bold]   {stack.url}  (new jobs go to {stack.arm.name})")
        console.print(f"logs    {folder / 'logs'}")
        if temporal:
            said = f"temporal  {temporal.address}, namespace {temporal.namespace}"
            console.print(f"{said} ({temporal.named_by})", highlight=False, soft_wrap=True)
        for url in backends.ui_urls.values():
            console.print(f"ui      {url}")
        console.print(
            f"try     curl -s {stack.url}/v1/jobs/image-generation"
            " -H 'content-type: application/json' -d"
            ' \'{"prompt": "a red circle on a blue background", "user_id": "me"}\'',
            soft_wrap=True,
        )
        console.print("stop    Ctrl-C")
        await asyncio.Event().wait()
    return 0


def _workloads(settings: Settings, compute: str, console: Console) -> frozenset[str]:
    """Return what to serve; `MissingExtra` if that needs something that is not installed.

    Face sessions are left out, and that is said, if only their packages are missing and nobody
    asked for them by name.
    """
    served = settings.workloads
    by_default = "workloads" not in settings.model_fields_set
    if by_default and (lacking := complaints(needed_to_compute(compute, [FACE_SIMILARITY]))):
        said = f"face sessions are not served: {'; '.join(lacking)}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
        served -= {FACE_SIMILARITY}
    require(needed_to_compute(compute, served))
    return served


def _own_stores() -> dict[str, str]:
    """Return the database and the artifact store that the environment names, if it does."""
    names = ("CHANGEOVER_DATABASE_URL", "CHANGEOVER_ARTIFACTS_URL")
    return {name: value for name in names if (value := configured(name))}
