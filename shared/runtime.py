"""The composition root of workers and the facade: settings in, wired ports out."""

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Engine as Database

from shared.adapters.decisions import SqlDecisions
from shared.adapters.effects import HttpEffects
from shared.adapters.idempotency import idempotency_store
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables, is_idle
from shared.adapters.transactions import SqlTransactions
from shared.adapters.workers import SqlWorkers
from shared.crash_points import crash_injector
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.policy import Queue
from shared.ports.jobs import Jobs
from shared.ports.ledger import Ledger
from shared.ports.workers import Workers
from shared.runner import StepRunner
from shared.settings import Settings
from shared.workloads.table import WORKLOADS
from shared.workloads.workload import P, Parts, Wiring, Workload


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that a worker process needs besides its engine."""

    settings: Settings
    database: Database
    ledger: Ledger
    jobs: Jobs
    workers: Workers
    runner: StepRunner
    effects: HttpEffects
    parts: Mapping[str, Parts]
    """What the steps of each workload need from outside, by its name."""

    def of(self, workload: Workload[Any, P]) -> P:
        """Return the parts of a workload."""
        return cast(P, self.parts[workload.name])

    def warm_up(self, role: Queue) -> None:
        """Do now what the first step of this role would have to wait for.

        A worker does so before it takes work: a GPU worker loads its models, a CPU worker, which
        alone applies effects, the client that sends them.
        """
        import_ahead(role)
        if role is Queue.GPU:
            self.load_models()
        else:
            self.effects.open()

    def load_models(self) -> None:
        """Load the models of the workloads that are served here, and record how long it took."""
        began_at = time.monotonic()
        for name, parts in self.parts.items():
            if name in self.settings.workloads:
                parts.load()
        self.ledger.append(
            AttemptRecord(
                kind=RecordKind.MODEL_LOADED,
                job_id="",
                step="",
                attempt=0,
                attempt_id=uuid.uuid4().hex,
                worker=self.settings.worker_name,
                pid=os.getpid(),
                detail=f"{time.monotonic() - began_at:.3f}",
            )
        )


def import_ahead(role: Queue) -> None:
    """Import now what the first step of this role would import; harmless to repeat.

    Opens nothing and starts no thread: a worker that forks its children does so before it, once
    for all of them.
    """
    import fsspec.implementations.local  # noqa: F401

    if role is Queue.CPU:
        import httpcore  # noqa: F401
        import httpx  # noqa: F401
        import PIL.PngImagePlugin  # noqa: F401


def build_runtime(settings: Settings) -> Runtime:
    """Wire the adapters. Opens the database, so call it after a fork, never before."""
    database = connect(settings.database_url, settings.durability)
    create_tables(database)
    ledger = SqlLedger(database)
    jobs = SqlJobs(database)
    effects = HttpEffects(settings.effects_url)
    runner = StepRunner(
        ledger=ledger,
        idempotency=idempotency_store(settings.idempotency, database),
        effects=effects,
        transactions=SqlTransactions(database),
        worker=settings.worker_name,
        lease_s=settings.lease_s,
        crash_injector=crash_injector(
            settings.crash_point, SqlDecisions(database), lambda: is_idle(database)
        ),
    )
    wiring = Wiring(settings, database, jobs)
    return Runtime(
        settings=settings,
        database=database,
        ledger=ledger,
        jobs=jobs,
        workers=SqlWorkers(database),
        runner=runner,
        effects=effects,
        parts={name: workload.build(wiring) for name, workload in WORKLOADS.items()},
    )
