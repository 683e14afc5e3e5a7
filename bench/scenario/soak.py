"""What a soak is told: the table `[soak]` of a scenario."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from bench.arms.topology import Arm, Role
from bench.faults.registry import FAULTS
from bench.scenario.budget import enough_for_a_picture
from bench.scenario.table import ArmNames, Table, arm_of


def _strikes_places(name: str) -> str:
    known = [fault for fault, kind in FAULTS.items() if kind.facts.places]
    if name not in known:
        raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    return name


class MixEntry(Table):
    """One kind of fault on one role, and how often it is drawn among the others."""

    fault: Annotated[str, AfterValidator(_strikes_places)]
    """One that strikes a process whatever it is doing."""
    role: Role
    """Which process it strikes."""
    weight: float = Field(1.0, gt=0)
    """How often it is drawn, beside the weights of the others."""

    @field_validator("role")
    @classmethod
    def _role_fits(cls, role: Role, info: ValidationInfo) -> Role:
        fault = info.data.get("fault")
        if fault is not None and role not in FAULTS[fault].facts.places:
            known = ", ".join(sorted(FAULTS[fault].facts.places))
            raise ValueError(f"{fault} strikes {known}; not {role}")
        return role


class SoakPlan(Table):
    """Steady load on every arm, and faults drawn by the seed, until the time is over."""

    arms: ArmNames = Field(["celery/hardened", "temporal/hardened"])
    """The engines and profiles that are soaked side by side."""
    duration_s: float = Field(gt=0)
    """How long jobs arrive."""
    rate_per_s: float = Field(gt=0)
    """Jobs that arrive in a second, on average, on each arm."""
    n: list[Annotated[int, Field(ge=1, le=8)]] = Field([1], min_length=1)
    """Pictures a job, drawn evenly from the list by the seed."""
    steps: int = Field(4, ge=2, le=150)
    """Denoising steps a picture."""
    step_s: float = Field(0.1, gt=0)
    """Length of a simulated denoising step."""
    size_px: int = Field(64, ge=64, le=1024)
    """Width and height of a picture."""
    gpu_workers: int = Field(3, ge=1, le=64)
    """GPU workers an arm, each with one slot."""
    cpu_workers: int = Field(2, ge=1, le=64)
    """CPU workers an arm."""
    detection_budget_s: float = Field(6.0, ge=2, validate_default=True)
    """How long an engine may take to notice a dead worker."""
    mean_gap_s: float = Field(gt=0)
    """Seconds between two faults on an arm, on average."""
    hold_s: float = Field(6.0, gt=0)
    """How long a frozen worker sleeps and a partition lasts."""
    quiet_s: float = Field(5.0, ge=0)
    """How long at the end no fault strikes while jobs still arrive."""
    drain_s: float = Field(gt=0)
    """T: how long after the last arrival jobs are judged, at the latest."""
    mix: list[MixEntry] = Field(min_length=1)
    """What is drawn from, each fault and role once."""

    @field_validator("mix")
    @classmethod
    def _each_fault_once(cls, mix: list[MixEntry]) -> list[MixEntry]:
        kinds = [(entry.fault, entry.role) for entry in mix]
        if len(set(kinds)) != len(kinds):
            raise ValueError("each fault and role once")
        return mix

    @field_validator("detection_budget_s")
    @classmethod
    def _budget_exceeds_a_picture(cls, budget_s: float, info: ValidationInfo) -> float:
        return enough_for_a_picture(budget_s, info)

    @property
    def parsed_arms(self) -> list[Arm]:
        """The arms as objects."""
        return [arm_of(name) for name in self.arms]

    @property
    def linked_roles(self) -> frozenset[Role]:
        """Whose connections to the server must be ours to cut."""
        return frozenset(entry.role for entry in self.mix if FAULTS[entry.fault].facts.links)

    def places(self, role: Role) -> int:
        """How many processes of a role an arm has."""
        return {Role.GPU: self.gpu_workers, Role.CPU: self.cpu_workers}.get(role, 1)


def soak_id(arm: str) -> str:
    """Return what operations, faults and final states of an arm name as their cell."""
    return f"soak/{arm}"
