"""Every fault there is, by name."""

from bench.faults.crash_points import CRASH_POINTS
from bench.faults.fault import Facts, Fault
from bench.faults.kinds.client import Cancel, DoubleSubmit, Oversized
from bench.faults.kinds.clock import ClockStep
from bench.faults.kinds.facade import FacadeSigkill
from bench.faults.kinds.freeze import SlowWorker, Zombie
from bench.faults.kinds.keeper import WorkflowWorkerSigkill
from bench.faults.kinds.lease import OverLease, RetryOverLease
from bench.faults.kinds.members import LostMember
from bench.faults.kinds.network import ConnectionReset, LinkBlackhole, Partition, SlowNetwork
from bench.faults.kinds.parked import ParkedMessage
from bench.faults.kinds.power import PowerCut
from bench.faults.kinds.repeated import Deploys, PoisonPill
from bench.faults.kinds.server import ServerDownAtEnd, ServerDownLong, ServerRestart, ServerSigkill
from bench.faults.kinds.sessions import (
    InputDuplicate,
    InputEarly,
    InputLate,
    InputMissing,
)
from bench.faults.kinds.storage import DatabaseLocked, DiskFull
from bench.faults.kinds.worker import ChildSigkill, Sigkill, Sigterm, SigtermShort
from bench.faults.kinds.workers_down import InputWhileWorkersDown

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
    LinkBlackhole,
    SlowNetwork,
    ServerDownAtEnd,
    ServerDownLong,
    WorkflowWorkerSigkill,
    ParkedMessage,
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


def facts_of(fault: str) -> Facts:
    """Return what is known of a fault; of one that no cell can run, only its name."""
    known = FAULTS.get(fault)
    return known.facts if known else Facts(fault, None, "", "", "", "")


def exposed(engine: str, fault: str) -> bool:
    """Whether the fault can exist on the engine; a cell without one exists on every engine."""
    return fault == NO_FAULT or engine in FAULTS[fault].facts.engines
