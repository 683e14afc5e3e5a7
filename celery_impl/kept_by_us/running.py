"""Which attempts are in the hands of a live worker, by the ledger and the workers' own word."""

from shared.domain.records import AttemptRecord
from shared.policy import Queue
from shared.ports.ledger import Ledger
from shared.ports.workers import WorkerInfo, Workers


class Running:
    """Reads SQL; changes nothing."""

    def __init__(self, ledger: Ledger, workers: Workers) -> None:
        self._ledger = ledger
        self._workers = workers

    def of_job(self, job_id: str) -> list[AttemptRecord]:
        """Return the attempts that have begun and not ended, in a process that is still alive."""
        alive = {(worker.name, worker.pid) for worker in self.alive()}
        newest = {record.attempt_id: record for record in self._ledger.of_job(job_id)}
        return [
            record
            for record in newest.values()
            if not record.kind.ends_attempt and (record.worker, record.pid) in alive
        ]

    def alive(self) -> list[WorkerInfo]:
        """Return Celery's workers that have lately said that they are there."""
        roles = set(Queue)  # beat is among the workers too, and takes no message
        return [
            worker
            for worker in self._workers.alive()
            if worker.engine == "celery" and worker.role in roles
        ]
