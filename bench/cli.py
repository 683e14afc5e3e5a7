"""The command line: `changeover VERB`.

Exit status: 0 the run completed and every promise of its arms was kept; 1 a verdict
fell short; 2 wrong usage or a bad scenario; 3 the environment is not fit; 130 interrupted.

Each verb is imported once it is asked for: a `--help` should not wait for what it describes.
"""

import os
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bench.record.run_folder import DEFAULT_RESULTS

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Run the same GPU jobs on Celery and on Temporal, break both, and compare.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Results = Annotated[Path, typer.Option(help="The folder that holds run folders.")]
AtOnce = Annotated[
    int | None,
    typer.Option(min=1, help="Arms that run at once; by default as many as the machine carries."),
]


class EngineChoice(StrEnum):
    """Whose workers to run."""

    CELERY = "celery"
    TEMPORAL = "temporal"
    BOTH = "both"


class ComputeChoice(StrEnum):
    """What a GPU step runs on."""

    DIFFUSERS = "diffusers"
    SIMULATED = "simulated"


def _console() -> "Console":
    from rich.console import Console

    return Console(stderr=True)


def _exit_with(main: Coroutine[Any, Any, int]) -> NoReturn:
    from bench.verbs.interrupt import run_to_exit_status

    raise typer.Exit(run_to_exit_status(main))


def _flag() -> EngineChoice:
    return EngineChoice(os.environ.get("CHANGEOVER_BACKEND", "celery"))


@app.command("up")
def up_command(
    engine: Annotated[
        EngineChoice | None,
        typer.Option(help="Whose workers to run; by default CHANGEOVER_BACKEND's, else celery's."),
    ] = None,
    profile: Annotated[str, typer.Option(help="The engine's profile.")] = "hardened",
    compute: Annotated[
        ComputeChoice, typer.Option(help="What a GPU step runs on.")
    ] = ComputeChoice.DIFFUSERS,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="By default 8000, or a free one.")
    ] = None,
    gpu_workers: Annotated[int, typer.Option(min=1, max=64)] = 2,
    detection_budget: Annotated[
        float, typer.Option(min=2, help="Seconds in which a dead worker must be noticed.")
    ] = 20.0,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Serve the facade with workers until Ctrl-C."""
    from bench.arms.topology import Topology
    from bench.verbs.up import UpOptions, default_port, up

    try:
        flag = _flag()
    except ValueError:
        raise typer.BadParameter("CHANGEOVER_BACKEND must be celery or temporal") from None
    chosen = engine or flag
    engines = ["celery", "temporal"] if chosen is EngineChoice.BOTH else [chosen.value]
    if chosen is EngineChoice.BOTH and flag is EngineChoice.TEMPORAL:
        engines.reverse()
    options = UpOptions(
        engines=engines,
        profile=profile,
        compute=compute.value,
        port=port or default_port(),
        results=results,
        topology=Topology(gpu_workers=gpu_workers, detection_budget_s=detection_budget),
    )
    _exit_with(up(options, _console()))


@app.command("compare")
def compare_command(
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario or a TOML file of your own.")
    ] = "compare",
    quick: Annotated[bool, typer.Option("--quick", help="The scenario `quick`: 90 s.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Another seed than the scenario's.")
    ] = None,
    at_once: AtOnce = None,
    results: Results = DEFAULT_RESULTS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print metrics.json on standard output.")
    ] = False,
) -> None:
    """Run a scenario on every arm and report what each engine lost, repeated and wasted."""
    from bench.verbs.compare import compare_verb

    _exit_with(
        compare_verb(
            "quick" if quick else scenario,
            seed,
            results,
            _console(),
            as_json=as_json,
            at_once=at_once,
        )
    )


@app.command("chaos")
def chaos_command(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(help="Shipped scenarios or TOML files of your own, run one after another."),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list", help="List every fault and scenario instead.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Another seed: another schedule of faults.")
    ] = None,
    at_once: AtOnce = None,
    results: Results = DEFAULT_RESULTS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print metrics.json, or the list, on standard output.")
    ] = False,
) -> None:
    """Inject faults from a scenario into every arm and report what came of each."""
    from bench.verbs.chaos import chaos_verb, list_verb

    if list_faults:
        raise typer.Exit(list_verb(_console(), as_json=as_json))
    if not scenarios:
        from bench.scenario.file import shipped

        raise typer.BadParameter(f"name a scenario: {', '.join(shipped())}; or --list")
    _exit_with(chaos_verb(scenarios, seed, results, _console(), as_json=as_json, at_once=at_once))


@app.command("report")
def report_command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print metrics.json on standard output.")
    ] = False,
) -> None:
    """Measure a run again from its run.json and history.jsonl, and write its report anew.

    Without history.jsonl the report is drawn from metrics.json as it is.
    """
    from bench.verbs.compare import report_verb

    raise typer.Exit(report_verb(run, _console(), as_json=as_json))


@app.command("price")
def price_command(
    arms: Annotated[
        list[str] | None,
        typer.Argument(help="Such as celery/hardened; by default every one without RabbitMQ."),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, max=8, help="Pictures of the job.")] = 1,
    picture_s: Annotated[float, typer.Option(min=0.1, help="Seconds a picture takes.")] = 15.0,
    step_s: Annotated[float, typer.Option(min=0.01, help="Seconds a denoising step takes.")] = 0.5,
    detection_budget: Annotated[float, typer.Option("--budget", min=2, help="Seconds.")] = 20.0,
    idle_s: Annotated[float, typer.Option(min=1, help="Seconds of idling beforehand.")] = 20.0,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Count what one job asks of its server: Temporal actions, Redis commands."""
    from bench.arms.engines import ENGINES, broker_of, profiles_of
    from bench.arms.topology import Arm
    from bench.trials.price import Job
    from bench.verbs.price import price_verb

    # What RabbitMQ is asked for, nobody counts here.
    known = [
        f"{engine}/{profile}"
        for engine in ENGINES
        for profile in profiles_of(engine)
        if not broker_of(engine, profile)
    ]
    if unknown := [name for name in arms or [] if name not in known]:
        raise typer.BadParameter(f"no arm {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [Arm(*name.split("/")) for name in arms or known]
    job = Job(pictures, picture_s, step_s)
    _exit_with(price_verb(chosen, job, detection_budget, idle_s, results, _console()))


@app.command("deploys")
def deploys_command(
    jobs: Annotated[int, typer.Option(min=2, help="Jobs under way, on each arm.")] = 8,
    drain_s: Annotated[
        float, typer.Option(min=1, help="Seconds after the deploy at which jobs are judged.")
    ] = 40.0,
    seed: Annotated[int, typer.Option(min=0, help="What jobs are drawn by.")] = 1,
    results: Results = DEFAULT_RESULTS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print deploys.json on standard output.")
    ] = False,
) -> None:
    """Deploy changed code with jobs under way: unpatched, patched, pinned, and on Celery."""
    from bench.verbs.deploys import deploys_verb

    _exit_with(deploys_verb(jobs, drain_s, seed, results, _console(), as_json=as_json))


@app.command("replay")
def replay_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Histories as `temporal workflow show --output json` prints them."),
    ] = None,
    from_server: Annotated[
        bool,
        typer.Option("--from-server", help="Those of the open workflows of Temporal's namespace."),
    ] = False,
    query: Annotated[
        str | None, typer.Option(help="Those that this list filter finds, from the server.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many from the server.")] = 1000,
) -> None:
    """Replay workflows' histories on this code before it is deployed; 1 if any does not fit.

    FILES may be folders. The server is the one that workers with this environment connect to.
    """
    from bench.verbs.replay import replay_verb

    raise typer.Exit(replay_verb(files or [], query, limit, from_server=from_server))


@app.command("capabilities")
def capabilities_command(
    engine: Annotated[
        EngineChoice, typer.Option(help="Whose patterns to test.")
    ] = EngineChoice.BOTH,
    results: Results = DEFAULT_RESULTS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the matrix as JSON on standard output.")
    ] = False,
) -> None:
    """Test 24 patterns on each engine: native, built by us, or not possible."""
    from bench.arms.engines import ENGINES
    from bench.verbs.capabilities import capabilities_verb

    engines = list(ENGINES) if engine is EngineChoice.BOTH else [engine.value]
    _exit_with(capabilities_verb(engines, results, _console(), as_json=as_json))


@app.command("doctor")
def doctor_command(
    results: Results = DEFAULT_RESULTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check that this machine is fit for a run."""
    from bench.verbs.compare import doctor_verb

    _exit_with(doctor_verb(results, _console(), as_json=as_json))


def main() -> None:
    """Run the command line."""
    app()
