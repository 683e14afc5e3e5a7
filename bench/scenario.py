"""Scenarios: TOML files that say what to run, validated whole before anything starts."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.chaos.fault import Facts
from bench.chaos.registry import FAULTS, NO_FAULT
from bench.errors import BadScenario
from bench.idempotency.experiments import EXPERIMENTS, Receiver
from bench.load.plan import Arrivals
from bench.topology import ENGINES, Arm, profiles_of
from shared.ports.idempotency import IdempotencyMode


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_arm(text: str) -> str:
    known = [f"{engine}/{name}" for engine in ENGINES for name in profiles_of(engine)]
    if text not in known:
        raise ValueError(f"{text!r} is not one of {', '.join(known)}")
    return text


def _is_fault(name: str) -> str:
    if name != NO_FAULT and name not in FAULTS:
        raise ValueError(f"{name!r} is not one of {NO_FAULT}, {', '.join(FAULTS)}")
    return name


class JobShape(_Table):
    """The jobs that the load submits. `n` is drawn from the list, evenly, by the seed."""

    n: list[Annotated[int, Field(ge=1, le=8)]] = Field(min_length=1)
    steps: int = Field(ge=2, le=150)
    width: int = 64
    height: int = 64
    longest_step_s: float = Field(gt=0)
    """The longest that a healthy `generate_image` takes here, in seconds."""


class CellPlan(_Table):
    """One fault, tried on every arm of the stage."""

    fault: Annotated[str, AfterValidator(_is_fault)]
    trials: int = Field(0, ge=0, le=1000)
    at: tuple[float, float] | None = None
    """The share of the denoising steps at which to strike, drawn evenly by the seed; None leaves it
    to the fault."""
    duration_s: float = Field(0.0, ge=0)
    """How long to load an unfaulted cell; a faulted one is loaded until its trials are done."""
    rate_per_s: float = Field(gt=0)
    """Jobs that arrive in a second, on average, on each arm."""
    arrivals: Arrivals = "poisson"
    """`even` where the machine could not take a Poisson process's bursts."""
    drain_s: float = Field(gt=0)
    """T: how long after the last arrival jobs are judged."""
    limit_s: float = Field(300.0, gt=0)
    """When to give up on trials that find no target."""

    @model_validator(mode="after")
    def _fits_together(self) -> "CellPlan":
        if self.at is not None and not 0 < self.at[0] <= self.at[1] < 1:
            raise ValueError("at: two shares between 0 and 1, the lower first")
        if self.fault == NO_FAULT and (self.trials or not self.duration_s):
            raise ValueError("an unfaulted cell needs duration_s and has no trials")
        if self.fault != NO_FAULT and not self.trials:
            raise ValueError("a faulted cell needs trials")
        return self


class Stage(_Table):
    """Arms that run side by side on one compute driver, through one cell after another."""

    compute: Literal["simulated", "diffusers"]
    name: str = Field("", pattern=r"^[a-z0-9-]{0,40}$")
    """What tells it from the scenario's other stages; by default the compute driver."""
    arms: list[Annotated[str, AfterValidator(_is_arm)]] = Field(min_length=1)
    gpu_workers: int = Field(ge=1, le=64)
    detection_budget_s: float = Field(ge=2)
    short_lease: bool = False
    """Allow a budget below the longest healthy step: what that does is then the question."""
    step_s: float = Field(0.1, gt=0)
    """Length of a simulated denoising step."""
    load_s: float = Field(0.0, ge=0)
    """Length of a simulated model load."""
    faults_at_once: int = Field(3, ge=1, le=64)
    """How many workers may be down at once, all arms together: restarts share the processors, and
    more of them would measure the machine."""
    job: JobShape
    cells: list[CellPlan] = Field(min_length=1)

    @model_validator(mode="after")
    def _budget_fits(self) -> "Stage":
        if len(set(self.arms)) != len(self.arms):
            raise ValueError("arms: each once")
        if not self.short_lease and self.detection_budget_s <= self.job.longest_step_s + 1:
            raise ValueError(
                f"detection_budget_s = {self.detection_budget_s:g} must exceed longest_step_s ="
                f" {self.job.longest_step_s:g} by more than 1 s: Celery's visibility timeout"
                " follows from it and would repeat healthy steps; short_lease = true allows it"
            )
        return self

    @property
    def id(self) -> str:
        """The name, or what stands for it."""
        return self.name or self.compute

    @property
    def parsed_arms(self) -> list[Arm]:
        """The arms as objects."""
        return [Arm(*text.split("/", 1)) for text in self.arms]

    @property
    def facts(self) -> list[Facts]:
        """What is known of the faults of its cells."""
        return [FAULTS[cell.fault].facts for cell in self.cells if cell.fault != NO_FAULT]

    @property
    def own_servers(self) -> bool:
        """Whether each arm needs a server that no other arm shares."""
        return any(facts.own_server for facts in self.facts)

    @property
    def needs_links(self) -> bool:
        """Whether the GPU workers must reach their server through something that can be cut."""
        return any(facts.links for facts in self.facts)


def _is_experiment(name: str) -> str:
    if name not in EXPERIMENTS:
        raise ValueError(f"{name!r} is not one of {', '.join(EXPERIMENTS)}")
    return name


class IdempotencyPlan(_Table):
    """Every experiment on every arm in every mode, on the simulated GPU."""

    arms: list[Annotated[str, AfterValidator(_is_arm)]] = Field(
        ["celery/hardened", "temporal/hardened"], min_length=1
    )
    modes: list[IdempotencyMode] = Field(list(IdempotencyMode), min_length=1)
    experiments: list[Annotated[str, AfterValidator(_is_experiment)]] = Field(
        list(EXPERIMENTS), min_length=1
    )
    trials: int = Field(3, ge=1, le=50)
    """Jobs an experiment, arm and mode; each is struck once."""
    receiver: Receiver = Receiver.HONOURS_KEYS
    detection_budget_s: float = Field(5.0, ge=2)
    steps: int = Field(12, ge=4, le=150)
    step_s: float = Field(0.1, gt=0)
    drain_s: float = Field(90.0, gt=0)
    """T: how long after its fault a job is judged; after its submission if none struck."""

    @model_validator(mode="after")
    def _fits_together(self) -> "IdempotencyPlan":
        for name in ("arms", "modes", "experiments"):
            listed = getattr(self, name)
            if len(set(listed)) != len(listed):
                raise ValueError(f"{name}: each once")
        if "temporal/standalone" in self.arms:
            raise ValueError("arms: temporal/standalone runs all steps of a job as one activity")
        if self.detection_budget_s <= self.steps * self.step_s + 2:
            raise ValueError(
                f"detection_budget_s = {self.detection_budget_s:g} must exceed a picture's"
                f" {self.steps * self.step_s:g} s by more than 2 s, or healthy steps are repeated"
            )
        return self

    @property
    def parsed_arms(self) -> list[Arm]:
        """The arms as objects."""
        return [Arm(*text.split("/", 1)) for text in self.arms]


class Scenario(_Table):
    """A whole run: stages, one after the other, then the experiments on idempotency."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    seed: int = Field(ge=0)
    cpu_slots: int = Field(4, ge=1, le=32)
    restart_delay_s: float = Field(1.0, ge=0)
    stop_grace_s: float = Field(10.0, ge=3)
    stages: list[Stage] = Field(default_factory=list)
    idempotency: IdempotencyPlan | None = None

    @property
    def largest(self) -> tuple[int, str]:
        """How many arms run at once where most is asked of the machine, and on which driver."""
        parts = [(len(stage.arms), stage.compute) for stage in self.stages]
        if self.idempotency is not None:
            parts.append((len(self.idempotency.arms) * len(self.idempotency.modes), "simulated"))
        return max(parts, key=lambda part: (part[1] == "diffusers", part[0]))

    @model_validator(mode="after")
    def _does_something(self) -> "Scenario":
        if not self.stages and self.idempotency is None:
            raise ValueError("needs stages, or a table [idempotency]")
        ids = [stage.id for stage in self.stages]
        if len(set(ids)) != len(ids):
            raise ValueError(f"stages: {', '.join(ids)}: give each a name of its own")
        return self


def load_scenario(name_or_path: str) -> tuple[Scenario, str]:
    """Return a scenario, shipped or a file of your own, and its text.

    `BadScenario` lists every mistake in it.
    """
    text = _read(name_or_path)
    try:
        return Scenario.model_validate(tomllib.loads(text)), text
    except tomllib.TOMLDecodeError as error:
        raise BadScenario(f"{name_or_path}: {error}") from None
    except ValidationError as error:
        mistakes = [
            f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        ]
        raise BadScenario("\n".join([f"{name_or_path} is refused:", *mistakes])) from None


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    folder = files("bench") / "scenarios"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir())


def _read(name_or_path: str) -> str:
    if name_or_path in shipped():
        return (files("bench") / "scenarios" / f"{name_or_path}.toml").read_text()
    try:
        return Path(name_or_path).read_text()
    except OSError as error:
        raise BadScenario(
            f"{name_or_path}: {error.strerror}; shipped are {', '.join(shipped())}"
        ) from None
