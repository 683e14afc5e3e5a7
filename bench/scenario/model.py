"""What a scenario may say, validated before anything starts; `file` reads one.

What two keys must have in common is checked at the later of the two, not for the table as a whole:
so every mistake is found at once, and at its own place.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bench.arms.topology import Arm
from bench.faults.fault import Facts
from bench.faults.registry import FAULTS, NO_FAULT
from bench.load.plan import Arrivals
from bench.scenario.budget import why_too_short
from bench.scenario.idempotency import IdempotencyPlan
from bench.scenario.soak import SoakPlan
from bench.scenario.table import ArmNames, Table, arm_of, each_once
from shared.domain.durability import Durability
from shared.domain.jobs import IMAGE_GENERATION
from shared.extras import Need, needed_to_compute


def _is_fault(name: str) -> str:
    if name != NO_FAULT and name not in FAULTS:
        raise ValueError(f"{name!r} is not one of {NO_FAULT}, {', '.join(FAULTS)}")
    return name


class JobShape(Table):
    """The jobs that the load submits."""

    n: list[Annotated[int, Field(ge=1, le=8)]] = Field(min_length=1)
    """Pictures a job, drawn evenly from the list by the seed."""
    steps: int = Field(ge=2, le=150)
    """Denoising steps a picture."""
    width: int = 64
    """Of a picture, in pixels."""
    height: int = 64
    """Of a picture, in pixels."""
    longest_step_s: float = Field(gt=0)
    """The longest that a healthy `generate_image` takes here, in seconds."""


class CellPlan(Table):
    """One fault, tried on every arm of the stage."""

    fault: Annotated[str, AfterValidator(_is_fault)]
    """A fault's name, as `changeover chaos --list` has them, or `none`."""
    trials: int = Field(0, ge=0, le=1000, validate_default=True)
    """How often each arm is struck."""
    at: tuple[float, float] | None = None
    """The share of the denoising steps at which to strike, drawn evenly by the seed; None leaves it
    to the fault."""
    duration_s: float = Field(0.0, ge=0, validate_default=True)
    """How long to load an unfaulted cell; a faulted one is loaded until its trials are done."""
    rate_per_s: float = Field(0.0, ge=0, validate_default=True)
    """Jobs that arrive in a second, on average, on each arm, beside those that faults submit; none
    in a cell of face sessions."""
    arrivals: Arrivals = "poisson"
    """`even` where the machine could not take a Poisson process's bursts."""
    drain_s: float = Field(gt=0)
    """T: how long after the last arrival jobs are judged."""
    limit_s: float = Field(300.0, gt=0)
    """When to give up on trials that find no target."""

    @property
    def workload(self) -> str:
        """What its jobs are."""
        return IMAGE_GENERATION if self.fault == NO_FAULT else FAULTS[self.fault].facts.workload

    @field_validator("trials")
    @classmethod
    def _suit_the_fault(cls, trials: int, info: ValidationInfo) -> int:
        fault = info.data.get("fault", "")
        if fault == NO_FAULT and trials:
            raise ValueError("an unfaulted cell has no trials")
        if fault not in ("", NO_FAULT) and not trials:
            raise ValueError("a faulted cell needs trials")
        return trials

    @field_validator("rate_per_s")
    @classmethod
    def _suits_the_workload(cls, rate_per_s: float, info: ValidationInfo) -> float:
        fault = info.data.get("fault", "")
        loaded = fault == NO_FAULT or (fault and FAULTS[fault].facts.workload == IMAGE_GENERATION)
        if loaded and not rate_per_s:
            raise ValueError("needs to be greater than 0")
        if fault and not loaded and rate_per_s:
            raise ValueError(f"a cell of {fault} has no load: its jobs are those of its faults")
        return rate_per_s

    @field_validator("at")
    @classmethod
    def _are_shares(
        cls, at: tuple[float, float] | None, info: ValidationInfo
    ) -> tuple[float, float] | None:
        fault = info.data.get("fault", NO_FAULT)
        if at is not None and fault != NO_FAULT and not FAULTS[fault].facts.aimed:
            raise ValueError(f"{fault} aims at no step")
        if at is not None and not 0 < at[0] <= at[1] < 1:
            raise ValueError("two shares between 0 and 1, the lower first")
        return at

    @field_validator("duration_s")
    @classmethod
    def _lasts(cls, duration_s: float, info: ValidationInfo) -> float:
        if info.data.get("fault") == NO_FAULT and not duration_s:
            raise ValueError("an unfaulted cell needs duration_s")
        return duration_s


def _check_budget(budget_s: float, info: ValidationInfo, arms: list[str]) -> None:
    """Raise `ValueError` if a stage's budget is too short for one of these arms."""
    given = info.data
    if {"compute", "job", "short_lease", "step_s"} <= given.keys():
        job: JobShape = given["job"]
        simulated = given["compute"] == "simulated"
        why = why_too_short(
            map(arm_of, arms),
            budget_s,
            longest_step_s=job.longest_step_s,
            longest_silence_s=given["step_s"] if simulated else job.longest_step_s / job.steps,
            may_repeat=given["short_lease"],
        )
        if why:
            raise ValueError(why)


class Stage(Table):
    """Arms that run side by side on one compute driver, through one cell after another."""

    compute: Literal["simulated", "diffusers"]
    """What a GPU step runs on."""
    name: str = Field("", pattern=r"^[a-z0-9-]{0,40}$")
    """What tells it from the scenario's other stages; by default the compute driver."""
    arms: ArmNames
    """The engines and profiles that are compared: `celery/hardened`."""
    twins: Annotated[list[str], AfterValidator(each_once)] = Field(default_factory=list)
    """Arms that run a second time beside themselves: two of a kind must come out alike, or the run
    tells nothing of the others."""
    gpu_workers: int = Field(ge=1, le=64)
    """GPU workers an arm, each with one slot."""
    job: JobShape
    """The jobs of its load."""
    short_lease: bool = False
    """Allow a budget below the longest healthy step: what that does is then the question."""
    step_s: float = Field(0.1, gt=0)
    """Length of a simulated denoising step."""
    detection_budget_s: float = Field(ge=2)
    """How long an engine may take to notice a dead worker."""
    budgets_s: dict[str, Annotated[float, Field(ge=2)]] = Field(default_factory=dict)
    """The detection budgets of arms that have one of their own, by arm."""
    load_s: float = Field(0.0, ge=0)
    """Length of a simulated model load."""
    faults_at_once: int = Field(3, ge=1, le=64)
    """How many workers may be down at once, all arms together: restarts share the processors, and
    more of them would measure the machine."""
    cells: list[CellPlan] = Field(min_length=1)
    """What is tried, one after the other."""

    @field_validator("twins")
    @classmethod
    def _are_arms_of_the_stage(cls, twins: list[str], info: ValidationInfo) -> list[str]:
        for name in twins:
            if name not in info.data.get("arms", twins):
                raise ValueError(f"{name!r} is not one of the stage's arms")
        return twins

    @field_validator("detection_budget_s")
    @classmethod
    def _is_enough(cls, budget_s: float, info: ValidationInfo) -> float:
        _check_budget(budget_s, info, info.data.get("arms", []))
        return budget_s

    @field_validator("budgets_s")
    @classmethod
    def _are_enough(cls, budgets_s: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        for name, budget_s in budgets_s.items():
            if name not in info.data.get("arms", budgets_s):
                raise ValueError(f"{name!r} is not one of the stage's arms")
            _check_budget(budget_s, info, [name])
        return budgets_s

    @field_validator("cells")
    @classmethod
    def _can_come_about(cls, cells: list[CellPlan], info: ValidationInfo) -> list[CellPlan]:
        job, budget_s = info.data.get("job"), info.data.get("detection_budget_s")
        for cell in cells:
            facts = FAULTS[cell.fault].facts if cell.fault != NO_FAULT else None
            if facts is None or job is None or budget_s is None:
                continue
            if facts.outlasts_lease and budget_s >= job.longest_step_s:
                raise ValueError(
                    f"{cell.fault} needs detection_budget_s below longest_step_s, and short_lease"
                )
            if facts.lone_worker and info.data.get("gpu_workers", 1) > 1:
                raise ValueError(f"{cell.fault} needs gpu_workers = 1")
            if facts.beside_another and max(job.n) < 2:
                raise ValueError(f"{cell.fault} needs jobs of several pictures, as with n = [2]")
        return cells

    @property
    def id(self) -> str:
        """The name, or what stands for it."""
        return self.name or self.compute

    @property
    def parsed_arms(self) -> list[Arm]:
        """Every arm that runs, the twins last."""
        return [arm_of(name) for name in self.arms] + [
            arm_of(name, twin=True) for name in self.twins
        ]

    def only(self, arms: Sequence[Arm]) -> "Stage":
        """Return the same stage with these of its arms alone."""
        return self.model_copy(
            update={
                "arms": [arm.configuration for arm in arms if not arm.twin],
                "twins": [arm.configuration for arm in arms if arm.twin],
            }
        )

    def budget_s(self, arm: Arm) -> float:
        """Return the detection budget of an arm."""
        return self.budgets_s.get(arm.configuration, self.detection_budget_s)

    @property
    def facts(self) -> list[Facts]:
        """What is known of the faults of its cells."""
        return [FAULTS[cell.fault].facts for cell in self.cells if cell.fault != NO_FAULT]

    @property
    def workloads(self) -> list[str]:
        """What must be served for its cells."""
        return sorted({cell.workload for cell in self.cells})

    @property
    def env(self) -> dict[str, str]:
        """The variables that its faults need in every process."""
        return {name: value for facts in self.facts for name, value in facts.env.items()}

    @property
    def own_servers(self) -> bool:
        """Whether each arm needs a server that no other arm shares."""
        return any(facts.own_server for facts in self.facts)

    @property
    def needs_links(self) -> bool:
        """Whether the GPU workers must reach their server through something that can be cut."""
        return any(facts.links for facts in self.facts)

    @property
    def healthy_step_s(self) -> float | None:
        """How long a simulated `generate_image` takes, None where the device decides."""
        return self.job.steps * self.step_s if self.compute == "simulated" else None

    @property
    def own_clocks(self) -> bool:
        """Whether each GPU worker needs a clock that can be set."""
        return any(facts.own_clocks and not facts.absent for facts in self.facts)


class Scenario(Table):
    """A whole run: stages, one after the other, the soak, the experiments on idempotency."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    """Part of the run folder's name."""
    seed: int = Field(ge=0)
    """What arrivals, requests, moments of faults and the order of trials are drawn by."""
    durability: Durability = Durability.PROCESS
    """What an acknowledged write survives: the end of any `process`, or a cut of `power`; the same
    for every server of the run."""
    outage_patience_s: int = Field(300, ge=30, le=86400)
    """How long a Celery worker that has done its step goes on trying to publish the next one. A
    Temporal worker gives its report up after 10 s, and the server has the step tried again."""
    cpu_slots: int = Field(4, ge=1, le=32)
    """Steps at once in a CPU worker."""
    restart_delay_s: float = Field(1.0, ge=0)
    """How long the supervisor waits before it starts a process again."""
    stop_grace_s: float = Field(10.0, ge=3)
    """Between SIGTERM and SIGKILL."""
    stages: list[Stage] = Field(default_factory=list)
    """Run one after the other."""
    idempotency: IdempotencyPlan | None = None
    """The experiments on idempotency."""
    soak: SoakPlan | None = None
    """Random faults for a long time."""

    @property
    def largest(self) -> tuple[int, str]:
        """How many arms run at once where most is asked of the machine, and on which driver."""
        parts = [(len(stage.parsed_arms), stage.compute) for stage in self.stages]
        if self.idempotency is not None:
            parts.append((len(self.idempotency.arms) * len(self.idempotency.modes), "simulated"))
        if self.soak is not None:
            parts.append((len(self.soak.arms), "simulated"))
        return max(parts, key=lambda part: (part[1] == "diffusers", part[0]))

    def without(self, names: Collection[str]) -> "Scenario | None":
        """Return the same without these arms, None if that leaves nothing."""

        def left(arms: Sequence[str]) -> list[str]:
            return [name for name in arms if name not in names]

        stages = [
            stage.model_copy(update={"arms": left(stage.arms), "twins": left(stage.twins)})
            for stage in self.stages
            if left(stage.arms)
        ]
        plans = {
            key: plan.model_copy(update={"arms": left(plan.arms)})
            for key in ("idempotency", "soak")
            if (plan := getattr(self, key)) is not None and left(plan.arms)
        }
        nothing: dict[str, object] = {"idempotency": None, "soak": None}
        return (
            self.model_copy(update={"stages": stages, **nothing, **plans})
            if stages or plans
            else None
        )

    @property
    def engines(self) -> list[str]:
        """The engines of all its arms."""
        arms = [arm for stage in self.stages for arm in stage.arms]
        arms += self.idempotency.arms if self.idempotency else []
        arms += self.soak.arms if self.soak else []
        return sorted({arm_of(name).engine for name in arms})

    @property
    def needs(self) -> list[Need]:
        """What has to be installed for its drivers; soak and experiments are simulated."""
        return [
            need
            for stage in self.stages
            for need in needed_to_compute(stage.compute, stage.workloads)
        ]

    @field_validator("stages")
    @classmethod
    def _have_names_of_their_own(cls, stages: list[Stage]) -> list[Stage]:
        ids = [stage.id for stage in stages]
        if len(set(ids)) != len(ids):
            raise ValueError(f"{', '.join(ids)}: give each a name of its own")
        return stages

    @model_validator(mode="after")
    def _does_something(self) -> "Scenario":
        if not self.stages and self.idempotency is None and self.soak is None:
            raise ValueError("needs stages, or a table [idempotency] or [soak]")
        return self
