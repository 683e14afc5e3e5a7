"""The composition root of workers and the facade: settings in, wired ports out."""

from dataclasses import dataclass

from sqlalchemy import Engine as Database

from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.decisions import SqlDecisions
from shared.adapters.effects import HttpEffects
from shared.adapters.idempotency import idempotency_store
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.workers import SqlWorkers
from shared.compute.choose import image_generator
from shared.ports.image_generator import ImageGenerator
from shared.ports.jobs import Jobs
from shared.ports.ledger import Ledger
from shared.ports.workers import Workers
from shared.runner import StepRunner
from shared.settings import Settings
from shared.workloads.image_generation import ImagePorts


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that a worker process needs besides its engine."""

    settings: Settings
    database: Database
    ledger: Ledger
    jobs: Jobs
    workers: Workers
    runner: StepRunner
    image_ports: ImagePorts
    generator: ImageGenerator


def build_runtime(settings: Settings) -> Runtime:
    """Wire the adapters. Opens the database, so call it after a fork, never before."""
    database = connect(settings.database_url)
    create_tables(database)
    ledger = SqlLedger(database)
    jobs = SqlJobs(database)
    runner = StepRunner(
        ledger=ledger,
        idempotency=idempotency_store(settings.idempotency, database),
        effects=HttpEffects(settings.effects_url),
        worker=settings.worker_name,
        lease_s=settings.lease_s,
    )
    image_ports = ImagePorts(
        jobs=jobs,
        decisions=SqlDecisions(database),
        artifacts=FsspecArtifacts(settings.artifacts_url),
        checkpoint_every=settings.checkpoint_every,
    )
    return Runtime(
        settings=settings,
        database=database,
        ledger=ledger,
        jobs=jobs,
        workers=SqlWorkers(database),
        runner=runner,
        image_ports=image_ports,
        generator=image_generator(settings),
    )
