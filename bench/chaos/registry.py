"""Every fault there is, by name."""

from bench.chaos.crash_points import CRASH_POINTS
from bench.chaos.fault import Facts, Fault
from bench.chaos.faults.client import Cancel, DoubleSubmit, Oversized
from bench.chaos.faults.clock import ClockStep
from bench.chaos.faults.facade import FacadeSigkill
from bench.chaos.faults.freeze import SlowWorker, Zombie
from bench.chaos.faults.lease import OverLease, RetryOverLease
from bench.chaos.faults.members import LostMember
from bench.chaos.faults.network import ConnectionReset, Partition, SlowNetwork
from bench.chaos.faults.power import PowerCut
from bench.chaos.faults.repeated import Deploys, PoisonPill
from bench.chaos.faults.server import ServerDownAtEnd, ServerRestart, ServerSigkill
from bench.chaos.faults.sessions import (
    InputDuplicate,
    InputEarly,
    InputLate,
    InputMissing,
)
from bench.chaos.faults.storage import DatabaseLocked, DiskFull
from bench.chaos.faults.worker import ChildSigkill, Sigkill, Sigterm, SigtermShort
from bench.chaos.faults.workers_down import InputWhileWorkersDown

_ALL: tuple[type[Fault], ...] = (
    ChildSigkill,
    Sigkill,
    SigtermShort,
    Sigterm,
    Deploys,
    Zombie,
    PoisonPill,
    ServerRestart,
    ServerSigkill,
    ConnectionReset,
    Partition,
    SlowNetwork,
    ServerDownAtEnd,
    SlowWorker,
    DoubleSubmit,
    Cancel,
    Oversized,
    FacadeSigkill,
    InputLate,
    InputEarly,
    InputMissing,
    InputDuplicate,
    InputWhileWorkersDown,
    OverLease,
    RetryOverLease,
    LostMember,
    DatabaseLocked,
    DiskFull,
    PowerCut,
    ClockStep,
)

FAULTS: dict[str, type[Fault]] = {fault.facts.name: fault for fault in _ALL}
"""By the name that scenarios, histories and reports use."""

LISTED: list[Facts] = [*(fault.facts for fault in _ALL), *CRASH_POINTS]
"""All that can be done to an arm: by a cell, or by a scenario of its own."""

NO_FAULT = "none"


def exposed(engine: str, fault: str) -> bool:
    """Whether the fault can exist on the engine; a cell without one exists on every engine."""
    return fault == NO_FAULT or engine in FAULTS[fault].facts.engines
