"""What the experiments are told: the table `[idempotency]` of a scenario."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from bench.arms.topology import Arm
from bench.faults.experiments import EXPERIMENTS, Receiver
from bench.scenario.budget import enough_for_a_picture
from bench.scenario.table import ArmNames, Table, arm_of, each_once
from shared.ports.idempotency import IdempotencyMode
from shared.settings import Settings


def _is_experiment(name: str) -> str:
    if name not in EXPERIMENTS:
        raise ValueError(f"{name!r} is not one of {', '.join(EXPERIMENTS)}")
    return name


class IdempotencyPlan(Table):
    """Every experiment on every arm in every mode, on the simulated GPU."""

    arms: ArmNames = Field(["celery/hardened", "temporal/hardened"])
    """The engines and profiles that are tried side by side."""
    modes: Annotated[list[IdempotencyMode], AfterValidator(each_once)] = Field(
        list(IdempotencyMode), min_length=1
    )
    """The guards that each arm is tried with."""
    experiments: Annotated[
        list[Annotated[str, AfterValidator(_is_experiment)]], AfterValidator(each_once)
    ] = Field(list(EXPERIMENTS), min_length=1)
    """What is done to the workers, one after the other."""
    trials: int = Field(3, ge=1, le=50)
    """Jobs an experiment, arm and mode; each is struck once."""
    receiver: Receiver = Receiver.HONOURS_KEYS
    """What the outside world makes of an idempotency key."""
    steps: int = Field(12, ge=4, le=150)
    """Denoising steps a picture."""
    step_s: float = Field(0.1, gt=0)
    """Length of a simulated denoising step."""
    detection_budget_s: float = Field(5.0, ge=2, validate_default=True)
    """How long an engine may take to notice a dead worker."""
    drain_s: float = Field(90.0, gt=0)
    """T: how long after its fault a job is judged; after its submission if none struck."""

    @field_validator("arms")
    @classmethod
    def _have_steps(cls, arms: list[str]) -> list[str]:
        if "temporal/standalone" in arms:
            raise ValueError("temporal/standalone runs all steps of a job as one activity")
        return arms

    @field_validator("detection_budget_s")
    @classmethod
    def _exceeds_a_picture(cls, budget_s: float, info: ValidationInfo) -> float:
        return enough_for_a_picture(budget_s, info)

    @property
    def parsed_arms(self) -> list[Arm]:
        """The arms as objects."""
        return [arm_of(name) for name in self.arms]

    @property
    def lease_s(self) -> float:
        """How long a step is held for a worker that is silent, as the workers work it out."""
        return Settings(detection_budget_s=self.detection_budget_s).lease_s


def experiment_id(place: str, experiment: str) -> str:
    """Return what the records of an experiment on an arm in one mode name as their cell."""
    return f"idempotency/{place}/{experiment}"
