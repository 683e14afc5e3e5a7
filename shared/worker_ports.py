"""What the attempts in one worker share, and what their guard knows them by."""

from dataclasses import dataclass

from shared.crash_points import CrashInjector
from shared.ports.effects import Effects
from shared.ports.idempotency import Idempotency
from shared.ports.ledger import Ledger
from shared.ports.transactions import Transactions


def step_key(job_id: str, step: str) -> str:
    """Return the key under which a step is guarded."""
    return f"{job_id}/{step}"


def owner_of(worker: str, pid: int) -> str:
    """Return how the owner of every lease begins that a process of a worker takes."""
    return f"{worker}:{pid}:"


@dataclass(frozen=True, slots=True)
class WorkerPorts:
    """What every attempt in one worker shares."""

    ledger: Ledger
    idempotency: Idempotency
    effects: Effects
    transactions: Transactions
    worker: str
    lease_s: float
    crash_injector: CrashInjector | None = None
