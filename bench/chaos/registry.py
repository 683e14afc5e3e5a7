"""Every fault there is, by name."""

from bench.chaos.fault import Fault
from bench.chaos.faults.freeze import SlowWorker, Zombie
from bench.chaos.faults.network import ConnectionReset, Partition, SlowNetwork
from bench.chaos.faults.repeated import Deploys, PoisonPill
from bench.chaos.faults.server import ServerDownAtEnd, ServerRestart, ServerSigkill
from bench.chaos.faults.worker import ChildSigkill, Sigkill, Sigterm, SigtermShort

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
)

FAULTS: dict[str, type[Fault]] = {fault.facts.name: fault for fault in _ALL}
"""By the name that scenarios, histories and reports use."""

NO_FAULT = "none"


def exposed(engine: str, fault: str) -> bool:
    """Whether the fault can exist on the engine; a cell without one exists on every engine."""
    return fault == NO_FAULT or engine in FAULTS[fault].facts.engines
