"""The composition root of workers and the facade: settings in, wired ports out."""

import os
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import Engine as Database

from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.decisions import SqlDecisions
from shared.adapters.effects import HttpEffects
from shared.adapters.face_results import SqlFaceResults
from shared.adapters.idempotency import idempotency_store
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables, is_idle
from shared.adapters.uploads import SqlUploads
from shared.adapters.workers import SqlWorkers
from shared.compute.choose import face_embedder, image_generator
from shared.domain.faces import FACE_SIMILARITY
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.policy import Queue
from shared.ports.artifacts import Artifacts
from shared.ports.face_embedder import FaceEmbedder
from shared.ports.image_generator import ImageGenerator
from shared.ports.jobs import Jobs
from shared.ports.ledger import Ledger
from shared.ports.uploads import Uploads
from shared.ports.workers import Workers
from shared.runner import StepRunner
from shared.sabotage import saboteur
from shared.settings import Settings
from shared.workloads.face_rules import FaceRules
from shared.workloads.face_similarity import FacePorts
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
    face_ports: FacePorts
    embedder: FaceEmbedder
    uploads: Uploads
    upload_store: Artifacts
    effects: HttpEffects

    def warm_up(self, role: Queue) -> None:
        """Do now what the first step of this role would have to wait for.

        A worker does so before it takes work: a GPU worker loads its models, a CPU worker, which
        alone applies effects, the client that sends them.
        """
        if role is Queue.GPU:
            self.load_models()
        else:
            self.effects.open()

    def load_models(self) -> None:
        """Load the models of the workloads that are served here, and record how long it took."""
        began_at = time.monotonic()
        if IMAGE_GENERATION in self.settings.workloads:
            self.generator.load()
        if FACE_SIMILARITY in self.settings.workloads:
            self.embedder.load()
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


def build_runtime(settings: Settings) -> Runtime:
    """Wire the adapters. Opens the database, so call it after a fork, never before."""
    database = connect(settings.database_url)
    create_tables(database)
    ledger = SqlLedger(database)
    jobs = SqlJobs(database)
    effects = HttpEffects(settings.effects_url)
    runner = StepRunner(
        ledger=ledger,
        idempotency=idempotency_store(settings.idempotency, database),
        effects=effects,
        worker=settings.worker_name,
        lease_s=settings.lease_s,
        saboteur=saboteur(settings.crash_point, SqlDecisions(database), lambda: is_idle(database)),
    )
    image_ports = ImagePorts(
        jobs=jobs,
        decisions=SqlDecisions(database),
        artifacts=FsspecArtifacts(settings.artifacts_url),
        checkpoint_every=settings.checkpoint_every,
    )
    upload_store = FsspecArtifacts(settings.uploads_url)
    face_ports = FacePorts(
        uploads=upload_store,
        results=SqlFaceResults(database),
        rules=FaceRules(
            threshold=settings.face_threshold,
            review_margin=settings.face_review_margin,
            frames_per_video=settings.frames_per_video,
        ),
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
        face_ports=face_ports,
        embedder=face_embedder(settings),
        uploads=SqlUploads(database),
        upload_store=upload_store,
        effects=effects,
    )
